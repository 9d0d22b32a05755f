package bufferevent_test

import (
	"io"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

func TestNamesOfEvents(t *testing.T) {
	for events, name := range map[bufferevent.Events]string{
		0:                          "",
		bufferevent.EventConnected: "connected",
		bufferevent.EventReading | bufferevent.EventEOF:     "reading|EOF",
		bufferevent.EventWriting | bufferevent.EventError:   "writing|error",
		bufferevent.EventReading | bufferevent.EventTimeout: "reading|timeout",
	} {
		want(t, "name", events.String(), name)
	}
}

func TestCallbacksCanBeAskedForAndReplaced(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	read, write, event_ := b.Callbacks()
	want(t, "none at first", read == nil && write == nil && event_ == nil, true)
	var d diary
	b.SetCallbacks(
		func(got *bufferevent.Bufferevent) { d.note("read"); want(t, "argument", got, b) },
		func(got *bufferevent.Bufferevent) { d.note("write"); want(t, "argument", got, b) },
		func(got *bufferevent.Bufferevent, what bufferevent.Events) {
			d.note("event")
			want(t, "argument", got, b)
		})
	read, write, event_ = b.Callbacks()
	read(b)
	write(b)
	event_(b, 0)
	d.want(t, "read", "write", "event")
	b.SetCallbacks(nil, nil, nil)
	b.Trigger(event.Read|event.Write, 0)
	b.TriggerEvent(bufferevent.EventEOF, nil, 0)
	d.want(t)
}

func TestDataIsForTheUser(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	b.Data = "mine"
	got := ""
	b.SetCallbacks(func(b *bufferevent.Bufferevent) { got = b.Data.(string) }, nil, nil)
	b.Trigger(event.Read, 0)
	want(t, "data", got, "mine")
}

func TestTrigger(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	b.Trigger(event.Read, 0)
	d.want(t, "read")
	b.Trigger(event.Write, 0)
	d.want(t, "write")
	b.Trigger(event.Read|event.Write, 0)
	d.want(t, "read", "write")
	b.Trigger(event.Read|event.Write, bufferevent.TrigDeferCallbacks)
	d.want(t)
	settle(t, base)
	d.want(t, "read", "write")
}

func TestTriggerRespectsWatermarks(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetWatermark(event.Read, 1, 0))
	ok(t, b.Disable(event.Write))
	write(t, b, "more than the low watermark")
	b.Trigger(event.Read|event.Write, 0)
	d.want(t)
	b.Trigger(event.Read|event.Write, bufferevent.TrigIgnoreWatermarks)
	d.want(t, "read", "write")
	b.Trigger(event.Read|event.Write, bufferevent.TrigIgnoreWatermarks|bufferevent.TrigDeferCallbacks)
	d.want(t)
	settle(t, base)
	d.want(t, "read", "write")
}

func TestTriggerEvent(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	b.TriggerEvent(bufferevent.EventEOF|bufferevent.EventReading, nil, 0)
	d.want(t, "reading|EOF")
	b.TriggerEvent(bufferevent.EventConnected, nil, bufferevent.TrigDeferCallbacks)
	d.want(t)
	settle(t, base)
	d.want(t, "connected")
	want(t, "nothing has happened", b.Err(), nil)
	want(t, "nothing is disabled", b.Enabled(), event.Write)
}

func TestCallbacksAreCalledAtOnceOrDeferred(t *testing.T) {
	for _, deferred := range []bool{false, true} {
		base := newBase(t)
		var opts bufferevent.Options
		if deferred {
			opts = bufferevent.DeferCallbacks
		}
		b, _ := newSocket(t, base, opts)
		var d diary
		d.keep(b)
		b.Trigger(event.Read, 0)
		want(t, "called at once", d.has("read"), !deferred)
		b.TriggerEvent(bufferevent.EventEOF, nil, 0)
		want(t, "called at once", d.has("EOF"), !deferred)
		settle(t, base)
		d.want(t, "read", "EOF")
	}
}

// What is deferred is told once, however often it has happened: first that there
// is a connection, then of data, then of the end.
func TestDeferredCallbacksAreSummedUp(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, bufferevent.DeferCallbacks)
	var d diary
	d.keep(b)
	b.TriggerEvent(bufferevent.EventReading|bufferevent.EventEOF, nil, 0)
	b.Trigger(event.Write, 0)
	b.Trigger(event.Read, 0)
	b.Trigger(event.Read|event.Write, 0)
	b.TriggerEvent(bufferevent.EventConnected, nil, 0)
	d.want(t)
	settle(t, base)
	d.want(t, "connected", "read", "write", "reading|EOF")
}

func TestDeferredCallbacksOfAStream(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, bufferevent.DeferCallbacks)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	write(t, b, "hello")
	peer.expect(base, "hello")
	peer.send("hello")
	peer.shutdown()
	d.await(t, base, "reading|EOF")
	d.want(t, "write", "read", "reading|EOF")
	want(t, "error", b.Err(), io.EOF)
}

// Callbacks that were taken away are not called, even if it was due; the new ones
// are.
func TestDeferredCallbacksThatAreReplaced(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, bufferevent.DeferCallbacks)
	var old, new diary
	old.keep(b)
	b.Trigger(event.Read, 0)
	new.keep(b)
	settle(t, base)
	old.want(t)
	new.want(t, "read")
	b.Trigger(event.Read|event.Write, 0)
	b.TriggerEvent(bufferevent.EventEOF, nil, 0)
	b.SetCallbacks(nil, nil, nil)
	settle(t, base)
	new.want(t)
}

// A callback that triggers itself, deferred, does not keep the loop from others.
func TestDeferredCallbacksThatTriggerThemselves(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	calls := 0
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		calls++
		b.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
	}, nil, nil)
	b.Trigger(event.Read, 0)
	ok(t, base.Once(-1, event.Timeout, 1, func(*event.Event, event.What) { base.LoopBreak() }))
	ok(t, base.Dispatch())
	if calls < 2 {
		t.Errorf("called %d times", calls)
	}
}
