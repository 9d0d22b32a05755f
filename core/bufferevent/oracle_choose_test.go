package bufferevent_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// allowed reports whether an operation may be performed now; if not, it is
// skipped, here and by the oracle. What it leaves out is
//
// what makes no sense: the use of slots that are empty, two filters on one
// bufferevent, a loop in a callback;
//
// what is different in this package, see its manual: Write to a half whose
// partner was freed; enabling a filter while something waits for it, which C
// leaves waiting; reading by Flush what waits below a filter, which C does not
// tell; the end of a stream below a filter, which waits for what the filter keeps
// back; writing from the write callback of a filter that was called by the
// filter's writing, which C does at once, and calls it again; what the callbacks
// of a filter take from an input that was full, for which C calls them again;
// callbacks that leave the input full, see onRead;
//
// what C does not do right: it goes on calling the read callback of a
// bufferevent that is full below a filter; it forgets what has arrived below a
// filter that is full or disabled, or before there was one; and one that was
// freed lives on while its callbacks are pending, and has the filter's
// callbacks called from within the filter if two filters stand on one another
// that do not defer theirs.
func (m *machine) allowed(o operation) bool {
	a, s := o.a, &m.slots[o.a[0]]
	switch o.name {
	case "loop", "reset":
		return m.depth == 0
	case "pair", "sockets":
		return m.depth == 0 && !s.alive && !m.slots[a[1]].alive
	case "filter":
		return m.depth == 0 && !s.alive && mayFilter(&m.slots[a[1]])
	}
	if !s.alive {
		return false
	}
	what, marked := event.What(a[1]), a[3] > 0 && event.What(a[1])&event.Read != 0
	switch o.name {
	case "write":
		return s.output()+a[2] <= oracleMost && !(s.kind == pairSlot && s.orphan()) &&
			!(s.writing > 0 && s.kind == filterSlot && !s.defers())
	case "watermark":
		switch {
		case s.kind == filterSlot && s.below.input() > 0:
			return false
		case !marked:
			return true
		case s.kind == filterSlot && (m.depth > 0 || !s.defers()):
			return false
		}
		return s.above == nil
	case "enable":
		if s.orphan() || s.kind == filterSlot && what&event.Write != 0 && s.output() > 0 {
			return false
		}
		return what&event.Read == 0 || !s.keepsWaiting()
	case "flush":
		return mayFlush(s, what, bufferevent.FlushMode(a[2]))
	case "event":
		events := bufferevent.Events(a[1])
		return s.above == nil || events == bufferevent.EventConnected || events == bufferevent.EventTimeout
	case "free":
		return s.above == nil && m.mayFree(s)
	case "drain":
		return s.above == nil
	}
	return true
}

// orphan reports whether the partner of the half at the bottom was freed.
func (s *slot) orphan() bool {
	b := s.bottom()
	return b.kind == pairSlot && b.partner == nil
}

func mayFilter(under *slot) bool {
	if !under.alive || under.above != nil || under.kind == filterSlot && !under.defers() {
		return false
	}
	partner := under.bottom().partner
	return under.input() == 0 && under.output() == 0 && under.highMark() == 0 &&
		(partner == nil || partner.output() == 0)
}

// mayFree reports whether the filters of a stack can be freed: what they leave
// must get its callbacks back from the user.
func (m *machine) mayFree(s *slot) bool {
	for ; s.kind == filterSlot; s = s.below {
		if s.opts&bufferevent.CloseOnFree == 0 && (m.depth > 0 || s.below.keepsWaiting()) {
			return false
		}
	}
	return true
}

// keepsWaiting reports whether something waits below the filters of a stack.
func (s *slot) keepsWaiting() bool {
	for ; s.below != nil; s = s.below {
		if s.below.input() > 0 {
			return true
		}
	}
	return false
}

func mayFlush(s *slot, what event.What, mode bufferevent.FlushMode) bool {
	if s.orphan() || s.writing > 0 {
		return false
	}
	if what&event.Read != 0 && s.keepsWaiting() {
		return false
	}
	b := s.bottom()
	if b.partner == nil {
		return true
	}
	if b.top().isMarkedFilter() || b.partner.top().isMarkedFilter() {
		return false
	}
	return b.partner.above == nil || what&event.Write == 0 || mode != bufferevent.ModeFinished
}

func (s *slot) isMarkedFilter() bool { return s.kind == filterSlot && s.highMark() > 0 }

