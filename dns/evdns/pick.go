package evdns

import (
	"math"
	"slices"
	"time"
)

// A rank says how much there is to be said for sending a request to a
// nameserver; the least is the best. The last bit says that it is doubted.
type rank uint8

const (
	rankFresh   rank = 2 * iota // up, and not asked by the request before
	rankAgain                   // up, and asked before
	rankDown                    // down, and not asked before
	rankDownToo                 // down, and asked before
	rankNone                    // not to be asked, by this request
)

// pick returns the nameserver that r is to be sent to next, or nil if it was
// sent often enough: as often as the option attempts says, and once to each
// nameserver. A nameserver that has refused r, or cannot be reached, is not asked
// again.
//
// Those of the best rank that are about equally fast have their turns. How long
// the others take fades from memory, so that they get another chance.
func (b *Base) pick(r *Request) *nameserver {
	if a := r.asking(); a.namesServer() {
		return b.pickNamed(r, a.nameserver)
	}
	if len(b.servers) == 1 && r.sent == 0 {
		return b.servers[0]
	}
	best, fastest := rankNone, time.Duration(0)
	for _, s := range b.servers {
		switch k := b.rank(s, r); {
		case k < best:
			best, fastest = k, s.delay
		case k == best:
			fastest = min(fastest, s.delay)
		}
	}
	if best == rankNone {
		return nil
	}
	for i := b.next; ; i++ {
		s := b.servers[i%len(b.servers)]
		if b.rank(s, r) != best {
			continue
		}
		if s.delay <= 2*fastest+slack {
			b.next = (i + 1) % len(b.servers)
			return s
		}
		s.delay -= s.delay / 128
	}
}

// rank says how good it is to send r to s.
func (b *Base) rank(s *nameserver, r *Request) (k rank) {
	if r.sent == 0 && s.up && !s.doubted {
		return rankFresh
	}
	asked := r.sent > 0 && r.hasAsked(s)
	switch {
	case asked && (int(r.sent) >= b.config.Attempts || r.isRuledOut(s)):
		return rankNone
	case s.up && !asked:
		k = rankFresh
	case s.up && int(r.sent) < b.config.Attempts:
		k = rankAgain
	case !asked:
		k = rankDown
	default:
		k = rankDownToo
	}
	if s.doubted {
		k++
	}
	return k
}

// trouble is what has gone wrong with a request so far.
type trouble struct {
	err      error         // with sockets and connections, the last time
	asked    []*nameserver // before Request.server
	ruledOut []*nameserver // that need not be asked again
	excused  bool          // was sent once more than counts
}

// trouble returns where it is noted.
func (r *Request) trouble() *trouble {
	m := r.rareFields()
	if m.trouble == nil {
		m.trouble = new(trouble)
	}
	return m.trouble
}

// pastTrouble returns what was noted, or nil.
func (r *Request) pastTrouble() *trouble {
	if r.rare == nil {
		return nil
	}
	return r.rare.trouble
}

// hasAsked says whether r was sent to s.
func (r *Request) hasAsked(s *nameserver) bool {
	if r.server == s {
		return true
	}
	t := r.pastTrouble()
	return t != nil && slices.Contains(t.asked, s)
}

func (r *Request) isRuledOut(s *nameserver) bool {
	t := r.pastTrouble()
	return t != nil && slices.Contains(t.ruledOut, s)
}

// ruleOut has r not sent to s again.
func (r *Request) ruleOut(s *nameserver) {
	if t := r.trouble(); !r.isRuledOut(s) {
		t.ruledOut = append(t.ruledOut, s)
	}
}

// sendingTo notes that r is sent to s now.
func (r *Request) sendingTo(s *nameserver) {
	if r.sent < math.MaxUint8 {
		r.sent++
	}
	r.sentAt = r.base.now()
	r.repeated = r.server == s
	if r.server != nil && r.server != s {
		if t := r.trouble(); !slices.Contains(t.asked, r.server) {
			t.asked = append(t.asked, r.server)
		}
		r.stream = r.flags&UseVC != 0
	}
	r.server = s
}

// startOver has r be sent as if that had never been done.
func (r *Request) startOver() {
	r.server, r.sent, r.failure, r.repeated = nil, 0, 0, false
	r.plain, r.caseCheck = false, caseNone
	r.stream = r.flags&UseVC != 0
	if r.rare != nil {
		r.rare.trouble = nil
	}
}
