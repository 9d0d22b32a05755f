package bufferevent_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A tape is a transport that another package could have made: it notes what it is
// asked to do, and moves data when the test tells it to.
type tape struct {
	bev bufferevent.Bufferevent
	c   bufferevent.Control
	log diary
	err error // what Enable and Flush return
}

func newTape(t testing.TB, base *event.Base, opts bufferevent.Options) *tape {
	t.Helper()
	p := new(tape)
	var err error
	p.c, err = bufferevent.Init(&p.bev, base, p, opts)
	ok(t, err)
	ok(t, p.control().UseTimers())
	t.Cleanup(p.bev.Free)
	return p
}

func (p *tape) control() bufferevent.Control { return p.c }

func (p *tape) Enable(what event.What) error {
	p.log.note("enable " + what.String())
	p.control().RestartTimeouts(what)
	return p.err
}

func (p *tape) Disable(what event.What) error {
	p.log.note("disable " + what.String())
	p.control().StopTimeouts(what)
	return nil
}

func (p *tape) OutputAdded()  { p.log.note("output added") }
func (p *tape) InputRemoved() { p.log.note("input removed") }

func (p *tape) Flush(what event.What, mode bufferevent.FlushMode) (bool, error) {
	p.log.note(fmt.Sprintf("flush %v %d", what, mode))
	return true, p.err
}

func (p *tape) TimeoutsChanged() {
	p.log.note("timeouts")
	p.control().RestartTimeouts(event.Read | event.Write)
}

func (p *tape) Unlink() { p.log.note("unlink") }

// feed makes data arrive.
func (p *tape) feed(t testing.TB, data string) {
	t.Helper()
	c := p.control()
	want(t, "begin", c.Begin(), true)
	defer c.End()
	p.control().Input().Unfreeze(evbuffer.Back)
	ok(t, p.bev.Input().AddString(data))
	p.control().Input().Freeze(evbuffer.Back)
	c.RestartTimeouts(event.Read)
	c.Triggered(event.Read)
}

// record takes the output.
func (p *tape) record(t testing.TB) string {
	t.Helper()
	c := p.control()
	want(t, "begin", c.Begin(), true)
	defer c.End()
	p.control().Output().Unfreeze(evbuffer.Front)
	all, err := io.ReadAll(p.bev.Output())
	ok(t, err)
	p.control().Output().Freeze(evbuffer.Front)
	c.RestartTimeouts(event.Write)
	c.Triggered(event.Write)
	return string(all)
}

func TestATransportIsToldWhatToDo(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b := &p.bev
	want(t, "as its users see it", p.control().Bufferevent(), b)
	var d diary
	d.keep(b)

	ok(t, b.Enable(event.Read))
	p.log.want(t, "enable Read")
	ok(t, b.Enable(event.Read|event.Write))
	p.log.want(t, "enable Read|Write")
	p.feed(t, "hello")
	d.want(t, "read")
	p.log.want(t)
	ok(t, b.Input().Drain(1))
	p.log.want(t, "input removed")

	write(t, b, "hello")
	p.log.want(t, "output added")
	want(t, "output", p.record(t), "hello")
	d.want(t, "write")
	p.log.want(t)
	ok(t, b.Disable(event.Write))
	p.log.want(t, "disable Write")
	write(t, b, "hello") // it may not be written
	p.log.want(t)
	ok(t, b.Enable(event.Write))
	p.log.want(t, "enable Write")

	moved, err := b.Flush(event.Write, bufferevent.ModeFinished)
	ok(t, err)
	want(t, "moved", moved, true)
	p.log.want(t, "flush Write 2")
	ok(t, b.SetTimeouts(time.Hour, time.Hour))
	p.log.want(t, "timeouts")

	ok(t, b.SetWatermark(event.Read, 0, 6))
	p.log.want(t)
	p.feed(t, "xx")
	p.log.want(t, "disable Read")
	d.want(t, "read")
	ok(t, b.Enable(event.Read)) // it rests
	p.log.want(t)
	take(t, b)
	p.log.want(t, "enable Read", "input removed")

	b.Free()
	p.log.want(t, "unlink")
	want(t, "begin after that", p.control().Begin(), false)
}

