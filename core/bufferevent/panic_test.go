package bufferevent_test

import (
	"fmt"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// panics reports whether fn panics.
func panics(fn func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	fn()
	return false
}

// A program may recover from a panic of one of its callbacks, and go on. The
// bufferevent is as it would be if the callback had returned: its buffers are
// protected, nobody has a reference or the lock, and it works and ends as before.
func TestAPanicInACallbackLeavesTheBuffereventWhole(t *testing.T) {
	bad := false
	blow := func() {
		if bad {
			bad = false
			panic("callback")
		}
	}
	places := map[string]func(b *bufferevent.Bufferevent){
		"the read callback": func(b *bufferevent.Bufferevent) {
			b.SetCallbacks(func(*bufferevent.Bufferevent) { blow() }, nil, nil)
		},
		"the write callback": func(b *bufferevent.Bufferevent) {
			b.SetCallbacks(nil, func(*bufferevent.Bufferevent) { blow() }, nil)
		},
		"the event callback": func(b *bufferevent.Bufferevent) {
			b.SetCallbacks(nil, func(b *bufferevent.Bufferevent) {
				b.TriggerEvent(bufferevent.EventTimeout, nil, 0)
			}, func(*bufferevent.Bufferevent, bufferevent.Events) { blow() })
		},
		"a callback of the input": func(b *bufferevent.Bufferevent) {
			b.Input().AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { blow() })
		},
		"a callback of the output": func(b *bufferevent.Bufferevent) {
			b.Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
				if info.Deleted > 0 {
					blow()
				}
			})
		},
		"a callback of the output that is told of additions": func(b *bufferevent.Bufferevent) {
			b.Output().AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { blow() })
		},
	}
	options := map[string]bufferevent.Options{
		"": 0, "deferred": bufferevent.DeferCallbacks, "with a lock": bufferevent.ThreadSafe,
		"unlocked": bufferevent.ThreadSafe | bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks,
	}
	for place, prepare := range places {
		for name, opts := range options {
			t.Run(fmt.Sprint(place, " ", name), func(t *testing.T) {
				m := enableLocks(t)
				base := newBase(t)
				b, peer := newSocket(t, base, opts|bufferevent.CloseOnFree)
				settle(t, base)
				prepare(b)
				ok(t, b.Enable(event.Read))
				bad = true
				peer.send("in")
				if !panics(func() {
					b.WriteString("out")
					evtest.Await(t, base, "a panic", func() bool { return !bad })
				}) {
					t.Fatal("it has not panicked")
				}
				if opts&bufferevent.ThreadSafe != 0 {
					want(t, "locked", m.locked(), false)
				}
				wantError(t, "input", b.Input().AddString("x"), evbuffer.ErrFrozen)
				wantError(t, "output", b.Output().Prepend([]byte("x")), evbuffer.ErrFrozen)
				peer.send("put")
				ok(t, b.Output().AddString("put"))
				evtest.Await(t, base, "input", func() bool { return b.Input().Len() == len("input") })
				want(t, "input", take(t, b), "input")
				peer.expect(base, "output")
				b.Free()
				peer.expectEnd(base, "")
			})
		}
	}
}

// What a callback has kept from being delivered does not get into other streams.
func TestAPanicWhileMovingDataDoesNotSpillIt(t *testing.T) {
	enableLocks(t)
	base := newBase(t)
	one, peer := newSocket(t, base, bufferevent.ThreadSafe)
	ok(t, one.Enable(event.Read))
	peer.send("input")
	evtest.Await(t, base, "input", func() bool { return one.Input().Len() == 5 })
	secret := buffer(t, "secret")
	explode := func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { panic("callback") }
	secret.AddCallback(explode)
	e := one.Input().AddCallback(explode)
	for range 3 {
		if !panics(func() { one.WriteBuffer(secret) }) || !panics(func() { one.ReadBuffer(evbuffer.New()) }) {
			t.Fatal("it has not panicked")
		}
		ok(t, secret.RemoveCallback(secret.AddCallback(nil)))
		ok(t, one.Input().RemoveCallback(e))
		two, other := newSocket(t, base, bufferevent.ThreadSafe)
		for range 5 {
			ok(t, two.WriteBuffer(buffer(t, "public ")))
		}
		other.expect(base, "public public public public public ")
		secret = buffer(t, "secret")
		secret.AddCallback(explode)
		e = one.Input().AddCallback(explode)
		ok(t, one.Input().RemoveCallback(e))
		peer.send("input")
		evtest.Await(t, base, "input", func() bool { return one.Input().Len() == 5 })
		e = one.Input().AddCallback(explode)
	}
}

// A filter that panics is run again with what it has left, and what is below
// notices what it has given before.
func TestAPanicInAFilterLeavesTheStackWhole(t *testing.T) {
	bad := false
	fails := func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		if src.Len() > 0 && bad {
			bad = false
			ok(t, second(src.RemoveBuffer(dst, 1)))
			panic("filter")
		}
		return dst.AddBuffer(src)
	}
	for _, way := range []string{"in", "out"} {
		t.Run(way, func(t *testing.T) {
			base := newBase(t)
			under, peer := newSocket(t, base, 0)
			f, err := bufferevent.NewFilter(under, fails, fails, bufferevent.CloseOnFree, nil)
			ok(t, err)
			ok(t, f.Enable(event.Read))
			bad = true
			if way == "in" {
				peer.send("in")
			}
			if !panics(func() {
				if way == "out" {
					write(t, f, "out")
				}
				evtest.Await(t, base, "a panic", func() bool { return !bad })
			}) {
				t.Fatal("it has not panicked")
			}
			for _, b := range []*bufferevent.Bufferevent{f, under} {
				wantError(t, "input", b.Input().AddString("x"), evbuffer.ErrFrozen)
				wantError(t, "output", b.Output().Prepend([]byte("x")), evbuffer.ErrFrozen)
			}
			if way == "in" {
				peer.send("put")
				evtest.Await(t, base, "input", func() bool { return f.Input().Len() == len("input") })
				want(t, "input", take(t, f), "input")
			} else {
				peer.expect(base, "o")
				write(t, f, "put")
				peer.expect(base, "utput")
			}
			f.Free()
			peer.expectEnd(base, "")
		})
	}
}

func second[T any](_ T, err error) error { return err }
