package evdns

import (
	"math/bits"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// Equal questions in flight are asked once. The first request with a question is
// the leader: it is sent. Those that have the same question until it is answered
// join the leader, and get what it gets. Each keeps its own callback, its own
// limit, and the names that it tries next; a leader whose own time is up, or that
// is cancelled, is detached, and goes on for those that have joined it. When none
// of them is left, the query is given up.

// share is the part of a request that has to do with others.
type share struct {
	leader   *Request // that this one has joined, or nil
	joined   queue    // those that have joined this one, the first limit first
	detached bool     // has ended for its callback, and is sent for those
}

func (r *Request) sharing() *share {
	m := r.rareFields()
	if m.share == nil {
		m.share = new(share)
	}
	return m.share
}

// detached says whether r is only sent for others.
func (r *Request) detached() bool {
	return r.rare != nil && r.rare.share != nil && r.rare.share.detached
}

// joined returns the requests that have joined r, or nil.
func (r *Request) joined() *queue {
	if r.rare == nil || r.rare.share == nil || r.rare.share.joined.Len() == 0 {
		return nil
	}
	return &r.rare.share.joined
}

// enter has the question of r asked, unless it is already: then r joins the
// request that asks it.
func (b *Base) enter(r *Request) {
	leader := b.questions.claim(r)
	if leader == nil {
		r.state = stateWaiting
		b.waiting.insert(r, r.limit)
		return
	}
	r.state = stateJoined
	r.sharing().leader = leader
	leader.sharing().joined.insert(r, r.limit)
	b.joined++
	if r.limit < leader.deadline {
		b.reschedule(leader, r.limit)
	}
}

// part takes r away from the leader that it has joined.
func (b *Base) part(r *Request) {
	s := r.rare.share
	s.leader.rare.share.joined.Remove(r)
	b.joined--
	if s.leader.detached() && s.leader.joined() == nil {
		b.remove(s.leader)
	}
	s.leader = nil
}

// each calls do for r and for all that have joined it: its question is answered,
// or given up. They are in no queue then.
func (b *Base) each(r *Request, do func(*Request)) {
	others := b.dismiss(r)
	if r.detached() {
		b.remove(r)
	} else {
		do(r)
	}
	for _, other := range others {
		do(other)
	}
}

// dismiss takes all away from r that have joined it.
func (b *Base) dismiss(r *Request) []*Request {
	q := r.joined()
	if q == nil {
		return nil
	}
	list := make([]*Request, 0, q.Len())
	for other := q.First(); other != nil; other = q.First() {
		q.Remove(other)
		b.joined--
		other.rare.share.leader = nil
		other.state = stateNew
		other.server = r.server // which has answered
		list = append(list, other)
	}
	return list
}

// firstLimit returns the first limit of those for whom r is sent.
func (r *Request) firstLimit() time.Duration {
	first := r.limit
	if r.detached() {
		first = forever
	}
	if q := r.joined(); q != nil {
		first = min(first, q.First().limit)
	}
	return first
}

// expire ends those for whom r is sent and whose time is up, and reports whether
// none is left.
func (b *Base) expire(r *Request) bool {
	now := b.now()
	if r.firstLimit() > now {
		return false
	}
	o := outcome{err: r.describe(r.reason())}
	if q := r.joined(); q != nil {
		for other := q.First(); other != nil && other.limit <= now; other = q.First() {
			b.end(other, o)
		}
	}
	if r.limit <= now && !r.over() {
		b.end(r, o)
	}
	return r.state == stateEnded
}

// questions is the set of the requests in flight or waiting that others may join:
// a hash table with open addressing. The zero value with keys is empty.
type questions struct {
	slots []questionSlot // the length is a power of two
	n     int
	keys  [2]uint64 // random, so that nobody can choose names that collide
}

type questionSlot struct {
	r    *Request
	hash uint32
}

// claim puts r into the set, and returns nil, or returns the request that has the
// same question.
func (q *questions) claim(r *Request) *Request {
	if 2*q.n >= len(q.slots) {
		q.grow()
	}
	hash, mask := q.hash(r), len(q.slots)-1
	i := int(hash) & mask
	for ; q.slots[i].r != nil; i = (i + 1) & mask {
		if s := &q.slots[i]; s.hash == hash && s.r.asksTheSame(r) {
			return s.r
		}
	}
	q.slots[i] = questionSlot{r, hash}
	q.n++
	return nil
}

// remove takes r out, if it is in. Those behind it move up, so that there is no
// gap before them.
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

// hash returns the hash of a request's question, in which case does not count.
func (q *questions) hash(r *Request) uint32 {
	const lowerCase = 0x2020202020202020 // for letters; other characters may fall together
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

// asksTheSame says whether an answer to r is one to other: the questions are the
// same, and are asked in the same way.
func (r *Request) asksTheSame(other *Request) bool {
	const way = UseVC | IgnoreTC
	return r.qtype == other.qtype && (r.flags^other.flags)&way == 0 && r.asking().asksAs(other.asking()) &&
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
