package evtls_test

import (
	"crypto/tls"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evtest"
)

// panics reports whether fn panics.
func panics(fn func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	fn()
	return false
}

// A program may recover from a panic of one of its callbacks, and go on: the
// stream works and ends as if the callback had returned.
func TestAPanicInACallbackLeavesTheStreamWhole(t *testing.T) {
	bad := false
	blow := func() {
		if bad {
			bad = false
			panic("callback")
		}
	}
	places := map[string]func(e *end){
		"the read callback": func(e *end) {
			_, write, event := e.b.Callbacks()
			e.b.SetCallbacks(func(b *bufferevent.Bufferevent) { blow(); e.onRead(b) }, write, event)
		},
		"the write callback": func(e *end) {
			read, _, event := e.b.Callbacks()
			e.b.SetCallbacks(read, func(*bufferevent.Bufferevent) { blow() }, event)
		},
		"a callback of the input": func(e *end) {
			e.b.Input().AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { blow() })
		},
		"a callback of the output": func(e *end) {
			e.b.Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
				if info.Deleted > 0 {
					blow()
				}
			})
		},
	}
	for place, prepare := range places {
		t.Run(place, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(tls.VersionTLS13)
			c, s := newTalk(t, base, client, server, 0)
			settle(t, base)
			prepare(s)
			bad = true
			write(t, s.b, "out")
			write(t, c.b, "in")
			if !panics(func() { settle(t, base) }) {
				t.Fatal("it has not panicked")
			}
			wantError(t, "input", s.b.Input().AddString("x"), evbuffer.ErrFrozen)
			wantError(t, "output", s.b.Output().Prepend([]byte("x")), evbuffer.ErrFrozen)
			write(t, s.b, "put")
			write(t, c.b, "put")
			evtest.Await(t, base, "data", func() bool { return string(c.data) == "output" && string(s.data) == "input" })
			ok(t, s.b.CloseWrite())
			evtest.Await(t, base, "end", func() bool { return c.has("reading|EOF") })
			s.b.Free()
			want(t, "it is freed", c.b.Underlying().Partner() == nil, true)
		})
	}
}
