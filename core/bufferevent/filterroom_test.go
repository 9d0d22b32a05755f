package bufferevent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

func TestFilterRoomBelow(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, far.Disable(event.Read))
	ok(t, f.Underlying().SetWatermark(event.Write, 2, 10))
	write(t, f, strings.Repeat("0123456789", 3))
	want(t, "output below", f.Underlying().Output().Len(), 10)
	want(t, "output", f.Output().Len(), 20)
	d.want(t)
	ok(t, far.SetWatermark(event.Read, 0, 5))
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "output below", f.Underlying().Output().Len(), 5) // above its low watermark
	ok(t, far.Input().Drain(3))
	settle(t, base)
	want(t, "output below", f.Underlying().Output().Len(), 10)
	want(t, "output", f.Output().Len(), 12)
	for f.Output().Len() > 0 {
		ok(t, far.Input().Drain(5))
		settle(t, base)
	}
	d.want(t, "write")
}

func TestFilterRoomAbove(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.SetWatermark(event.Read, 0, 10))
	ok(t, f.Enable(event.Read))
	write(t, far, strings.Repeat("0123456789", 3))
	settle(t, base)
	want(t, "input", f.Input().Len(), 10)
	d.want(t, "read")
	write(t, far, "more")
	settle(t, base)
	want(t, "output there, which waits", far.Output().Len(), 4)
	ok(t, f.Input().Drain(4))
	want(t, "input", f.Input().Len(), 10)
	d.want(t) // not from within Drain
	settle(t, base)
	d.want(t, "read")
	ok(t, f.SetWatermark(event.Read, 0, 0))
	settle(t, base)
	want(t, "input", f.Input().Len(), 30)
	d.want(t, "read")
}

// bomb makes a thousand bytes of each, as many as the limit allows, at least.
func bomb(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	n := src.Len()
	if limit >= 0 {
		n = min(n, max(1, limit/1000))
	}
	return convert(src, dst, n, 1, 1000, 0)
}

func TestAFilterThatExpandsAThousandfold(t *testing.T) {
	const high, sent = 5000, 1000
	t.Run("input", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, bomb, nil, 0)
		ok(t, f.SetWatermark(event.Read, 0, high))
		most, total := 0, 0
		ended := false
		f.SetCallbacks(func(f *bufferevent.Bufferevent) {
			most = max(most, f.Input().Len())
			total += f.Input().Len()
			ok(t, f.Input().Drain(f.Input().Len()))
		}, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
			ended = what == bufferevent.EventReading|bufferevent.EventEOF
		})
		write(t, far, strings.Repeat("x", sent))
		ok(t, far.CloseWrite())
		ok(t, f.Enable(event.Read))
		ok(t, base.Dispatch())
		want(t, "all of it", total, 1000*sent)
		want(t, "at a time", most, high)
		want(t, "ended", ended, true)
	})
	t.Run("output", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, bomb, 0)
		ok(t, f.Underlying().SetWatermark(event.Write, 0, high))
		ok(t, far.SetWatermark(event.Read, 0, high))
		most, total := 0, 0
		ended := false
		far.SetCallbacks(func(far *bufferevent.Bufferevent) {
			most = max(most, far.Input().Len(), f.Underlying().Output().Len())
			total += far.Input().Len()
			ok(t, far.Input().Drain(far.Input().Len()))
		}, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
			ended = what == bufferevent.EventReading|bufferevent.EventEOF
		})
		write(t, f, strings.Repeat("x", sent))
		ok(t, f.CloseWrite())
		ok(t, base.Dispatch())
		want(t, "all of it", total, 1000*sent)
		want(t, "at a time", most, high)
		want(t, "ended", ended, true)
	})
}

