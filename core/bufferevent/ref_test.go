package bufferevent_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestReferencesPutTheEndOff(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	b.IncRef()
	b.Free()
	b.Trigger(event.Read, 0) // the callbacks are gone
	b.SetCallbacks(func(*bufferevent.Bufferevent) { d.note("read") }, nil, nil)
	b.Trigger(event.Read, 0)
	d.want(t)
	write(t, b, "but it still writes")
	peer.expect(base, "but it still writes")
	b.Free() // once more changes nothing
	want(t, "the last reference", b.DecRef(), true)
	peer.expectEnd(base, "")
	want(t, "the last reference", b.DecRef(), false)
}

func TestDecRefAloneFreesToo(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	b.IncRef()
	want(t, "the last reference", b.DecRef(), false)
	want(t, "the last reference", b.DecRef(), true)
	peer.expectEnd(base, "")
	d.want(t)
}

func TestLockHoldsAReference(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	b.Lock()
	b.Free()
	write(t, b, "hello")
	peer.expect(base, "hello")
	b.Unlock()
	peer.expectEnd(base, "")
}

// What is gone stays gone: its descriptor may be somebody else's by now.
func TestNothingRevivesWhatWasFreed(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	fd := b.FD()
	calls := count(t)
	b.Free()
	b.IncRef()
	b.DecRef()
	b.Lock()
	b.Unlock()
	b.Free()
	want(t, "calls of close", calls.of(sysio.OpClose, fd), 1)
}

func TestUseAfterFree(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	write(t, b, "never sent")
	g := newGroup(t, base, limit(t, 100, 100, 0))
	b.Free()
	discard := func(_ any, err error) error { return err }
	for name, do := range map[string]func() error{
		"Write":                    func() error { return discard(b.Write([]byte("x"))) },
		"WriteString":              func() error { return discard(b.WriteString("x")) },
		"WriteBuffer":              func() error { return b.WriteBuffer(buffer(t, "x")) },
		"Read":                     func() error { return discard(b.Read(make([]byte, 1))) },
		"ReadBuffer":               func() error { return b.ReadBuffer(buffer(t, "x")) },
		"Enable":                   func() error { return b.Enable(event.Read) },
		"Disable":                  func() error { return b.Disable(event.Write) },
		"Flush":                    func() error { return discard(b.Flush(event.Write, bufferevent.ModeFlush)) },
		"CloseWrite":               func() error { return b.CloseWrite() },
		"SetFD":                    func() error { return b.SetFD(1) },
		"SetBase":                  func() error { return b.SetBase(base) },
		"SetPriority":              func() error { return b.SetPriority(0) },
		"SetTimeouts":              func() error { return b.SetTimeouts(1, 1) },
		"SetWatermark":             func() error { return b.SetWatermark(event.Read, 1, 1) },
		"SetRateLimit":             func() error { return b.SetRateLimit(limit(t, 1, 1, 0)) },
		"SetRateLimit(nil)":        func() error { return b.SetRateLimit(nil) },
		"AddToRateLimitGroup":      func() error { return b.AddToRateLimitGroup(g) },
		"RemoveFromRateLimitGroup": func() error { return b.RemoveFromRateLimitGroup() },
		"DecrementReadLimit":       func() error { return b.DecrementReadLimit(1) },
		"DecrementWriteLimit":      func() error { return b.DecrementWriteLimit(1) },
		"Connect":                  func() error { return b.Connect(loopback(1)) },
		"ConnectUnix":              func() error { return b.ConnectUnix("x") },
		"ConnectHostname":          func() error { return b.ConnectHostname(nil, "tcp", "localhost", 1) },
		"NewFilter":                func() error { return discard(bufferevent.NewFilter(b, nil, nil, 0, nil)) },
	} {
		wantError(t, name, do(), bufferevent.ErrFreed)
	}
	if b.Output().AddString("x") == nil || b.Input().AddString("x") == nil {
		t.Error("could add to a buffer")
	}
	var d diary
	d.keep(b)
	b.Trigger(event.Read|event.Write, bufferevent.TrigIgnoreWatermarks)
	b.TriggerEvent(bufferevent.EventEOF, nil, 0)
	settle(t, base)
	d.want(t)
	want(t, "descriptor", b.FD(), -1)
	want(t, "partner", b.Partner(), nil)
	want(t, "underlying", b.Underlying(), nil)
	want(t, "DNS error", b.DNSError(), nil)
	want(t, "limit", b.TokenBucketConfig(), nil)
	b.Priority()
	b.MaxToRead()
	b.MaxToWrite()
	b.ReadLimit()
	want(t, "output", b.Output().Len(), 0)
	want(t, "events that wait", waiting(base), 0)
}

