package bufferevent_test

import (
	"errors"
	"io"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// refusing is a filter that fails with whatever it gets.
func refusing(src, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
	if src.Len() == 0 {
		return bufferevent.ErrNeedMore
	}
	return errors.New("refused")
}

// What a call causes reaches the callbacks that are set right after it.
func TestCallbacksThatAreSetAfterTheCall(t *testing.T) {
	filtered := func(in, out bufferevent.Filter) func(*testing.T, *event.Base) *bufferevent.Bufferevent {
		return func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			near, far := halves(t, base, 0)
			ok(t, near.Enable(event.Read))
			write(t, far, "waits below")
			settle(t, base)
			return newFilter(t, near, in, out, 0)
		}
	}
	socket := func(opts bufferevent.Options) func(*testing.T, *event.Base) *bufferevent.Bufferevent {
		return func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := newSocket(t, base, opts)
			return b
		}
	}
	unconnected := func(t *testing.T, base *event.Base) *bufferevent.Bufferevent { return overFD(t, base, -1, 0) }
	half := func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
		b, _ := halves(t, base, 0)
		return b
	}
	for _, c := range []struct {
		name string
		make func(*testing.T, *event.Base) *bufferevent.Bufferevent
		call func(b *bufferevent.Bufferevent) error
		want []string
	}{
		{"a name that is not found", unconnected, func(b *bufferevent.Bufferevent) error {
			return b.ConnectHostname(&script{err: evutil.EAINoName}, "tcp", "none.invalid", 80)
		}, []string{"error"}},
		{"a name without addresses", unconnected, func(b *bufferevent.Bufferevent) error {
			return b.ConnectHostname(&script{answer: []netip.AddrPort{}}, "tcp", "none.invalid", 80)
		}, []string{"error"}},
		{"an address that cannot be used", unconnected, func(b *bufferevent.Bufferevent) error {
			return b.ConnectHostname(&script{answer: []netip.AddrPort{{}}}, "tcp", "odd.invalid", 80)
		}, []string{"error"}},
		{"triggers of a socket", socket(0), func(b *bufferevent.Bufferevent) error {
			b.Trigger(event.Read|event.Write, bufferevent.TrigDeferCallbacks)
			b.TriggerEvent(bufferevent.EventTimeout, nil, bufferevent.TrigDeferCallbacks)
			return nil
		}, []string{"read", "write", "timeout"}},
		{"triggers of a socket that defers", socket(bufferevent.DeferCallbacks), func(b *bufferevent.Bufferevent) error {
			b.Trigger(event.Read|event.Write, 0)
			b.TriggerEvent(bufferevent.EventTimeout, nil, 0)
			return nil
		}, []string{"read", "write", "timeout"}},
		{"an event that would be told at once", socket(0), func(b *bufferevent.Bufferevent) error {
			b.TriggerEvent(bufferevent.EventTimeout, nil, 0)
			return nil
		}, []string{"timeout"}},
		{"data and an end from the other half", half, func(b *bufferevent.Bufferevent) error {
			_, err := b.Partner().WriteString("data")
			return errors.Join(err, b.Enable(event.Read), b.Partner().CloseWrite())
		}, []string{"read", "reading|EOF"}},
		{"data for the other half", half, func(b *bufferevent.Bufferevent) error {
			_, err := b.WriteString("data")
			return errors.Join(err, b.Partner().Enable(event.Read))
		}, []string{"write"}},
		{"a write that a filter takes", filtered(nil, nil), func(b *bufferevent.Bufferevent) error {
			_, err := b.WriteString("data")
			return err
		}, []string{"write"}},
		{"a write that a filter refuses", filtered(nil, refusing), func(b *bufferevent.Bufferevent) error {
			_, err := b.WriteString("data")
			return err
		}, []string{"writing|error"}},
		{"what waits for reading", filtered(nil, nil), func(b *bufferevent.Bufferevent) error {
			return b.Enable(event.Read)
		}, []string{"read"}},
		{"what a filter refuses to read", filtered(refusing, nil), func(b *bufferevent.Bufferevent) error {
			return b.Enable(event.Read)
		}, []string{"reading|error"}},
		{"what a flush reads", filtered(nil, nil), func(b *bufferevent.Bufferevent) error {
			_, err := b.Flush(event.Read, bufferevent.ModeFlush)
			return err
		}, []string{"read"}},
		{"what a filter refuses to flush", filtered(refusing, nil), func(b *bufferevent.Bufferevent) error {
			_, err := b.Flush(event.Read, bufferevent.ModeFlush)
			return err
		}, []string{"reading|error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := newBase(t)
			b := c.make(t, base)
			ok(t, c.call(b))
			var d diary
			d.keep(b)
			d.want(t) // not from within SetCallbacks
			settle(t, base)
			d.want(t, c.want...)
		})
	}
}

// A filter that is put on a stream gets what was deferred there.
func TestAFilterOverAStreamThatHasJustFailed(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	ok(t, b.ConnectHostname(&script{err: evutil.EAINoName}, "tcp", "none.invalid", 80))
	f := newFilter(t, b, nil, nil, 0)
	var d diary
	d.keep(f)
	settle(t, base)
	d.want(t, "error")
	wantError(t, "why", f.Err(), evutil.EAINoName)
}

