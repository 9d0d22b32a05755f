package simulation_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// An echo of 64 bytes, again and again, by 100 clients.
func BenchmarkWorldEcho(b *testing.B) {
	const length = 10 * time.Second
	benchmarkWorld(b, length, func(w *evtest.World) {
		w.SetFaults(evtest.Faults{Latency: time.Millisecond})
		server := w.Host("server")
		echoes := make([]*bufferevent.Bufferevent, 0, 100)
		add := func(h *evtest.Host, fd int) *bufferevent.Bufferevent {
			stream, err := bufferevent.NewSocket(h.Base(), fd, bufferevent.CloseOnFree)
			if err != nil {
				w.T().Error(err)
				return nil
			}
			stream.SetCallbacks(func(b *bufferevent.Bufferevent) { _ = b.WriteBuffer(b.Input()) }, nil,
				func(b *bufferevent.Bufferevent, what bufferevent.Events) {
					if what&bufferevent.EventConnected == 0 {
						b.Free()
					}
				})
			_ = stream.Enable(event.Read)
			return stream
		}
		var l *listener.Listener
		server.Do(func() {
			var err error
			l, err = listener.NewBind(server.Base(), server.AddrPort(7), listener.CloseOnFree, listener.DefaultBacklog,
				func(_ *listener.Listener, fd int, _ netip.AddrPort) { add(server, fd) })
			if err != nil {
				w.T().Error(err)
			}
		})
		for range cap(echoes) {
			client := w.Host("client")
			client.Do(func() {
				stream := add(client, -1)
				_, _ = stream.Write(make([]byte, 64))
				if err := stream.Connect(server.AddrPort(7)); err != nil {
					w.T().Error(err)
				}
				echoes = append(echoes, stream)
			})
		}
		w.Run(length)
		for _, stream := range echoes {
			if err := stream.Base().Post(stream.Free); err != nil {
				w.T().Error(err)
			}
		}
		w.Run(time.Second) // until the server has learned of it
		server.Do(l.Free)
	})
}

// badNetwork is one over which a chat is just possible.
var badNetwork = evtest.Faults{
	Latency: 80 * time.Millisecond, Jitter: 100 * time.Millisecond,
	Delay: 0.02, Split: 0.1, Reset: 0.0005,
}

// An hour of 1000 clients, each of which says 100 bytes a minute to a room of ten.
func BenchmarkWorldChat(b *testing.B) {
	benchmarkWorld(b, time.Hour, func(w *evtest.World) {
		w.SetFaults(badNetwork)
		lost := simulateChat(w, chatRun{clients: 1000, room: 10, every: time.Minute, length: time.Hour})
		b.ReportMetric(float64(lost), "resets")
	})
}

// benchmarkWorld reports how fast a world is in which so much time passes.
func benchmarkWorld(b *testing.B, length time.Duration, scenario func(w *evtest.World)) {
	lines := uint64(0)
	worlds := 0
	test := func(t *testing.T) {
		evtest.Simulate(t, evtest.Simulation{Seeds: 1, Free: true}, func(w *evtest.World) {
			worlds++
			scenario(w)
			lines += w.Lines()
		})
	}
	for b.Loop() {
		tests := []testing.InternalTest{{Name: b.Name(), F: test}}
		if !testing.RunTests(func(string, string) (bool, error) { return true, nil }, tests) {
			b.Fatal("the scenario fails")
		}
	}
	real := b.Elapsed().Seconds()
	b.ReportMetric(length.Seconds()*float64(worlds)/real, "simulated-s/s")
	b.ReportMetric(float64(lines)/real, "events/s")
}
