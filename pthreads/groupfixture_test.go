package pthreads_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
)

// patience is how long tests wait for what must happen. Only tests that fail
// wait that long.
const patience = time.Minute

// eachMode runs a test with bases that have no locks, and with locked ones.
func eachMode(t *testing.T, test func(t *testing.T)) {
	t.Run("without locks", func(t *testing.T) {
		forgetHooks(t)
		evtest.Leaks(t)
		test(t)
	})
	t.Run("with locks", func(t *testing.T) {
		forgetHooks(t)
		ok(t, pthreads.Use())
		evtest.Leaks(t)
		test(t)
	})
}

// newGroup makes a group that is stopped at the end of the test.
func newGroup(t testing.TB, cfg *pthreads.GroupConfig) *pthreads.Group {
	t.Helper()
	g, err := pthreads.NewGroup(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, g) })
	return g
}

// stop stops a group that has no reason not to stop.
func stop(t testing.TB, g *pthreads.Group) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ok(t, g.Stop(ctx))
}

// listen returns the address of a new listener of the group.
func listen(t testing.TB, g *pthreads.Group, address string, accept pthreads.AcceptFunc) net.Addr {
	t.Helper()
	addr, err := g.Listen(address, accept)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// dial connects for the time of the test.
func dial(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(addr.Network(), addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ok(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// echo serves a connection by sending back what comes.
func echo(b *event.Base, fd int, _ netip.AddrPort) {
	ev, err := b.NewEvent(fd, event.Read|event.Persist, onEcho)
	if err == nil {
		err = ev.Add()
	}
	if err != nil {
		evutil.CloseSocket(fd)
	}
}

func onEcho(ev *event.Event, _ event.What) {
	var buf [256]byte
	n, err := readSocket(ev.FD(), buf[:])
	if err == nil && n > 0 {
		_, err = writeSocket(ev.FD(), buf[:n])
	}
	if err == nil && n == 0 || err != nil && !evutil.IsRetriable(err) {
		closeConnection(ev)
	}
}

func closeConnection(ev *event.Event) {
	fd := ev.FD()
	ev.Free()
	evutil.CloseSocket(fd)
}

// closeConnections is the Teardown of groups whose events are connections.
func closeConnections(_ int, b *event.Base) {
	for _, ev := range slices.Collect(b.Events()) {
		closeConnection(ev)
	}
}

// hangUp closes a connection at once.
func hangUp(_ *event.Base, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) }

// wait receives from a channel, or fails the test.
func wait[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("it did not happen")
		panic("unreachable")
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