func TestWhatATransportCannotDo(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b := &p.bev
	for name, err := range map[string]error{
		"SetFD":       b.SetFD(1),
		"CloseWrite":  b.CloseWrite(),
		"SetBase":     b.SetBase(base),
		"SetPriority": b.SetPriority(0),
		"Connect":     b.Connect(loopback(1)),
	} {
		wantError(t, name, err, errors.ErrUnsupported)
	}
	want(t, "descriptor", b.FD(), -1)
	want(t, "underlying", b.Underlying(), nil)
	want(t, "partner", b.Partner(), nil)
	want(t, "description", b.String(), "bufferevent")
	write(t, b, "x") // CloseWrite has not closed anything
	c := bufferevent.NewConn(b)
	wantError(t, "CloseWrite of a Conn", c.CloseWrite(), errors.ErrUnsupported)
}

func TestErrorsOfATransportComeBack(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b := &p.bev
	p.err = errors.New("broken tape")
	wantError(t, "Enable", b.Enable(event.Read), p.err)
	_, err := b.Flush(event.Read, bufferevent.ModeNormal)
	wantError(t, "Flush", err, p.err)

	// If nobody has called Enable, the event callback is told.
	var d diary
	d.keep(b)
	ok(t, b.SetWatermark(event.Read, 0, 1))
	p.feed(t, "x")
	take(t, b)
	d.want(t, "read")
	settle(t, base)
	d.want(t, "reading|error")
	wantError(t, "error", b.Err(), p.err)
	want(t, "enabled", b.Enabled(), event.Write)
}

func TestEventsOfATransport(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b, c := &p.bev, p.control()
	var d diary
	d.keep(b)
	broken := errors.New("broken tape")
	want(t, "begin", c.Begin(), true)
	c.Event(bufferevent.EventConnected, nil)
	d.want(t, "connected")
	want(t, "error", b.Err(), nil)
	c.EventDeferred(bufferevent.EventReading|bufferevent.EventEOF, io.EOF)
	d.want(t)
	want(t, "error", b.Err(), io.EOF)
	settle(t, base)
	d.want(t, "reading|EOF")
	_, err := b.Read(make([]byte, 1))
	want(t, "error of Read", err, io.EOF)
	c.Event(bufferevent.EventWriting|bufferevent.EventError, broken)
	d.want(t, "writing|error")
	wantError(t, "error", b.Err(), broken)
	_, err = b.Write([]byte("x"))
	wantError(t, "error of Write", err, bufferevent.ErrBroken)
	want(t, "alive", c.Alive(), true)
	b.Free()
	want(t, "alive", c.Alive(), false)
	p.log.want(t)
	c.End()
	p.log.want(t, "unlink")
}

func TestTimersOfATransport(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b := &p.bev
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(time.Hour, time.Hour))
	want(t, "timeouts that run", timers(base), 0)
	ok(t, b.Enable(event.Read))
	want(t, "timeouts that run for reading", timers(base), 1)
	write(t, b, "x")
	want(t, "timeouts that run", timers(base), 1)
	p.control().RestartTimeouts(event.Write) // which a transport does then
	want(t, "timeouts that run for both", timers(base), 2)
	p.record(t)
	want(t, "timeouts that run without output", timers(base), 1)
	ok(t, b.Disable(event.Read))
	want(t, "timeouts that run", timers(base), 0)

	write(t, b, "x")
	ok(t, b.Enable(event.Read))
	ok(t, b.SetTimeouts(short, 0))
	want(t, "timeouts that run for reading", timers(base), 1)
	d = nil
	d.await(t, base, "reading|timeout")
	want(t, "enabled", b.Enabled(), event.Write)
	ok(t, b.SetTimeouts(0, short))
	d.await(t, base, "writing|timeout")
	want(t, "enabled", b.Enabled(), event.What(0))
	d.want(t, "reading|timeout", "writing|timeout")
}

// A transport may use the two events for what it likes.
func TestEventsThatATransportAssigns(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	c := p.control()
	fired := 0
	for _, ev := range []*event.Event{c.ReadEvent(), c.WriteEvent()} {
		ok(t, ev.Assign(base, -1, event.Finalize, func(ev *event.Event, _ event.What) {
			want(t, "data", ev.Data.(*bufferevent.Bufferevent), &p.bev)
			fired++
		}))
		ok(t, ev.AddTimeout(0))
	}
	settle(t, base)
	want(t, "fired", fired, 2)
	want(t, "the same one again", c.WriteEvent(), c.WriteEvent())
	ok(t, c.ReadEvent().AddTimeout(time.Hour))
	ok(t, c.WriteEvent().AddTimeout(time.Hour))
	p.bev.Free()
	want(t, "events that wait", waiting(base), 0)
}