func TestAFilterThatDoesNothingDoesNotSpin(t *testing.T) {
	base := newBase(t)
	var in, out []call
	nothing := func(_, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error { return nil }
	f, far := filterOverPair(t, base, record(&in, nothing), record(&out, nothing), 0)
	ok(t, f.Enable(event.Read))
	write(t, far, "in")
	write(t, f, "out")
	settle(t, base)
	want(t, "calls for input", len(in), 1)
	want(t, "calls for output", len(out), 1)
	_, err := f.Flush(both, bufferevent.ModeFlush)
	ok(t, err)
	settle(t, base)
	want(t, "calls for output", len(out), 3) // and as there is room below
	ok(t, far.CloseWrite())                  // has an end all the same
	var d diary
	d.keep(f)
	settle(t, base)
	want(t, "ended", d.has("reading|EOF"), true)
	if len(in) > 5 {
		t.Errorf("%d calls for input", len(in))
	}
}

// tripled returns a filter that takes all, and gives three times as much, when
// there is room.
func tripled() bufferevent.Filter {
	kept := 0 // bytes that it is to give
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		kept += 3 * src.Len()
		n := within(kept, limit)
		kept -= n
		return errors.Join(src.Drain(src.Len()), dst.Add(make([]byte, n)))
	}
}

// A filter that has more than what fits gets another call when there is room.
func TestAFilterThatKeepsBackForWantOfRoom(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, tripled(), nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.SetWatermark(event.Read, 0, 10))
	ok(t, f.Enable(event.Read))
	write(t, far, "0123456789")
	ok(t, far.CloseWrite())
	total := 0
	for range 3 {
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), false)
		total += len(take(t, f))
	}
	settle(t, base)
	want(t, "all of it", total, 30)
	want(t, "the end", d.has("reading|EOF"), true)
}

// wholesale gives eight bytes or nothing, however little room there is.
func wholesale(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	switch {
	case src.Len() < 8 && mode == bufferevent.ModeNormal:
		return bufferevent.ErrNeedMore
	case limit >= 0 && limit < 8:
		return nil // more room is what it needs
	}
	_, err := src.RemoveBuffer(dst, 8)
	return err
}

func TestFiltersThatGetMoreRoom(t *testing.T) {
	t.Run("above", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, wholesale, nil, 0)
		var d diary
		d.keep(f)
		ok(t, f.SetWatermark(event.Read, 0, 10))
		ok(t, f.Enable(event.Read))
		write(t, far, "0123456701234567")
		ok(t, far.CloseWrite())
		settle(t, base)
		want(t, "input", f.Input().Len(), 8)
		ok(t, f.Input().Drain(5))
		ok(t, f.Input().Drain(1))
		want(t, "input", f.Input().Len(), 10)
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), false)
		ok(t, f.Input().Drain(10))
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), true)
	})
	t.Run("below", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, wholesale, 0)
		var d diary
		d.keep(far)
		ok(t, far.Disable(event.Read))
		ok(t, f.Underlying().SetWatermark(event.Write, 0, 10))
		write(t, f, "0123456701234567")
		ok(t, f.CloseWrite())
		settle(t, base)
		want(t, "output below", f.Underlying().Output().Len(), 8)
		ok(t, far.Enable(event.Read))
		settle(t, base)
		want(t, "input there", far.Input().Len(), 16)
		want(t, "the end", d.has("reading|EOF"), true)
	})
}

// The high watermark below holds to the end, also for what the filter has taken
// and not given yet.
func TestCloseWriteKeepsToTheRoomBelow(t *testing.T) {
	for name, out := range map[string]bufferevent.Filter{"passing": nil, "keeping": tripled()} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			f, far := filterOverPair(t, base, nil, out, 0)
			var d diary
			d.keep(far)
			below := f.Underlying().Output()
			ok(t, far.SetWatermark(event.Read, 0, 4))
			ok(t, far.Disable(event.Read))
			ok(t, f.Underlying().SetWatermark(event.Write, 0, 4))
			write(t, f, "0123456789")
			want(t, "output below", below.Len(), 4)
			ok(t, f.CloseWrite())
			ok(t, far.Enable(event.Read))
			total := 0
			for range 20 {
				if n := below.Len(); n > 4 {
					t.Fatalf("%d bytes below", n)
				}
				total += len(take(t, far))
				settle(t, base)
			}
			want(t, "all", total, map[string]int{"passing": 10, "keeping": 30}[name])
			want(t, "the end", d.has("reading|EOF"), true)
		})
	}
}

func TestWhatAFilterAddsInPiecesIsNoticedOnce(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	pieces := func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
		return errors.Join(dst.AddString("<"), dst.AddBuffer(src), dst.AddString(">"))
	}
	f := newFilter(t, &p.bev, nil, pieces, 0)
	p.log = nil
	write(t, f, "data")
	p.log.want(t, "output added")
	want(t, "output", p.record(t), "<data>")
	ok(t, p.bev.Disable(event.Write))
	p.log = nil
	write(t, f, "more")
	p.log.want(t) // it may not be written
	want(t, "output", p.bev.Output().Len(), 6)
}

