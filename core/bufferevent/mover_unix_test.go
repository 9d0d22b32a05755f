// The kernel of these tests is one whose buffers are bounded, and which reports what has
// happened to a peer at the next write: that of Windows does otherwise.

//go:build unix

package bufferevent_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// engine makes sockets that are moved by readiness, or by completions.
type engine struct {
	prepare func(b *bufferevent.Bufferevent) error
}

func (e engine) socket(t *testing.T, base *event.Base) (*bufferevent.Bufferevent, *peer) {
	t.Helper()
	b, p := newSocket(t, base, 0)
	ok(t, e.prepare(b))
	return b, p
}

// What a socket does is its own: the same with a method that reports readiness as with
// one that completes operations.
func TestSocketsOnAnyEngine(t *testing.T) {
	const data = "0123456789"
	scenarios := []struct {
		name string
		run  func(t *testing.T, base *event.Base, e engine)
	}{
		{"both directions", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			write(t, b, "hello")
			p.expect(base, "hello")
			p.send(data)
			d.await(t, base, "read")
			want(t, "input", take(t, b), data)
			want(t, "write callback", d.has("write"), true)
		}},
		{"more than the kernel takes", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			long := strings.Repeat(data, 200_000)
			write(t, b, long)
			n := 0
			p.poll(base, "all data", func() bool {
				part, _ := p.receive()
				n += len(part)
				if !strings.HasPrefix(long[n-len(part):], part) {
					t.Fatalf("other bytes than were written, before byte %d", n)
				}
				return n == len(long)
			})
			settle(t, base)
			want(t, "output", b.Output().Len(), 0)
		}},
		{"output that is added while a write is under way", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			for _, text := range []string{"a", "b", "c", "d", "e"} {
				write(t, b, text)
				evtest.Turn(t, base)
			}
			ok(t, b.CloseWrite())
			p.expectEnd(base, "abcde")
		}},
		{"the peer's end after its data", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			p.send(data)
			p.shutdown()
			d.await(t, base, "reading|EOF")
			want(t, "input", take(t, b), data)
			write(t, b, "still here")
			p.expect(base, "still here")
		}},
		{"our end after our data", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			write(t, b, data)
			evtest.Turn(t, base)
			ok(t, b.CloseWrite())
			p.expectEnd(base, data)
		}},
		{"FreeWhenWritten", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			long := strings.Repeat(data, 100_000)
			write(t, b, long)
			evtest.Turn(t, base)
			b.FreeWhenWritten(patience)
			p.expectEnd(base, long)
		}},
		{"a peer that is gone", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			var d diary
			d.keep(b)
			p.close()
			write(t, b, data)
			d.await(t, base, "writing|error")
		}},
		{"disabled reading", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			evtest.Turn(t, base)
			ok(t, b.Disable(event.Read))
			p.send(data)
			settle(t, base)
			want(t, "input", b.Input().Len(), 0)
			ok(t, b.Enable(event.Read))
			d.await(t, base, "read")
			want(t, "input", take(t, b), data)
		}},
		{"a high watermark", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			ok(t, b.SetWatermark(event.Read, 0, 4))
			ok(t, b.Enable(event.Read))
			p.send(data)
			var got strings.Builder
			evtest.Await(t, base, "all data", func() bool {
				if n := b.Input().Len(); n > 4 {
					t.Fatalf("%d bytes above the mark of 4", n)
				}
				got.WriteString(take(t, b))
				return got.Len() == len(data)
			})
			want(t, "input", got.String(), data)
		}},
		{"a rate limit", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			ok(t, b.SetRateLimit(limit(t, 4, 4, time.Millisecond)))
			ok(t, b.Enable(event.Read))
			write(t, b, data)
			p.send(data)
			p.expect(base, data)
			evtest.Await(t, base, "all data", func() bool { return b.Input().Len() == len(data) })
		}},
		{"timeouts", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			var d diary
			d.keep(b)
			p.fill()
			write(t, b, strings.Repeat(data, 200_000))
			ok(t, b.SetTimeouts(time.Millisecond, time.Millisecond))
			ok(t, b.Enable(event.Read))
			d.await(t, base, "reading|timeout")
			d.await(t, base, "writing|timeout")
		}},
		{"another descriptor", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			other, q := e.socket(t, base)
			ok(t, b.Enable(event.Read))
			p.send("old")
			write(t, b, data)
			evtest.Turn(t, base)
			fd := other.FD()
			ok(t, other.SetFD(-1))
			old := b.FD()
			take(t, b)
			ok(t, b.SetFD(fd))
			ok(t, other.SetFD(old))
			q.send("new")
			evtest.Await(t, base, "data", func() bool { return b.Input().Len() > 0 })
			want(t, "input", take(t, b), "new")
		}},
		{"freed with operations under way", func(t *testing.T, base *event.Base, e engine) {
			b, p := e.socket(t, base)
			b.SetCallbacks(
				func(*bufferevent.Bufferevent) { t.Error("read callback") },
				func(*bufferevent.Bufferevent) { t.Error("write callback") },
				func(_ *bufferevent.Bufferevent, what bufferevent.Events) { t.Errorf("event callback: %v", what) })
			ok(t, b.Enable(event.Read))
			p.send(data)
			write(t, b, data)
			b.Free()
			settle(t, base)
		}},
		{"a connection", func(t *testing.T, base *event.Base, e engine) {
			h := newHost(t)
			b := overFD(t, base, -1, 0)
			ok(t, e.prepare(b))
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			write(t, b, data)
			ok(t, b.Connect(h.addr()))
			d.await(t, base, "connected")
			evtest.Await(t, base, "the output to be written", func() bool { return b.Output().Len() == 0 })
			got := make([]byte, len(data))
			_, err := io.ReadFull(h.accept(), got)
			ok(t, err)
			want(t, "what the host got", string(got), data)
		}},
	}
	engines := map[string]engine{
		"readiness":   {func(*bufferevent.Bufferevent) error { return nil }},
		"completions": {bufferevent.CompleteOperations},
	}
	for _, s := range scenarios {
		for name, e := range engines {
			t.Run(s.name+", "+name, func(t *testing.T) {
				base := newBase(t)
				t.Cleanup(func() { want(t, "sockets with operations", bufferevent.OperationsInFlight(), 0) })
				s.run(t, base, e)
			})
		}
	}
}
