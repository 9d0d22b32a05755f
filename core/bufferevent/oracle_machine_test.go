package bufferevent_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

const (
	oracleSlots = 12
	oracleMost  = 5000 // bytes in an output buffer
	socketTurns = 6    // runs of the loop that sockets need until they are quiet
)

type slotKind int

const (
	pairSlot slotKind = iota
	filterSlot
	socketSlot
)

// An operation is one line of a script.
type operation struct {
	forced bool // even if it is not allowed
	name   string
	a      [5]int
}

func parseOperation(line string) (o operation) {
	line, o.forced = strings.CutPrefix(line, "!")
	fmt.Sscan(line, &o.name, &o.a[0], &o.a[1], &o.a[2], &o.a[3], &o.a[4])
	return o
}

// A slot holds a bufferevent, and what its callbacks are to do.
type slot struct {
	number                int
	alive                 bool
	kind                  slotKind
	bev                   *bufferevent.Bufferevent
	partner, below, above *slot
	opts                  bufferevent.Options
	writing               int // its write callback runs, called by whoever writes
	in, out               int // kinds of filters
	eventAt               int // the number of loops that had run at its last event
	finished              bool
	programs              [3]program
}

// A program is what a callback does the next times that it is called.
type program struct {
	operation
	left int
}

const (
	onRead = iota
	onWrite
	onEvent
)

func (s *slot) input() int  { return s.bev.Input().Len() }
func (s *slot) output() int { return s.bev.Output().Len() }

func (s *slot) highMark() int {
	_, high, _ := s.bev.Watermark(event.Read)
	return high
}

func (s *slot) defers() bool { return s.opts&bufferevent.DeferCallbacks != 0 }

func (s *slot) bottom() *slot {
	for s.below != nil {
		s = s.below
	}
	return s
}

func (s *slot) top() *slot {
	for s.above != nil {
		s = s.above
	}
	return s
}

// A machine performs what the oracle performs, with this package.
type machine struct {
	t          *testing.T
	base       *event.Base
	slots      [oracleSlots]slot
	freed      int // filters whose functions are needed no more
	depth      int // callbacks that are running
	loops      int // that were run
	number     int
	notes      strings.Builder // of one operation
	script     bytes.Buffer    // for the oracle
	transcript bytes.Buffer
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, base: newBase(t), loops: 1}
	t.Cleanup(m.reset)
	return m
}

func (m *machine) note(format string, args ...any) { fmt.Fprintf(&m.notes, format, args...) }

// step performs a line of a script, and writes down what has come of it.
func (m *machine) step(line string) {
	m.number++
	m.notes.Reset()
	if rest, is := strings.CutPrefix(line, "on "); is {
		m.program(rest)
	} else {
		m.perform(parseOperation(line))
	}
	m.note(" ;")
	for i := range m.slots {
		if s := &m.slots[i]; s.alive {
			m.noteState(s)
		}
	}
	fmt.Fprintf(&m.script, "%s\n", line)
	fmt.Fprintf(&m.transcript, "%d %s:%s\n", m.number, line, m.notes.String())
}

func (m *machine) program(line string) {
	var number, which, times int
	fmt.Sscan(line, &number, &which, &times)
	fields := strings.Fields(line)
	m.slots[number].programs[which] = program{parseOperation(strings.Join(fields[3:], " ")), times}
}

func (m *machine) noteState(s *slot) {
	m.note(" | %d %d/%d %x", s.number, s.input(), s.output(), int(s.bev.Enabled()))
	if s.input() > 0 {
		h := fnv.New64a()
		h.Write([]byte(contents(m.t, s.bev)))
		m.note(" %016x", h.Sum64())
	}
	if read, write := s.bev.Timeouts(); read != 0 || write != 0 {
		r, w := bufferevent.TimersRunning(s.bev)
		m.note(" timers %d%d", r, w)
	}
}

func (m *machine) perform(o operation) {
	a := o.a
	s := &m.slots[a[0]]
	if m.depth == 0 && (o.name == "filter" || o.name == "free") {
		m.loop() // no callback is pending then
	}
	if !o.forced && !m.allowed(o) {
		m.note(" -")
		return
	}
	what := event.What(a[1])
	switch o.name {
	case "reset":
		m.reset()
	case "loop":
		m.loop()
	case "pair":
		m.makePair(a)
	case "sockets":
		m.makeSockets(a)
	case "filter":
		m.makeFilter(a)
	case "write":
		p := make([]byte, a[2])
		for i := range p {
			p[i] = byte(a[1] + i*7)
		}
		s.bev.Write(p)
	case "drain":
		ok(m.t, s.bev.Input().Drain(a[1]))
	case "watermark":
		ok(m.t, s.bev.SetWatermark(what, a[2], a[3]))
	case "enable":
		ok(m.t, s.bev.Enable(what))
	case "disable":
		ok(m.t, s.bev.Disable(what))
	case "flush":
		mode, bottom := bufferevent.FlushMode(a[2]), s.bottom()
		if mode == bufferevent.ModeFinished && bottom.partner != nil {
			bottom.finished = true
			m.noteEvent(bottom.partner)
		}
		_, err := s.bev.Flush(what, mode)
		ok(m.t, err)
	case "trigger":
		s.bev.Trigger(what, bufferevent.TriggerOptions(a[2]))
	case "event":
		m.noteEvent(s)
		s.bev.TriggerEvent(bufferevent.Events(a[1]), nil, bufferevent.TriggerOptions(a[2]))
	case "free":
		m.free(s, m.depth > 0)
	case "timeouts":
		ok(m.t, s.bev.SetTimeouts(time.Duration(a[1])*time.Second, time.Duration(a[2])*time.Second))
	case "maxwrite":
		ok(m.t, s.bev.SetMaxSingleWrite(a[1]))
	case "shutdown":
		ok(m.t, sysio.ShutdownWrite(s.bev.FD()))
	default:
		m.t.Fatalf("unknown operation %s", o.name)
	}
}