func TestBadArguments(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	one, two, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	defer one.Free()
	defer two.Free()
	discard := func(_ any, err error) error { return err }
	open := func(opts bufferevent.Options) func() error {
		return func() error { return discard(bufferevent.NewSocket(base, -1, opts)) }
	}
	for _, tt := range []struct {
		name string
		do   func() error
		want error
	}{
		{"no base", func() error { return discard(bufferevent.NewSocket(nil, -1, 0)) }, event.ErrNil},
		{"unknown option", open(1 << 15), bufferevent.ErrOptions},
		{"UnlockCallbacks alone", open(bufferevent.UnlockCallbacks), bufferevent.ErrOptions},
		{"ThreadSafe without locks", open(bufferevent.ThreadSafe), evthread.ErrNoLocks},
		{"Enable nothing", func() error { return b.Enable(0) }, bufferevent.ErrWhat},
		{"Enable timeouts", func() error { return b.Enable(event.Read | event.Timeout) }, bufferevent.ErrWhat},
		{"Disable nothing", func() error { return b.Disable(0) }, bufferevent.ErrWhat},
		{"Flush nothing", func() error { return discard(b.Flush(0, bufferevent.ModeFlush)) }, bufferevent.ErrWhat},
		{"Flush in an unknown mode", func() error { return discard(b.Flush(event.Read, 3)) }, bufferevent.ErrRange},
		{"SetWatermark of nothing", func() error { return b.SetWatermark(0, 1, 1) }, bufferevent.ErrWhat},
		{"negative low watermark", func() error { return b.SetWatermark(event.Read, -1, 1) }, bufferevent.ErrRange},
		{"negative high watermark", func() error { return b.SetWatermark(event.Read, 1, -1) }, bufferevent.ErrRange},
		{"WriteBuffer of nil", func() error { return b.WriteBuffer(nil) }, event.ErrNil},
		{"ReadBuffer to nil", func() error { return b.ReadBuffer(nil) }, event.ErrNil},
		{"SetBase to nil", func() error { return b.SetBase(nil) }, event.ErrNil},
		{"SetBase of a pair", func() error { return one.SetBase(base) }, errors.ErrUnsupported},
		{"SetPriority of a pair", func() error { return one.SetPriority(0) }, errors.ErrUnsupported},
		{"SetFD of a pair", func() error { return one.SetFD(1) }, errors.ErrUnsupported},
		{"Connect of a pair", func() error { return one.Connect(loopback(1)) }, errors.ErrUnsupported},
		{"negative max single read", func() error { return b.SetMaxSingleRead(-1) }, bufferevent.ErrRange},
		{"negative max single write", func() error { return b.SetMaxSingleWrite(-1) }, bufferevent.ErrRange},
		{"AddToRateLimitGroup nil", func() error { return b.AddToRateLimitGroup(nil) }, event.ErrNil},
		{"decrement without limit", func() error { return b.DecrementReadLimit(1) }, bufferevent.ErrNoLimit},
		{"decrement without limit", func() error { return b.DecrementWriteLimit(1) }, bufferevent.ErrNoLimit},
		{"filter over nil", func() error { return discard(bufferevent.NewFilter(nil, nil, nil, 0, nil)) }, event.ErrNil},
		{"group without base", func() error { return discard(bufferevent.NewRateLimitGroup(nil, limit(t, 1, 1, 0))) }, event.ErrNil},
		{"group without limit", func() error { return discard(bufferevent.NewRateLimitGroup(base, nil)) }, event.ErrNil},
	} {
		wantError(t, tt.name, tt.do(), tt.want)
	}
	moved, err := b.Flush(event.Read|event.Write, bufferevent.ModeFinished)
	want(t, "flushing a socket", moved, false)
	ok(t, err)
	want(t, "events that wait", waiting(base), 0)
}

// A scene makes one kind of callback of b happen.
type scene struct {
	name string
	act  func(t *testing.T, b *bufferevent.Bufferevent, p *peer)
	hook func(b *bufferevent.Bufferevent) sysio.Hook // or nil
}

var scenes = []scene{
	{name: "read", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		ok(t, b.Enable(event.Read))
		p.send("hello")
	}},
	{name: "write", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) { write(t, b, "hello") }},
	{name: "reading|EOF", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		ok(t, b.Enable(event.Read))
		p.shutdown()
	}},
	{name: "reading|error", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		ok(t, b.Enable(event.Read))
		p.send("hello")
	}, hook: func(b *bufferevent.Bufferevent) sysio.Hook { return refuse(sysio.OpRecv, b.FD(), 1, errReset) }},
	{name: "writing|error", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		write(t, b, "hello")
	}, hook: func(b *bufferevent.Bufferevent) sysio.Hook { return refuse(sysio.OpSend, b.FD(), 1, errReset) }},
	{name: "reading|timeout", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		ok(t, b.SetTimeouts(short, 0))
		ok(t, b.Enable(event.Read))
	}},
	{name: "writing|timeout", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		ok(t, b.SetTimeouts(0, short))
		for range 100 {
			write(t, b, string(make([]byte, 1<<20)))
		}
	}},
	{name: "connected", act: func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
		ok(t, b.Connect(nowhere))
		write(t, b, "hello")
	}},
}

