package evdns

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// failures is the cache of failed lookups (RFC 9520), so that retries of the program do
// not load nameservers that are overloaded already. Failures for lack of resources of
// this host are not cached.
//
// All have the same TTL, so they expire in the order in which they were added.
type failures struct {
	known map[string]knownFailure
	order []failureEnd
}

type knownFailure struct {
	err   error
	until time.Duration
}

type failureEnd struct {
	key   string
	until time.Duration
}

// A failureKey is a name in lower case, a type, and UseVC.
type failureKey [dnswire.MaxName + 4 + 3]byte

// set sets the key, and returns the part of it that is used, or nil if the name is too
// long.
func (k *failureKey) set(r *Request) []byte {
	n := len(r.name)
	if n+3 > len(k) {
		return nil
	}
	for i := range n {
		k[i] = dnswire.Lower(r.name[i])
	}
	binary.BigEndian.PutUint16(k[n:], r.qtype)
	k[n+2] = byte(r.flags & UseVC)
	return k[:n+3]
}

// any reports whether the cache is not empty.
func (f *failures) any() bool { return len(f.known) > 0 }

// get returns the cached error of r's question, or nil.
func (f *failures) get(r *Request, now time.Duration) error {
	f.evict(now, math.MaxInt)
	var key failureKey
	return f.known[string(key.set(r))].err
}

// put adds a failure to the cache, which has up to limit of them.
func (f *failures) put(r *Request, err error, now, ttl time.Duration, limit int) {
	if ttl <= 0 || limit <= 0 {
		return
	}
	f.evict(now, limit-1)
	var buf failureKey
	key := string(buf.set(r))
	if key == "" {
		return
	}
	if f.known == nil {
		f.known = map[string]knownFailure{}
	}
	f.known[key] = knownFailure{err, now + ttl}
	f.order = append(f.order, failureEnd{key, now + ttl})
}

// evict removes the failures that have expired, and the oldest ones beyond limit.
func (f *failures) evict(now time.Duration, limit int) {
	n := 0
	for ; n < len(f.order) && (f.order[n].until <= now || len(f.order)-n > limit); n++ {
		end := &f.order[n]
		if f.known[end.key].until <= end.until { // unless it was added again
			delete(f.known, end.key)
		}
	}
	if n == len(f.order) {
		*f = failures{}
		return
	}
	clear(f.order[:n])
	f.order = f.order[n:]
}

// clear removes all failures, when the nameservers have changed.
func (f *failures) clear() { *f = failures{} }
