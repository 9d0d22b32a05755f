package bufferevent_test

import (
	"math"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

func TestWatermarksCanBeAskedFor(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	check := func(what event.What, low, high int) {
		t.Helper()
		gotLow, gotHigh, err := b.Watermark(what)
		ok(t, err)
		want(t, what.String(), [2]int{gotLow, gotHigh}, [2]int{low, high})
	}
	check(event.Read, 0, 0)
	check(event.Write, 0, 0)
	ok(t, b.SetWatermark(event.Read, 1, 2))
	ok(t, b.SetWatermark(event.Write, 3, 4))
	check(event.Read, 1, 2)
	check(event.Write, 3, 4)
	ok(t, b.SetWatermark(event.Read|event.Write, 5, math.MaxInt))
	check(event.Read, 5, math.MaxInt)
	check(event.Write, 5, math.MaxInt)
	_, _, err := b.Watermark(event.Read | event.Write)
	wantError(t, "of both", err, bufferevent.ErrWhat)
}

func TestTheLowWatermarkForReading(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetWatermark(event.Read, 10, 0))
	ok(t, b.Enable(event.Read))
	peer.send("012345678")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 9 })
	d.want(t)
	peer.send("9")
	d.await(t, base, "read")
	want(t, "input", b.Input().Len(), 10)
	d.want(t, "read")
}

func TestTheHighWatermarkForReading(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetWatermark(event.Read, 0, 10))
	ok(t, b.Enable(event.Read))
	text := strings.Repeat("0123456789", 3)
	peer.send(text)
	d.await(t, base, "read")
	settle(t, base)
	d.want(t, "read")
	want(t, "input", contents(t, b), "0123456789")
	want(t, "events that wait", waiting(base), 0)
	want(t, "enabled", b.Enabled(), event.Read|event.Write)

	ok(t, b.Input().Drain(1)) // there is room for one
	d.await(t, base, "read")
	settle(t, base)
	want(t, "input", contents(t, b), "1234567890")
	d.want(t, "read")

	ok(t, b.Enable(event.Read)) // it rests all the same
	settle(t, base)
	d.want(t)

	ok(t, b.SetWatermark(event.Read, 0, 15)) // a change counts at once
	evtest.Await(t, base, "more input", func() bool { return b.Input().Len() == 15 })
	ok(t, b.SetWatermark(event.Read, 0, 0))
	evtest.Await(t, base, "all input", func() bool { return b.Input().Len() == 29 })
	ok(t, b.SetWatermark(event.Read, 0, 5))
	want(t, "events that wait", waiting(base), 0)
}

// Disabling while the input is full, and taking something then, does not begin to
// read again.
func TestTheHighWatermarkEnablesNothing(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetWatermark(event.Read, 0, 5))
	ok(t, b.Enable(event.Read))
	peer.send("0123456789")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 5 })
	ok(t, b.Disable(event.Read))
	want(t, "taken", take(t, b), "01234")
	settle(t, base)
	want(t, "input", b.Input().Len(), 0)
	ok(t, b.Enable(event.Read))
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 5 })
}

// A callback that takes something, but leaves the input full, is called again;
// for one that takes nothing that would be of no use.
func TestAReadCallbackThatLeavesTheInputFull(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		b, peer := newSocket(t, base, opts)
		ok(t, b.Enable(event.Read))
		peer.send("0123456789")
		evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 10 })
		ok(t, b.SetWatermark(event.Read, 0, 4))
		var d diary
		taking := 2
		b.SetCallbacks(func(b *bufferevent.Bufferevent) {
			d.note(contents(t, b))
			ok(t, b.Input().Drain(taking))
			if b.Input().Len() == 6 {
				taking = 0
			}
		}, nil, nil)
		b.Trigger(event.Read, 0)
		settle(t, base)
		d.want(t, "0123456789", "23456789", "456789")
	}
}

func TestTheLowWatermarkForWriting(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var left []int
	b.SetCallbacks(nil, func(b *bufferevent.Bufferevent) { left = append(left, b.Output().Len()) }, nil)
	ok(t, b.SetMaxSingleWrite(4))
	ok(t, b.SetWatermark(event.Write, 3, 0))
	write(t, b, "0123456789")
	peer.expect(base, "0123456789")
	settle(t, base)
	want(t, "calls", len(left), 2)
	want(t, "left in the output", [2]int(left), [2]int{2, 0})
}

// pass is a filter that changes nothing.
func pass(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	if limit < 0 {
		return dst.AddBuffer(src)
	}
	_, err := src.RemoveBuffer(dst, limit)
	return err
}

// The high watermark for writing keeps nobody from writing.
func TestTheHighWatermarkForWritingIsForTransports(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetWatermark(event.Write, 0, 4))
	var room []call
	f := newFilter(t, b, nil, record(&room, pass), 0)
	write(t, f, "a")
	want(t, "room", room[0].limit, 4)
	write(t, b, "12")
	want(t, "output", b.Output().Len(), 3)
	write(t, f, "b")
	want(t, "room", room[1].limit, 1)
	write(t, b, "3456789")
	want(t, "output", b.Output().Len(), 11)
	write(t, f, "c")
	want(t, "calls while it is full", len(room), 2)
	peer.expect(base, "a12b3456789c")
	ok(t, b.SetWatermark(event.Write, 0, 0))
	write(t, f, "d")
	want(t, "room without", room[len(room)-1].limit, -1)
}