func TestCloseWriteWhileItIsFullBelow(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	below := f.Underlying()
	ok(t, far.Disable(event.Read))
	ok(t, below.SetWatermark(event.Write, 0, 4))
	ok(t, below.Output().AddString("full"))
	write(t, f, "text")
	ok(t, f.CloseWrite())
	want(t, "output below", below.Output().Len(), 4)
	var d diary
	d.keep(far)
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "input there", take(t, far), "fulltext")
	want(t, "the end", d.has("reading|EOF"), true)
}

func TestTheWriteCallbackIsNotCalledForNothing(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, far.Disable(event.Read))
	ok(t, f.Underlying().SetWatermark(event.Write, 0, 4))
	write(t, f, "text") // fills it up
	d.want(t, "write")
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "input there", take(t, far), "text")
	d.want(t)
}

// The output goes on where a callback has stopped it.
func TestDisableInTheMiddleOfWriting(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, byByte, 0)
	var e *evbuffer.CallbackEntry
	e = f.Underlying().Output().AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
		ok(t, f.Underlying().Output().RemoveCallback(e))
		ok(t, f.Disable(event.Write))
	})
	write(t, f, "0123")
	want(t, "output", f.Output().Len(), 3)
	ok(t, f.Enable(event.Write))
	want(t, "input there", contents(t, far), "0123")
}

// A write callback that keeps adding must not keep the loop, nor let memory grow
// while the peer does not read.
func TestAWriteCallbackThatKeepsWriting(t *testing.T) {
	for name, out := range map[string]bufferevent.Filter{"passing": nil, "swallowing": swallow, "blocks": blocks} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			f, far := filterOverPair(t, base, nil, out, 0)
			calls := 0
			f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) {
				if calls++; calls < 1000 {
					write(t, f, "0123456789")
				}
			}, nil)
			write(t, f, "0123456789")
			if calls > 1 {
				t.Fatalf("%d calls from within a write", calls)
			}
			ok(t, base.Dispatch())
			want(t, "calls", calls, 1000)
			want(t, "output", f.Output().Len(), 0)
			if name != "swallowing" {
				want(t, "input there", far.Input().Len(), 10000)
			}
		})
	}
	t.Run("to a peer that does not read", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, nil, 0)
		ok(t, far.Disable(event.Read))
		f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) { write(t, f, "0123456789") }, nil)
		write(t, f, "0123456789")
		ok(t, base.Dispatch())
		want(t, "output", f.Output().Len()+f.Underlying().Output().Len(), 20)
	})
}

func TestAFilterIsNotCalledFromWithinItself(t *testing.T) {
	base := newBase(t)
	depth := 0
	outermost := func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		depth++
		defer func() { depth-- }()
		want(t, "depth", depth, 1)
		return xor(src, dst, limit, mode)
	}
	f, far := filterOverPair(t, base, outermost, outermost, 0)
	ok(t, f.SetWatermark(event.Read, 0, 4))
	ok(t, f.Enable(event.Read))
	write(t, far, "0123456789")
	settle(t, base)
	f.Input().AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			ok(t, e.Buffer().Drain(1))
		}
	})
	left := 10
	f.Underlying().Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if left--; info.Added > 0 && left > 0 {
			write(t, f, "x")
		}
	})
	ok(t, f.Input().Drain(4))
	write(t, f, "x")
	settle(t, base)
	want(t, "left below", f.Underlying().Input().Len(), 0)
}

// Callbacks of the buffers see what happens in the middle of it.
func TestBufferCallbacksThatDrainWhileTheFilterRuns(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, triple, nil, 0)
	total := 0
	f.Input().AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			total += e.Buffer().Len()
			ok(t, e.Buffer().Drain(e.Buffer().Len()))
		}
	})
	ok(t, f.SetWatermark(event.Read, 0, 6))
	ok(t, f.Enable(event.Read))
	write(t, far, "0123456789")
	settle(t, base)
	want(t, "all", total, 30)
	want(t, "left below", f.Underlying().Input().Len(), 0)
}
