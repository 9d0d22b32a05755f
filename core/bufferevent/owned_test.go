package bufferevent_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// A bufferevent whose buffers were freed would stop to notice what is put into them and taken from them; one whose far ends are open
// would lose data or get it in the wrong order.
func TestTheBuffersOfABuffereventAreItsOwn(t *testing.T) {
	misuses := []struct {
		name string
		do   func(b *bufferevent.Bufferevent) error
	}{
		{"free the input", func(b *bufferevent.Bufferevent) error { return b.Input().Free() }},
		{"free the output", func(b *bufferevent.Bufferevent) error { return b.Output().Free() }},
		{"unfreeze the input's back", func(b *bufferevent.Bufferevent) error { return b.Input().Unfreeze(evbuffer.Back) }},
		{"unfreeze the output's front", func(b *bufferevent.Bufferevent) error { return b.Output().Unfreeze(evbuffer.Front) }},
		{"freeze the input's back", func(b *bufferevent.Bufferevent) error { return b.Input().Freeze(evbuffer.Back) }},
		{"freeze the output's front", func(b *bufferevent.Bufferevent) error { return b.Output().Freeze(evbuffer.Front) }},
	}
	for _, kind := range []string{"socket", "pair", "filter"} {
		for _, misuse := range misuses {
			t.Run(fmt.Sprint(misuse.name, " of a ", kind), func(t *testing.T) {
				base := newBase(t)
				a, b, err := bufferevent.NewPair(base, 0)
				ok(t, err)
				switch kind {
				case "socket":
					ok(t, b.Enable(event.Read))
					socket, peer := newSocket(t, base, 0)
					wantError(t, misuse.name, misuse.do(socket), evbuffer.ErrOwned)
					ok(t, socket.Enable(event.Read))
					peer.send("in")
					evtest.Await(t, base, "input", func() bool { return socket.Input().Len() == 2 })
					ok(t, socket.Output().AddString("out"))
					evtest.Await(t, base, "output", func() bool { return socket.Output().Len() == 0 })
					a, b = socket, nil
				case "filter":
					a, err = bufferevent.NewFilter(a, nil, nil, bufferevent.CloseOnFree, nil)
					ok(t, err)
				}
				wantError(t, misuse.name, misuse.do(a), evbuffer.ErrOwned)
				if b != nil {
					ok(t, errors.Join(a.Enable(event.Read), b.Enable(event.Read)))
					ok(t, a.Output().AddString("there"))
					ok(t, b.Output().AddString("and back"))
					evtest.Await(t, base, "data", func() bool { return a.Input().Len() == 8 && b.Input().Len() == 5 })
					b.Free()
				}
				input, output := a.Input(), a.Output()
				a.Free()
				for _, buf := range []*evbuffer.Buffer{input, output} {
					wantError(t, "unfreeze a freed one's", buf.Unfreeze(evbuffer.Back), evbuffer.ErrOwned)
				}
			})
		}
	}
}

// After CloseWrite nothing can be added, not even by who unfreezes the output.
func TestTheClosedOutputIsTheBuffereventsToOpen(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	ok(t, b.Output().Freeze(evbuffer.Back))
	ok(t, b.Output().Unfreeze(evbuffer.Back))
	ok(t, b.CloseWrite())
	wantError(t, "unfreeze", b.Output().Unfreeze(evbuffer.Back), evbuffer.ErrOwned)
	wantError(t, "add", b.Output().AddString("x"), evbuffer.ErrFrozen)
}

// With less than the low mark the callback would not run, and with as much as the
// high mark nothing more would come.
func TestALowWatermarkAboveTheHighOneIsRefused(t *testing.T) {
	base := newBase(t)
	for _, what := range []event.What{event.Read, event.Write, event.Read | event.Write} {
		for _, marks := range []struct {
			low, high int
			want      error
		}{
			{0, 0, nil}, {0, 1, nil}, {1, 0, nil}, {1, 1, nil}, {9, 10, nil}, {10, 10, nil}, {math.MaxInt, 0, nil},
			{2, 1, bufferevent.ErrRange}, {11, 10, bufferevent.ErrRange}, {math.MaxInt, math.MaxInt - 1, bufferevent.ErrRange},
		} {
			b, _ := newSocket(t, base, 0)
			ok(t, b.SetWatermark(what, 3, 4))
			err := b.SetWatermark(what, marks.low, marks.high)
			wantError(t, fmt.Sprint(what, marks), err, marks.want)
			if marks.want != nil {
				marks.low, marks.high = 3, 4
			}
			for _, way := range []event.What{event.Read, event.Write} {
				if what&way != 0 {
					low, high, err := b.Watermark(way)
					ok(t, err)
					want(t, "marks", [2]int{low, high}, [2]int{marks.low, marks.high})
				}
			}
		}
	}
}
