package evdns

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// failures are the questions to which nameservers had no answer not long ago. They
// are not asked again at once (RFC 9520): so whoever cannot wait to try again does
// not load nameservers that have trouble enough. Errors of this host, such as too
// many descriptors, are not kept.
//
// All are kept for the same time, and so end in the order in which they came.
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

// A failureKey is a name in lower case, a type, and what of the flags counts.
type failureKey [dnswire.MaxName + 4 + 3]byte

// set fills in the key, and returns the part of it that counts, or nil if the
// name is too long.
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

// any says whether there are any.
func (f *failures) any() bool { return len(f.known) > 0 }

// get returns how r's question failed a moment ago, or nil.
func (f *failures) get(r *Request, now time.Duration) error {
	f.evict(now, math.MaxInt)
	var key failureKey
	return f.known[string(key.set(r))].err
}

// put keeps a failure, of which there may be limit.
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

// evict forgets what has been kept long enough, and the oldest beyond limit.
func (f *failures) evict(now time.Duration, limit int) {
	n := 0
	for ; n < len(f.order) && (f.order[n].until <= now || len(f.order)-n > limit); n++ {
		end := &f.order[n]
		if f.known[end.key].until <= end.until { // and is not a later one
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

// clear forgets all: things have changed.
func (f *failures) clear() { *f = failures{} }
