package bufferevent_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// silent returns a bufferevent whose peer never reads, of a socket or of a pair.
func silent(t *testing.T, base *event.Base, sockets bool) *bufferevent.Bufferevent {
	if sockets {
		b, _ := newSocket(t, base, 0)
		return b
	}
	b, _ := halves(t, base, 0)
	return b
}

// Filters bound what waits below them, so that the rest waits where its user sees
// it; and all of it is unsent.
func TestAPeerThatDoesNotReadIsNoticedAbove(t *testing.T) {
	const sent = 8 << 20
	for _, sockets := range []bool{false, true} {
		for depth := 1; depth <= 3; depth++ {
			for _, pieces := range []int{1, 100} {
				t.Run(fmt.Sprint(sockets, depth, pieces), func(t *testing.T) {
					base := newBase(t)
					bottom := silent(t, base, sockets)
					top := bottom
					for range depth {
						top = newFilter(t, top, nil, xor, 0)
					}
					for range pieces {
						_, err := top.Write(bytes.Repeat([]byte("x"), sent/pieces))
						ok(t, err)
						settle(t, base)
					}
					written := sent / pieces * pieces
					total := 0
					for b := top.Underlying(); b != nil; b = b.Underlying() {
						n := b.Output().Len()
						if n > bufferevent.DefaultFilterBacklog {
							t.Errorf("%d bytes wait in %v", n, b)
						}
						total += n
					}
					want(t, "unsent", top.Unsent(), total+top.Output().Len())
					if !sockets { // they have taken what fits into the kernel
						want(t, "unsent", top.Unsent(), written)
					}
					want(t, "unsent below", bottom.Unsent(), bottom.Output().Len())
				})
			}
		}
	}
}

// A write timeout of the topmost bufferevent works, however little it is that does
// not leave, and wherever it waits; and what was disabled goes on.
func TestWriteTimeoutsWorkThroughFilters(t *testing.T) {
	for depth := range 4 {
		for _, size := range []int{1, 1 << 20} {
			t.Run(fmt.Sprint(depth, size), func(t *testing.T) {
				base := newBase(t)
				bottom, far := halves(t, base, 0)
				top := bottom
				for range depth {
					top = newFilter(t, top, nil, nil, 0)
				}
				var d diary
				top.SetCallbacks(nil, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) { d.note(what.String()) })
				ok(t, top.SetTimeouts(0, short))
				write(t, top, string(bytes.Repeat([]byte("x"), size)))
				d.await(t, base, "writing|timeout")
				want(t, "enabled", top.Enabled(), 0)
				settle(t, base)
				d.want(t, "writing|timeout")
				read, wrote := bottom.Timeouts()
				if depth > 0 {
					want(t, "the user's timeouts below", [2]time.Duration{read, wrote}, [2]time.Duration{})
				}
				ok(t, top.SetTimeouts(0, 0))
				ok(t, top.Enable(event.Write))
				ok(t, far.Enable(event.Read))
				evtest.Await(t, base, "the data", func() bool { return far.Input().Len() == size })
				want(t, "unsent", top.Unsent(), 0)
				d.want(t)
			})
		}
	}
}

// A timeout that the user has set below disables the direction above, and enabling
// it there enables it below.
func TestATimeoutBelowAFilter(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.Enable(event.Read))
	ok(t, f.Underlying().SetTimeouts(short, 0))
	d.await(t, base, "reading|timeout")
	want(t, "enabled", f.Enabled(), event.Write)
	ok(t, f.Underlying().SetTimeouts(0, 0))
	ok(t, f.Enable(event.Read))
	write(t, far, "goes on")
	settle(t, base)
	want(t, "input", take(t, f), "goes on")
}

// The timeout for writing of a filter that has kept a remainder does not come while what is
// below goes on, nor right after that.
func TestAWriteTimeoutAfterWhatWasBelow(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	f := newFilter(t, under, nil, blocks, 0)
	var d diary
	d.keep(f)
	ok(t, f.SetTimeouts(0, time.Hour))
	write(t, f, "0123456789rest")
	settle(t, base)
	bufferevent.FireWriteTimeout(f)
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "unsent below", under.Unsent(), 0)
	want(t, "kept", f.Output().Len() > 0, true)
	bufferevent.FireWriteTimeout(f)
	want(t, "a timeout after what was below", d.has("writing|timeout"), false)
	bufferevent.FireWriteTimeout(f)
	want(t, "a timeout", d.has("writing|timeout"), true)
}