// Every callback may free the bufferevent, or do other things to it that matter to
// who calls it.
func TestWhatCallbacksDoToTheirOwnBufferevent(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		for _, s := range scenes {
			for name, do := range map[string]func(b *bufferevent.Bufferevent){
				"free":    func(b *bufferevent.Bufferevent) { b.Free() },
				"SetFD":   func(b *bufferevent.Bufferevent) { fd := b.FD(); b.SetFD(-1); sysio.CloseSocket(fd) },
				"disable": func(b *bufferevent.Bufferevent) { b.Disable(event.Read | event.Write) },
			} {
				t.Run(fmt.Sprintf("%s in %s, options %d", name, s.name, opts), func(t *testing.T) {
					base := newBase(t)
					b, peer := newTCP(t, base, opts)
					if s.hook != nil {
						defer sysio.SetHook(s.hook(b))()
					}
					var d diary
					told := func(what string) {
						d.note(what)
						if what == s.name {
							do(b)
						}
					}
					b.SetCallbacks(
						func(*bufferevent.Bufferevent) { told("read") },
						func(*bufferevent.Bufferevent) { told("write") },
						func(_ *bufferevent.Bufferevent, what bufferevent.Events) { told(what.String()) })
					s.act(t, b, peer)
					d.await(t, base, s.name)
					settle(t, base)
					d.want(t, s.name)
					want(t, "events that wait", waiting(base), 0)
					if name == "free" {
						peer.expectGone(base)
					}
				})
			}
		}
	}
}

// The callbacks of the two buffers may free it as well.
func TestFreeInACallbackOfABuffer(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		for name, tt := range map[string]struct {
			buffer func(b *bufferevent.Bufferevent) *evbuffer.Buffer
			when   func(info evbuffer.CallbackInfo) bool
			act    func(t *testing.T, b *bufferevent.Bufferevent, p *peer)
		}{
			"input added": {(*bufferevent.Bufferevent).Input,
				func(i evbuffer.CallbackInfo) bool { return i.Added > 0 },
				func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
					ok(t, b.Enable(event.Read))
					p.send("hello")
				}},
			"input removed": {(*bufferevent.Bufferevent).Input,
				func(i evbuffer.CallbackInfo) bool { return i.Deleted > 0 },
				func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
					ok(t, b.SetWatermark(event.Read, 0, 3))
					ok(t, b.Enable(event.Read))
					p.send("hello")
					evtest.Await(t, b.Base(), "input", func() bool { return b.Input().Len() == 3 })
					take(t, b)
				}},
			"output added": {(*bufferevent.Bufferevent).Output,
				func(i evbuffer.CallbackInfo) bool { return i.Added > 0 },
				func(t *testing.T, b *bufferevent.Bufferevent, p *peer) { write(t, b, "hello") }},
			"output removed": {(*bufferevent.Bufferevent).Output,
				func(i evbuffer.CallbackInfo) bool { return i.Deleted > 0 },
				func(t *testing.T, b *bufferevent.Bufferevent, p *peer) { write(t, b, "hello") }},
		} {
			t.Run(fmt.Sprintf("%s, options %d", name, opts), func(t *testing.T) {
				base := newBase(t)
				b, peer := newTCP(t, base, opts)
				var d diary
				d.keep(b)
				freed := false
				tt.buffer(b).AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
					if tt.when(info) {
						freed = true
						d = nil
						b.Free()
					}
				})
				tt.act(t, b, peer)
				evtest.Await(t, base, "it is freed", func() bool { return freed })
				settle(t, base)
				d.want(t)
				want(t, "events that wait", waiting(base), 0)
				peer.expectGone(base)
			})
		}
	}
}

// A callback of the output that takes the descriptor away ends the writing, and
// what is left waits for another one.
func TestSetFDInACallbackOfTheOutput(t *testing.T) {
	base := newBase(t)
	b, peer := newTCP(t, base, 0)
	var d diary
	d.keep(b)
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpSend && c.FD == b.FD() {
			return 2, nil
		}
		return c.Len, nil
	})()
	b.Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if fd := b.FD(); info.Deleted > 0 && fd >= 0 {
			ok(t, b.SetFD(-1))
			ok(t, sysio.CloseSocket(fd))
		}
	})
	write(t, b, "hello")
	peer.expectEnd(base, "he")
	settle(t, base)
	d.want(t)
	want(t, "output", b.Output().Len(), 3)
}

func TestFreeDropsWhatWasNotSent(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	cleaned := 0
	ok(t, b.Output().AddReference([]byte("hello"), func([]byte) { cleaned++ }))
	b.Free()
	want(t, "cleanups", cleaned, 1)
	peer.expectEnd(base, "")
}

// The base may be freed first.
func TestFreeAfterTheBase(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		b, peer := newTCP(t, base, opts)
		var d diary
		d.keep(b)
		ok(t, b.SetRateLimit(limit(t, 10, 10, time.Hour)))
		ok(t, b.SetTimeouts(time.Hour, time.Hour))
		ok(t, b.Enable(event.Read))
		write(t, b, "hello")
		b.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
		base.Free()
		b.Write([]byte("x"))
		b.Free()
		peer.expectEnd(newBase(t), "")
		d.want(t)
	}
}
