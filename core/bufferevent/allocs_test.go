package bufferevent_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// echoLoop is an echo server and its client, who exchange a message of n bytes at
// every call of round.
type echoLoop struct {
	base     *event.Base
	server   *bufferevent.Bufferevent
	peer     *peer
	message  []byte
	received int
}

func newEchoLoop(t testing.TB, opts bufferevent.Options, n int) *echoLoop {
	t.Helper()
	e := &echoLoop{base: newBase(t), message: make([]byte, n)}
	e.server, e.peer = newSocket(t, e.base, opts)
	e.server.SetCallbacks(func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil, nil)
	ok(t, e.server.Enable(event.Read))
	return e
}

// round sends the message and runs the loop until it has come back.
func (e *echoLoop) round() {
	vecs := [1][]byte{e.message}
	sysio.Send(e.peer.fd, vecs[:])
	for e.received = 0; e.received < len(e.message); {
		e.base.Loop(event.LoopOnce | event.LoopNonblock)
		vecs[0] = e.message[e.received:]
		n, _ := sysio.Recv(e.peer.fd, vecs[:])
		e.received += n
	}
}

func TestAnEchoAllocatesNothing(t *testing.T) {
	if raceEnabled || runtime.GOOS == "windows" {
		t.Skip("the race detector makes pools forget, and so do errors on Windows")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it empties the pools
	for _, tt := range []struct {
		name string
		opts bufferevent.Options
	}{
		{"plain", 0},
		{"deferred", bufferevent.DeferCallbacks},
	} {
		for _, size := range []int{1, 64, 4096, 20000} {
			e := newEchoLoop(t, tt.opts, size)
			if n := testing.AllocsPerRun(100, e.round); n != 0 {
				t.Errorf("%s, %d bytes: %v allocations a message", tt.name, size, n)
			}
		}
	}
}

// With watermarks, timeouts and limits it is the same.
func TestAnEchoWithEverythingAllocatesNothing(t *testing.T) {
	if raceEnabled || runtime.GOOS == "windows" {
		t.Skip("the race detector makes pools forget, and so do errors on Windows")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	e := newEchoLoop(t, 0, 64)
	g := newGroup(t, e.base, limit(t, 1<<30, 1<<30, 0))
	ok(t, e.server.SetTimeouts(patience, patience))
	ok(t, e.server.SetWatermark(event.Read|event.Write, 10, 64))
	ok(t, e.server.SetRateLimit(limit(t, 1<<30, 1<<30, 0)))
	ok(t, e.server.AddToRateLimitGroup(g))
	defer e.server.RemoveFromRateLimitGroup()
	if n := testing.AllocsPerRun(100, e.round); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

// A message costs one call to receive it and one to send it, and nothing else.
func TestTheSystemCallsOfAnEcho(t *testing.T) {
	e := newEchoLoop(t, 0, 64)
	e.round()
	e.base.MaxEvents(true, event.CountAdded)
	calls := count(t)
	const rounds = 100
	for range rounds {
		e.round()
	}
	fd := e.server.FD()
	want(t, "calls of recv", calls.receives(fd), rounds)
	want(t, "calls of send", calls.sends(fd), rounds)
	for call, n := range calls {
		if call.FD == fd && call.Op != sysio.OpRecv && call.Op != sysio.OpSend && call.Op != sysio.OpRead && call.Op != sysio.OpWrite {
			t.Errorf("%d calls of kind %v", n, call.Op)
		}
	}
	want(t, "most events that waited", e.base.MaxEvents(false, event.CountAdded), 1)
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"64B", 64}, {"4KB", 4096}} {
		b.Run(size.name, func(b *testing.B) {
			e := newEchoLoop(b, 0, size.bytes)
			b.SetBytes(int64(size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				e.round()
			}
		})
	}
}
