package listener_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// patience is how long tests wait for what must happen. Only tests that fail
// wait that long.
const patience = time.Minute

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// bind makes a listener on a free port that is freed at the end of the test.
func bind(t testing.TB, b *event.Base, flags listener.Flag, cb listener.Callback) *listener.Listener {
	t.Helper()
	l, err := listener.NewBind(b, loopback, flags|listener.CloseOnFree, listener.DefaultBacklog, cb)
	ok(t, err)
	t.Cleanup(l.Free)
	return l
}

// unixPath returns a path for a Unix socket, or skips the test.
func unixPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "listener") // t.TempDir() can be too long for a socket
	ok(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no Unix sockets: ", err)
	}
	l.Close()
	return path
}

// dial connects for the time of the test.
func dial(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(addr.Network(), addr.String(), patience)
	ok(t, err)
	t.Cleanup(func() { c.Close() })
	ok(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// run runs the loop until LoopExit or LoopBreak.
func run(t testing.TB, b *event.Base) {
	t.Helper()
	late := b.NewTimer(func(*event.Event, event.What) {
		t.Error("it did not happen")
		b.LoopBreak()
	})
	ok(t, late.AddTimeout(patience))
	defer late.Del()
	ok(t, b.Dispatch())
}

// runOnce runs one iteration of the loop, which must not be idle.
func runOnce(t testing.TB, b *event.Base) {
	t.Helper()
	_, err := b.Loop(event.LoopOnce)
	ok(t, err)
}

// runIdle runs the loop, in which nothing may be pending.
func runIdle(t testing.TB, b *event.Base) {
	t.Helper()
	status, err := b.Loop(event.LoopNonblock)
	ok(t, err)
	want(t, "status of the loop", status, event.LoopNoEvents)
}

// closeAfter closes what it gets, and ends the loop after n connections.
func closeAfter(n int) listener.Callback {
	return func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		if n--; n == 0 {
			l.Base().LoopBreak()
		}
	}
}

// ends checks that the peer closes a connection.
func ends(t testing.TB, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// works checks that a listener serves connections, and leaves it disabled.
func works(t testing.TB, l *listener.Listener) {
	t.Helper()
	ok(t, l.SetCallback(closeAfter(1)))
	ok(t, l.Enable())
	c := dial(t, dialable(l))
	run(t, l.Base())
	ends(t, c)
	ok(t, l.Disable())
}

// dialable returns an address at which a listener can be reached: not every system
// lets one connect to the wildcard of a family.
func dialable(l *listener.Listener) net.Addr {
	addr := l.AddrPort()
	if !addr.IsValid() || !addr.Addr().IsUnspecified() {
		return l.Addr()
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	if addr.Addr().Is6() {
		loopback = netip.IPv6Loopback()
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(loopback, addr.Port()))
}

// refused checks that nobody listens at an address.
func refused(t testing.TB, addr net.Addr) {
	t.Helper()
	c, err := net.DialTimeout(addr.Network(), addr.String(), patience)
	if err == nil {
		c.Close()
		t.Errorf("somebody listens at %v", addr)
	}
}

// countCalls counts the system calls of sysio for the time of the test.
func countCalls(t testing.TB) map[sysio.Op]int {
	t.Helper()
	calls := map[sysio.Op]int{}
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		calls[c.Op]++
		return c.Len, nil
	}))
	return calls
}

// readByte waits for a byte from the peer.
func readByte(t testing.TB, c net.Conn) {
	t.Helper()
	_, err := io.ReadFull(c, make([]byte, 1))
	ok(t, err)
}