// Nothing that is pending reaches those who have freed the bufferevent, or given
// it another descriptor.
func TestPendingEventsThatAreObsolete(t *testing.T) {
	for name, end := range map[string]func(b *bufferevent.Bufferevent) error{
		"freed":              func(b *bufferevent.Bufferevent) error { b.Free(); return nil },
		"another descriptor": func(b *bufferevent.Bufferevent) error { return b.SetFD(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			b := overFD(t, base, -1, bufferevent.DeferCallbacks)
			var told []bufferevent.Events
			b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
				told = append(told, what)
				ok(t, end(b))
			})
			b.TriggerEvent(bufferevent.EventReading|bufferevent.EventEOF, nil, 0)
			b.TriggerEvent(bufferevent.EventWriting|bufferevent.EventError, nil, 0)
			settle(t, base)
			want(t, "events", len(told), 1)
		})
	}
}

// A report is what an event callback sees.
type report struct {
	what    bufferevent.Events
	outcome bufferevent.Outcome
	err     error
}

// Events that come together are told one after the other, each with its error, so
// that the outcome of each is true.
func TestDeferredEventsAreToldOneByOne(t *testing.T) {
	const (
		reading, writing = bufferevent.EventReading, bufferevent.EventWriting
		eof, failure     = bufferevent.EventEOF, bufferevent.EventError
	)
	read, write, timeout := errors.New("read"), errors.New("write"), errors.New("timeout")
	for _, c := range []struct {
		name string
		come []report
		want []report
	}{
		{"an end and a failure to write",
			[]report{{what: reading | eof, err: io.EOF}, {what: writing | failure, err: write}},
			[]report{{reading | eof, bufferevent.InputEnded, io.EOF}, {writing | failure, bufferevent.OutputFailed, write}}},
		{"failures of both directions",
			[]report{{what: writing | failure, err: write}, {what: reading | failure, err: read}},
			[]report{{writing | failure, bufferevent.OutputFailed, write}, {reading | failure, bufferevent.Failed, read}}},
		{"a connection, a timeout and an end",
			[]report{{what: bufferevent.EventConnected}, {what: writing | bufferevent.EventTimeout, err: timeout}, {what: reading | eof, err: io.EOF}},
			[]report{{bufferevent.EventConnected, bufferevent.ConnectionMade, nil},
				{writing | bufferevent.EventTimeout, bufferevent.TimedOut, timeout}, {reading | eof, bufferevent.InputEnded, io.EOF}}},
		{"equal events with errors of their own",
			[]report{{what: writing | failure, err: write}, {what: writing | failure, err: timeout}},
			[]report{{writing | failure, bufferevent.OutputFailed, write}, {writing | failure, bufferevent.OutputFailed, timeout}}},
		{"equal events without", []report{{what: eof}, {what: eof}, {what: eof}},
			[]report{{eof, bufferevent.InputEnded, nil}}},
	} {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			t.Run(c.name, func(t *testing.T) {
				base := newBase(t)
				p := newTape(t, base, opts)
				var got []report
				p.bev.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
					got = append(got, report{what, what.Outcome(), b.Err()})
				})
				control := p.control()
				for i, e := range c.come {
					if i == 0 {
						control.EventDeferred(e.what, e.err)
					} else {
						control.Event(e.what, e.err) // not before the first one
					}
				}
				want(t, "told at once", len(got), 0)
				settle(t, base)
				want(t, "number of events", len(got), len(c.want))
				for i := range got {
					want(t, "event", got[i], c.want[i])
				}
			})
		}
	}
}

// Both ends of a stream over a pair come in one iteration, and through filters.
func TestAnEndAndAnErrorThroughFilters(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, refusing, bufferevent.DeferCallbacks)
	ok(t, f.Enable(event.Read))
	var got []bufferevent.Outcome
	f.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		got = append(got, what.Outcome())
		if what&bufferevent.EventEOF != 0 {
			want(t, "error", b.Err(), io.EOF)
		}
	})
	ok(t, far.CloseWrite())
	evtest.Turn(t, base)
	write(t, f, "refused")
	settle(t, base)
	want(t, "events", len(got), 2)
	want(t, "the first", got[0], bufferevent.InputEnded)
	want(t, "the second", got[1], bufferevent.OutputFailed)
}

// DeferCallbacks has callbacks come from the loop that would come within calls.
func TestDeferCallbacks(t *testing.T) {
	base := newBase(t)
	f, _ := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	write(t, f, "told at once")
	d.want(t, "write")
	f.DeferCallbacks()
	write(t, f, "told later")
	d.want(t)
	settle(t, base)
	d.want(t, "write")
}

// DeferCallbacks leaves a socket as it is, whose callbacks come from the loop anyway.
func TestDeferCallbacksOfASocket(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	b.DeferCallbacks()
	var d diary
	d.keep(b)
	b.Trigger(event.Write, 0)
	d.want(t, "write")
}