// setUp makes some pairs and filters.
func (m *machine) setUp(r *rand.Rand) {
	pairs := 1 + r.IntN(2)
	for i := range pairs {
		m.step(fmt.Sprint("pair ", 2*i, " ", 2*i+1))
	}
	for i := 4; i < 4+r.IntN(5); i++ {
		m.step(chooseFilter(r, i))
	}
	for i := range oracleSlots {
		if r.IntN(3) > 0 {
			m.step(fmt.Sprint("enable ", i, " 2"))
		}
	}
}

func chooseFilter(r *rand.Rand, slot int) string {
	return fmt.Sprint("filter ", slot, " ", r.IntN(8), " ", r.IntN(7), " ", r.IntN(7), " ", []int{0, 1, 4, 5}[r.IntN(4)])
}

// choose makes up an operation. None of them makes C have one event of several
// that come together, or tell of the same end twice.
func (m *machine) choose(r *rand.Rand) string {
	if r.IntN(5) == 0 {
		line := m.chooseSimple(r)
		for causesEvent(parseOperation(line)) {
			line = m.chooseSimple(r)
		}
		return fmt.Sprint("on ", m.pick(r), " ", r.IntN(3), " ", 1+r.IntN(3), " ", line)
	}
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		return "loop"
	case 4:
		slot := r.IntN(oracleSlots)
		if r.IntN(4) == 0 {
			return fmt.Sprint("pair ", slot, " ", (slot+1)%oracleSlots)
		}
		line := chooseFilter(r, slot)
		under := &m.slots[parseOperation(line).a[1]]
		if partner := under.bottom().partner; under.alive && partner != nil && partner.finished {
			return "loop" // C does not tell the filter of the end
		}
		return line
	}
	line := m.chooseSimple(r)
	if o := parseOperation(line); causesEvent(o) && !m.mayCauseEvent(o) {
		return "loop"
	}
	return line
}

func causesEvent(o operation) bool { return o.name == "event" || finishes(o) }

func finishes(o operation) bool {
	return o.name == "flush" && bufferevent.FlushMode(o.a[2]) == bufferevent.ModeFinished
}

// mayCauseEvent reports whether an event would be the only one in its stack before
// the loop runs again, and an end the first one.
func (m *machine) mayCauseEvent(o operation) bool {
	s := &m.slots[o.a[0]]
	if finishes(o) && s.alive {
		if s.kind == filterSlot && event.What(o.a[1])&event.Read != 0 {
			return false // C calls a filter after its end
		}
		if s = s.bottom(); s.finished {
			return false
		}
		if s = s.partner; s == nil {
			return true
		}
		if s.highMark() > 0 { // what there is no room for comes before the end
			return false
		}
	}
	for s = s.bottom(); s != nil; s = s.above {
		if s.eventAt == m.loops {
			return false
		}
	}
	return true
}

// noteEvent notes that an event is on its way up a stack.
func (m *machine) noteEvent(s *slot) {
	for ; s != nil; s = s.above {
		s.eventAt = m.loops
	}
}

// pick returns the number of a slot, mostly of one that has something in it.
func (m *machine) pick(r *rand.Rand) int {
	for range 5 {
		if i := r.IntN(oracleSlots); m.slots[i].alive {
			return i
		}
	}
	return r.IntN(oracleSlots)
}

// chooseSimple makes up an operation that callbacks may perform, too.
func (m *machine) chooseSimple(r *rand.Rand) string {
	size := func() int {
		if r.IntN(6) == 0 {
			return r.IntN(300)
		}
		return r.IntN(12)
	}
	what := func() int { return []int{2, 4, 6}[r.IntN(3)] }
	on := func(name string, args ...int) string {
		s := fmt.Sprint(name, " ", m.pick(r), " ", args)
		return strings.NewReplacer("[", "", "]", "").Replace(s)
	}
	switch r.IntN(22) {
	case 0, 1, 2, 3, 4, 5, 6:
		return on("write", r.IntN(100), size())
	case 7, 8, 9, 10:
		return on("drain", size())
	case 11, 12:
		low, high := r.IntN(2)*r.IntN(10), r.IntN(2)*(1+r.IntN(20))
		if high > 0 {
			low = min(low, high) // more is refused here, and stalls in C
		}
		return on("watermark", what(), low, high)
	case 13, 14, 15:
		return on("enable", what())
	case 16:
		return on("disable", what())
	case 17, 18:
		return on("flush", what(), r.IntN(3))
	case 19:
		return on("trigger", what(), r.IntN(4))
	case 20:
		return on("event", []int{0x11, 0x12, 0x21, 0x22, 0x40, 0x41, 0x80, 0x13}[r.IntN(8)], r.IntN(2))
	default:
		if r.IntN(3) == 0 {
			return on("free")
		}
		return on("write", r.IntN(100), size())
	}
}