func TestWants(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b, c := &p.bev, p.control()
	want(t, "reading", c.Wants(event.Read), false)
	want(t, "writing", c.Wants(event.Write), true)
	ok(t, b.Enable(event.Read))
	want(t, "reading", c.Wants(event.Read), true)
	want(t, "begin", c.Begin(), true)
	_, below := putLidOn(t, base, b)
	below.Suspend(event.Read)
	below.Suspend(event.Read)
	below.Suspend(event.Write)
	want(t, "reading", c.Wants(event.Read), false)
	want(t, "writing", c.Wants(event.Write), false)
	write(t, b, "x")
	p.log.want(t, "enable Read", "disable Read", "disable Write")
	below.Resume(event.Read)
	below.Resume(event.Write)
	below.Resume(event.Write)
	p.log.want(t, "enable Read", "enable Write")
	below.Suspend(event.Read)
	p.log.want(t, "disable Read")
	c.End()
	below.Detach(false)
	p.log.want(t, "enable Read") // it takes back what it has asked for
}

func TestRoomOfTheInput(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	b, c := &p.bev, p.control()
	want(t, "room without a watermark", c.InputRoom(), -1)
	want(t, "full without", c.InputFull(), false)
	ok(t, b.SetWatermark(event.Read, 0, 3))
	want(t, "room", c.InputRoom(), 3)
	p.feed(t, "xx")
	want(t, "room", c.InputRoom(), 1)
	want(t, "full", c.InputFull(), false)
	p.feed(t, "xxx")
	want(t, "room", c.InputRoom(), 0)
	want(t, "full", c.InputFull(), true)
}

// A lid is a transport above another bufferevent.
type lid struct {
	tape
	under *bufferevent.Bufferevent
}

func (l *lid) Underlying() *bufferevent.Bufferevent { return l.under }
func (l *lid) String() string                       { return "lid" }

// putLidOn makes a transport above another bufferevent, which it notes the callbacks of,
// and returns what it may do there.
func putLidOn(t testing.TB, base *event.Base, under *bufferevent.Bufferevent) (*lid, bufferevent.Lower) {
	t.Helper()
	l := &lid{under: under}
	var err error
	l.c, err = bufferevent.Init(&l.bev, base, l, 0)
	ok(t, err)
	t.Cleanup(l.bev.Free)
	below, err := l.c.Attach(under,
		func(*bufferevent.Bufferevent) { l.log.note("read") },
		func(*bufferevent.Bufferevent) { l.log.note("write") },
		func(*bufferevent.Bufferevent, bufferevent.Events) { l.log.note("event") })
	ok(t, err)
	return l, below
}

func TestAttachAndDetach(t *testing.T) {
	for _, frees := range []bool{false, true} {
		base := newBase(t)
		under := newTape(t, base, 0)
		l, below := putLidOn(t, base, &under.bev)
		want(t, "underlying", l.bev.Underlying(), &under.bev)
		want(t, "description", l.bev.String(), "lid")
		c, d := under.control(), &l.log
		want(t, "begin", c.Begin(), true)
		c.Triggered(event.Read | event.Write)
		c.Event(bufferevent.EventEOF, nil)
		d.want(t, "read", "write", "event")
		c.End()
		below.Detach(frees)
		want(t, "freed", under.log.has("unlink"), frees)
		under.bev.Trigger(event.Read, 0)
		d.want(t)
		under.bev.Free()
		want(t, "freed", under.log.has("unlink"), true)
		below.Detach(frees) // is too late, and does nothing
		d.want(t)
		_, err := l.c.Attach(&under.bev, nil, nil, nil)
		wantError(t, "attaching to what was freed", err, bufferevent.ErrFreed)
	}
}

// If the user frees the lower one first, it stays until it is let go.
func TestDetachAfterFree(t *testing.T) {
	base := newBase(t)
	under := newTape(t, base, 0)
	_, below := putLidOn(t, base, &under.bev)
	under.bev.Free()
	want(t, "freed", under.log.has("unlink"), false)
	below.Detach(true)
	want(t, "freed", under.log.has("unlink"), true)
}

// Callbacks that the user has set meanwhile stay.
func TestDetachLeavesOtherCallbacks(t *testing.T) {
	base := newBase(t)
	under := newTape(t, base, 0)
	_, below := putLidOn(t, base, &under.bev)
	var d diary
	d.keep(&under.bev)
	below.Detach(false)
	under.bev.Trigger(event.Read, 0)
	d.want(t, "read")
}
