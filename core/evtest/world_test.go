package evtest_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// An echo is the simplest program for a world: what comes back is the beginning of what
// was sent, and all of it unless the connection has failed.
func TestSimulatedEcho(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
		server, client := w.Host("server"), w.Host("client")
		var l *listener.Listener
		server.Do(func() { l = serveEcho(w, server) })
		c := &echoClient{world: w, data: make([]byte, w.Draw("bytes", 1, 50000))}
		for i := range c.data {
			c.data[i] = byte(w.Rand().Uint32())
		}
		client.Do(func() { c.start(client.Base(), server.AddrPort(7)) })
		w.Await("the end of the echo", func() bool { return c.ended })
		w.Await("the server to be done", func() bool { return len(server.Descriptors()) <= 1 })
		server.Do(l.Free)
	})
}

func serveEcho(w *evtest.World, h *evtest.Host) *listener.Listener {
	l, err := listener.NewBind(h.Base(), h.AddrPort(7), listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) {
			b, err := bufferevent.NewSocket(h.Base(), fd, bufferevent.CloseOnFree)
			if err != nil {
				w.T().Error(err)
				return
			}
			b.SetCallbacks(func(b *bufferevent.Bufferevent) { _ = b.WriteBuffer(b.Input()) }, nil, endEcho)
			_ = b.Enable(event.Read)
		})
	if err != nil {
		w.Note("no listener: %v", err)
	}
	return l
}

func endEcho(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		b.FreeWhenWritten(0)
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		b.Free()
	}
}

// An echoClient sends data, and compares what comes back.
type echoClient struct {
	world *evtest.World
	data  []byte
	got   int
	ended bool
	// failed, if it is not nil, is told of an error.
	failed func(err error)
}

func (c *echoClient) start(base *event.Base, server netip.AddrPort) {
	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		c.world.T().Error(err)
		return
	}
	b.SetCallbacks(c.read, nil, c.event)
	_ = b.Enable(event.Read)
	if err := b.Connect(server); err != nil {
		c.world.Note("connect: %v", err)
		b.Free()
		c.ended = true
	}
}

func (c *echoClient) read(b *bufferevent.Bufferevent) {
	p := make([]byte, b.Input().Len())
	_, _ = b.Input().Remove(p)
	if c.got+len(p) > len(c.data) || !bytes.Equal(p, c.data[c.got:c.got+len(p)]) {
		c.world.T().Error("other bytes have come back")
	}
	c.got += len(p)
}

func (c *echoClient) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	if what&bufferevent.EventConnected != 0 {
		_, _ = b.Write(c.data)
		_ = b.CloseWrite()
		return
	}
	c.world.Note("%v %v", what, b.Err())
	if c.failed != nil {
		c.failed(b.Err())
	}
	if what.Outcome() == bufferevent.InputEnded && c.got < len(c.data) {
		c.world.T().Errorf("%d of %d bytes have come back", c.got, len(c.data))
	}
	c.ended = true
	b.Free()
}

// Who sends to a host that has lost power learns of it when the host is back, which
// answers with a reset.
func TestConnectionsToAHostThatRestartsAreReset(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Seeds: 5}, func(w *evtest.World) {
		w.SetFaults(evtest.Faults{Latency: 10 * time.Millisecond})
		server, client := w.Host("server"), w.Host("client")
		server.Do(func() { serveEcho(w, server) })
		var b *bufferevent.Bufferevent
		connected, ended := false, error(nil)
		client.Do(func() {
			var err error
			if b, err = bufferevent.NewSocket(client.Base(), -1, bufferevent.CloseOnFree); err != nil {
				t.Error(err)
				return
			}
			b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
				connected = connected || what&bufferevent.EventConnected != 0
				ended = b.Err()
			})
			_ = b.Enable(event.Read)
			if err := b.Connect(server.AddrPort(7)); err != nil {
				t.Error(err)
			}
		})
		w.Await("the connection", func() bool { return connected })
		server.Stop()
		w.Run(time.Minute)
		if ended != nil {
			t.Errorf("%v though nothing was sent", ended)
		}
		client.Do(func() { _, _ = b.WriteString("hello") })
		w.Run(time.Second)
		server.Start()
		w.Await("the reset", func() bool { return ended != nil })
		if !errors.Is(ended, sysio.ErrReset) {
			t.Error(ended)
		}
		client.Do(b.Free)
	})
}

// Reset has both ends of a connection fail, the peer when it has read what was sent
// before.
func TestResetsReachBothEnds(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Seeds: 5}, func(w *evtest.World) {
		w.SetFaults(evtest.Faults{Latency: 10 * time.Millisecond})
		server, client := w.Host("server"), w.Host("client")
		l := (*listener.Listener)(nil)
		server.Do(func() { l = serveEcho(w, server) })
		var b *bufferevent.Bufferevent
		var ended error
		client.Do(func() {
			var err error
			if b, err = bufferevent.NewSocket(client.Base(), -1, bufferevent.CloseOnFree); err != nil {
				t.Error(err)
				return
			}
			b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
				switch what.Outcome() {
				case bufferevent.ConnectionMade:
					if _, err := b.WriteString("hello"); err != nil {
						t.Error(err)
					}
				case bufferevent.Failed:
					ended = b.Err()
				}
			})
			_ = b.Enable(event.Read)
			if err := b.Connect(server.AddrPort(7)); err != nil {
				t.Error(err)
			}
		})
		w.Await("the echo", func() bool { return b.Input().Len() == len("hello") })
		client.Do(func() {
			if err := w.Reset(b.FD()); err != nil {
				t.Error(err)
			}
			if err := w.Reset(b.FD()); err == nil {
				t.Error("reset twice")
			}
		})
		w.Await("the end of both", func() bool { return ended != nil && len(server.Descriptors()) <= 1 })
		if !errors.Is(ended, sysio.ErrReset) {
			t.Error(ended)
		}
		client.Do(b.Free)
		server.Do(l.Free)
	})
}
