package evdns

import (
	"math/bits"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// Equal questions in flight are sent once. The first request with a question is the
// leader: it is sent. Later requests with the same question follow it, and get the
// same answer. Each request keeps its own callback, its own limit, and the names that
// it tries next. A leader that is cancelled or whose limit has passed is detached: its
// callback is queued, and it stays in flight for its followers. The query is abandoned
// with the last of them.

// share is the part of a request that leads or follows others.
type share struct {
	leader     *Request // that this one follows, or nil
	followers  queue    // by limit
	leaderOnly bool     // detached: ended for its own callback
}

// addShare returns the share of r, and makes it if there is none.
func (r *Request) addShare() *share {
	m := r.rareFields()
	if m.share == nil {
		m.share = new(share)
	}
	return m.share
}

// isDetached reports whether r is sent for its followers only.
func (r *Request) isDetached() bool {
	return r.rare != nil && r.rare.share != nil && r.rare.share.leaderOnly
}

// followers returns the followers of r, or nil if it has none.
func (r *Request) followers() *queue {
	if r.rare == nil || r.rare.share == nil || r.rare.share.followers.len() == 0 {
		return nil
	}
	return &r.rare.share.followers
}

// forAll calls do for r and all its followers, which are in no queue then: the question
// is answered, or has failed.
func (b *Base) forAll(r *Request, do func(*Request)) {
	followers := b.requests.releaseFollowers(r)
	if r.isDetached() {
		b.terminate(r)
	} else {
		do(r)
	}
	for _, follower := range followers {
		do(follower)
	}
}

// firstLimit returns the earliest limit of r and its followers.
func (r *Request) firstLimit() time.Duration {
	first := r.limit
	if r.isDetached() {
		first = forever
	}
	if q := r.followers(); q != nil {
		first = min(first, q.first.limit)
	}
	return first
}

// expire ends r and those of its followers whose limit has passed, for a reason, and
// reports whether the query is abandoned.
func (b *Base) expire(r *Request, why Err) bool {
	now := b.now()
	if r.firstLimit() > now {
		return false
	}
	o := outcome{err: r.describe(why)}
	if q := r.followers(); q != nil {
		for follower := q.first; follower != nil && follower.limit <= now; follower = q.first {
			b.end(follower, o)
		}
	}
	if r.limit <= now && !r.ended() {
		b.end(r, o)
	}
	if r.state != stateEnded {
		return false
	}
	if r.sent > 0 && r.limit <= now && !r.params().expired(now) { // the last attempt may end with the limit
		b.cacheFailure(r, o.err)
	}
	return true
}

// questions is the set of the requests in flight or waiting that others may follow: a
// hash table with open addressing and linear probing. The zero value with keys is empty.
type questions struct {
	slots []questionSlot // the length is a power of two
	n     int
	keys  [2]uint64 // random, so that colliding names cannot be chosen
}

// setKeys sets the keys of the hash, before the first request is added.
func (q *questions) setKeys(a, b uint64) { q.keys = [2]uint64{a, b | 1} }

type questionSlot struct {
	r    *Request
	hash uint32
}

// claim adds r to the set and returns nil, unless the set has a request with the same
// question, which it returns.
func (q *questions) claim(r *Request) *Request {
	if 2*q.n >= len(q.slots) {
		q.grow()
	}
	hash, mask := q.hash(r), len(q.slots)-1
	i := int(hash) & mask
	for ; q.slots[i].r != nil; i = (i + 1) & mask {
		if s := &q.slots[i]; s.hash == hash && s.r.sameQuestion(r) {
			return s.r
		}
	}
	q.slots[i] = questionSlot{r, hash}
	q.n++
	return nil
}

// remove removes r, if it is in the set. Entries behind it are moved up, so that no
// probe sequence is interrupted.
func (q *questions) remove(r *Request) {
	if q.n == 0 {
		return
	}
	mask := len(q.slots) - 1
	i := int(q.hash(r)) & mask
	for ; q.slots[i].r != r; i = (i + 1) & mask {
		if q.slots[i].r == nil {
			return
		}
	}
	for j := (i + 1) & mask; q.slots[j].r != nil; j = (j + 1) & mask {
		home := int(q.slots[j].hash) & mask
		if (j-home)&mask >= (j-i)&mask {
			q.slots[i] = q.slots[j]
			i = j
		}
	}
	q.slots[i] = questionSlot{}
	q.n--
	if q.n == 0 && len(q.slots) > maxIdle {
		q.slots = nil
	}
}

func (q *questions) grow() {
	old := q.slots
	q.slots = make([]questionSlot, max(16, 2*len(old)))
	mask := len(q.slots) - 1
	for _, s := range old {
		if s.r == nil {
			continue
		}
		i := int(s.hash) & mask
		for q.slots[i].r != nil {
			i = (i + 1) & mask
		}
		q.slots[i] = s
	}
}

// hash returns the hash of a request's question. It ignores the case of letters.
func (q *questions) hash(r *Request) uint32 {
	const lowerCase = 0x2020202020202020 // of letters; other characters may coincide
	name := r.name
	h := q.keys[0] ^ uint64(r.qtype)<<32 ^ uint64(len(name))
	if len(name) < 8 {
		var short [8]byte
		copy(short[:], name)
		return uint32(q.mix(h ^ (wordOf(string(short[:])) | lowerCase)))
	}
	for ; len(name) > 8; name = name[min(8, len(name)-8):] { // the last word may overlap
		h = q.mix(h ^ (wordOf(name) | lowerCase))
	}
	return uint32(q.mix(h ^ (wordOf(name) | lowerCase)))
}

// wordOf returns the first eight bytes of s.
func wordOf(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func (q *questions) mix(h uint64) uint64 {
	high, low := bits.Mul64(h, q.keys[1])
	return high ^ low
}

// sameQuestion reports whether an answer to r answers other: name, type and all other
// parameters of the query are equal.
func (r *Request) sameQuestion(other *Request) bool {
	const way = UseVC | IgnoreTC
	return r.qtype == other.qtype && (r.flags^other.flags)&way == 0 && r.params().equal(other.params()) &&
		equalNames(r.name, other.name)
}

// equalNames compares names without regard to case.
func equalNames(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if dnswire.Lower(a[i]) != dnswire.Lower(b[i]) {
			return false
		}
	}
	return true
}