func (m *machine) loop() {
	m.loops++
	for range socketTurns {
		_, err := m.base.Loop(event.LoopNonblock)
		ok(m.t, err)
	}
}

func (m *machine) reset() {
	m.loop()
	for i := range m.slots {
		if s := &m.slots[i]; s.alive && s.above != nil {
			ok(m.t, s.bev.Input().Drain(oracleMost*oracleMost))
		}
	}
	for again := true; again; {
		again = false
		for i := range m.slots {
			if s := &m.slots[i]; s.alive && s.above == nil {
				m.free(s, false)
				again = true
			}
		}
	}
	m.notes.Reset()
	m.note(" freed %d", m.freed)
	m.freed = 0
}

func (m *machine) occupy(number int, kind slotKind, b *bufferevent.Bufferevent, opts bufferevent.Options) *slot {
	s := &m.slots[number]
	*s = slot{number: number, alive: true, kind: kind, bev: b, opts: opts}
	m.setCallbacks(s)
	return s
}

func (m *machine) makePair(a [5]int) {
	b, c, err := bufferevent.NewPair(m.base, 0)
	ok(m.t, err)
	s := m.occupy(a[0], pairSlot, b, bufferevent.DeferCallbacks)
	p := m.occupy(a[1], pairSlot, c, bufferevent.DeferCallbacks)
	s.partner, p.partner = p, s
}

func (m *machine) makeSockets(a [5]int) {
	fds, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(m.t, err)
	opts := bufferevent.Options(a[2])
	for i, fd := range fds {
		ok(m.t, evutil.SetNonblock(fd))
		b, err := bufferevent.NewSocket(m.base, fd, opts|bufferevent.CloseOnFree)
		ok(m.t, err)
		m.occupy(a[i], socketSlot, b, opts)
	}
}

func (m *machine) makeFilter(a [5]int) {
	s, under, opts := &m.slots[a[0]], &m.slots[a[1]], bufferevent.Options(a[4])
	b, err := bufferevent.NewFilter(under.bev, m.filter(s, a[2], 'i'), m.filter(s, a[3], 'o'), opts, func() { m.freed++ })
	ok(m.t, err)
	m.occupy(a[0], filterSlot, b, opts)
	s.in, s.out = a[2], a[3]
	s.below, under.above = under, s
}

// filter returns a filter of some kind that notes when it is called with
// something to do; or none for kind 0.
func (m *machine) filter(s *slot, kind int, way rune) bufferevent.Filter {
	if kind == 0 {
		return nil
	}
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		if n := src.Len(); n > 0 {
			m.note(" %d%c%d/%d/%d", s.number, way, n, limit, mode)
		}
		return oracleFilters[kind](src, dst, limit, mode)
	}
}

// free frees a bufferevent and all that it takes with it, or makes that stand
// still before.
func (m *machine) free(s *slot, still bool) {
	b := s.bev
	for more := true; more && s != nil; {
		if still {
			ok(m.t, s.bev.Disable(event.Read|event.Write))
		}
		s.alive = false
		if s.partner != nil {
			s.partner.partner = nil
			s.partner = nil
		}
		more = s.kind == filterSlot && s.opts&bufferevent.CloseOnFree != 0
		below := s.below
		if below != nil {
			below.above = nil
		}
		s.below = nil
		s = below
	}
	b.Free()
	if !still {
		m.loop() // in C what is below goes only now
	}
	if s != nil {
		m.setCallbacks(s)
	}
}

// Callbacks

func (m *machine) setCallbacks(s *slot) {
	s.bev.SetCallbacks(
		func(*bufferevent.Bufferevent) { m.onRead(s) },
		func(*bufferevent.Bufferevent) {
			m.note(" %dw:%d/%d", s.number, s.input(), s.output())
			s.writing++
			m.runProgram(s, onWrite)
			s.writing--
		},
		func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
			m.note(" %de%x:%d/%d", s.number, int(what), s.input(), s.output())
			m.runProgram(s, onEvent)
		})
}

func (m *machine) onRead(s *slot) {
	before := s.input()
	m.note(" %dr:%d/%d", s.number, before, s.output())
	m.runProgram(s, onRead)
	if !s.alive || s.above != nil {
		return
	}
	if n, high := s.input(), s.highMark(); high > 0 && n >= high && n >= before {
		ok(m.t, s.bev.Input().Drain(n-before+1)) // C would call us again and again
	}
}

func (m *machine) runProgram(s *slot, which int) {
	p := &s.programs[which]
	if p.left == 0 {
		return
	}
	p.left--
	m.depth++
	m.perform(p.operation)
	m.depth--
}
