package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// handshakesAtOnce is how many connections are on their way to the server at any
// time.
const handshakesAtOnce = 8

// TLSHandshakes measures new connections that exchange their keys in a certain
// way, and resume a session or not.
func TLSHandshakes(command []string, exchange tls.CurveID, resume bool, d time.Duration) ([]measure.Figure, error) {
	return withTLS(command, func(s *server) ([]measure.Figure, error) {
		h := startHandshakes(s.addr, clientConfig(exchange), handshakesAtOnce, resume)
		used, n, err := h.measure(s, d)
		if err := h.stop(); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, err
		}
		return append([]measure.Figure{
			{Name: "handshakes", Value: float64(n) / used.elapsed.Seconds()},
			{Name: "server CPU", Value: microseconds(used.server) / float64(n)},
		}, used.figures()...), nil
	})
}

// handshakes make one connection after the other, in several goroutines, until
// they are stopped or one of them fails.
type handshakes struct {
	addr   string
	resume bool
	done   atomic.Int64  // how many there have been
	first  chan struct{} // closed when there has been one
	ctx    context.Context
	cancel context.CancelCauseFunc
	group  sync.WaitGroup
}

func startHandshakes(addr netip.AddrPort, cfg *tls.Config, atOnce int, resume bool) *handshakes {
	h := &handshakes{addr: addr.String(), resume: resume, first: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancelCause(context.Background())
	for range atOnce {
		h.group.Go(func() {
			if err := h.run(cfg); err != nil {
				h.cancel(err)
			}
		})
	}
	return h
}

// stop ends the goroutines and returns why one of them has ended before.
func (h *handshakes) stop() error {
	h.cancel(nil)
	h.group.Wait()
	if err := context.Cause(h.ctx); err != context.Canceled {
		return err
	}
	return nil
}

// measure returns how many connections there are in a while, and what they use.
func (h *handshakes) measure(s *server, d time.Duration) (usage, int64, error) {
	h.pause(warmup)
	m, err := newMeter(s)
	if err != nil {
		return usage{}, 0, err
	}
	before := h.done.Load()
	h.pause(d)
	for h.done.Load() == before && h.ctx.Err() == nil {
		h.pause(warmup) // so that there is one to count
	}
	n := h.done.Load() - before
	used, err := m.stop()
	return used, n, err
}

// pause returns after a while, or when a goroutine has failed.
func (h *handshakes) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-h.ctx.Done():
	}
}

// run is one of the goroutines. It has a session of its own to resume, which a
// connection that does not count begins.
func (h *handshakes) run(cfg *tls.Config) error {
	if h.resume {
		cfg = cfg.Clone()
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		if err := h.connect(cfg, false); err != nil {
			return err
		}
	}
	for h.ctx.Err() == nil {
		if err := h.connect(cfg, h.resume); err != nil {
			return err
		}
		if h.done.Add(1) == 1 {
			close(h.first)
		}
	}
	return nil
}

// connect makes a connection, exchanges a byte, before which the server must have
// finished the handshake, and ends the connection.
func (h *handshakes) connect(cfg *tls.Config, resumed bool) error {
	raw, err := net.DialTimeout("tcp", h.addr, patience)
	if err != nil {
		return err
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	conn := tls.Client(raw, cfg)
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	if got := conn.ConnectionState().DidResume; got != resumed {
		return fmt.Errorf("TLS handshake: a session resumed: %v, want %v", got, resumed)
	}
	var b [1]byte
	if _, err := conn.Write(b[:]); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		return err
	}
	return conn.CloseWrite()
}
