package bufferevent_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A host listens. The system makes its connections, which need nobody to accept
// them for that.
type host struct {
	net.Listener
	t testing.TB
}

func listen(t testing.TB, network, address string) *host {
	t.Helper()
	l, err := net.Listen(network, address)
	ok(t, err)
	t.Cleanup(func() { l.Close() })
	return &host{l, t}
}

// newHost listens at a port of the loopback interface.
func newHost(t testing.TB) *host { t.Helper(); return listen(t, "tcp", "127.0.0.1:0") }

func (h *host) addr() netip.AddrPort { return h.Addr().(*net.TCPAddr).AddrPort() }

// accept returns the other end of a connection that is made.
func (h *host) accept() net.Conn {
	h.t.Helper()
	c, err := h.Accept()
	ok(h.t, err)
	h.t.Cleanup(func() { c.Close() })
	return c
}

// closedPort returns an address that nobody listens at, nor will until the end of
// the test.
func closedPort(t testing.TB) netip.AddrPort {
	t.Helper()
	fd, err := newTCPSocket()
	ok(t, err)
	owned(t, fd)
	sa, err := evutil.AddrPortToSockaddr(loopback(0))
	ok(t, err)
	ok(t, sysio.Bind(fd, sa))
	sa, err = sysio.Sockname(fd)
	ok(t, err)
	addr, err := evutil.SockaddrToAddrPort(sa)
	ok(t, err)
	return addr
}

func expectRead(t testing.TB, r io.Reader, text string) {
	t.Helper()
	p := make([]byte, len(text))
	_, err := io.ReadFull(r, p)
	ok(t, err)
	want(t, "what the host reads", string(p), text)
}

func TestConnect(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		h := newHost(t)
		b := overFD(t, base, -1, opts)
		var d diary
		d.keep(b)
		ok(t, b.Enable(event.Read))
		write(t, b, "early")
		ok(t, b.Connect(h.addr()))
		write(t, b, " bird")
		d.await(t, base, "connected")
		d.await(t, base, "write")
		d.want(t, "connected", "write")
		want(t, "error", b.Err(), nil)
		want(t, "TCP_NODELAY", tcpNoDelay(t, b.FD()), true)
		c := h.accept()
		expectRead(t, c, "early bird")
		_, err := io.WriteString(c, "hello")
		ok(t, err)
		d.await(t, base, "read")
		want(t, "input", take(t, b), "hello")
		want(t, "events that wait", waiting(base), 1)
	}
}

func TestConnectWithoutAnythingToWrite(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.Connect(h.addr()))
	d.await(t, base, "connected")
	settle(t, base)
	d.want(t, "connected")
	want(t, "events that wait", waiting(base), 0)
}

// Disabling stops neither the connecting nor its news.
func TestConnectWhileDisabled(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.Disable(event.Write))
	ok(t, b.Connect(h.addr()))
	ok(t, b.Disable(event.Read|event.Write))
	write(t, b, "later")
	d.await(t, base, "connected")
	settle(t, base)
	d.want(t, "connected")
	want(t, "output", b.Output().Len(), 5)
	ok(t, b.Enable(event.Write))
	d.await(t, base, "write")
	expectRead(t, h.accept(), "later")
}

func TestConnectIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6: ", err)
	}
	l.Close()
	base := newBase(t)
	h := listen(t, "tcp", "[::1]:0")
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.Connect(h.addr()))
	d.await(t, base, "connected")
}

func TestConnectUnix(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not everywhere on this system")
	}
	names := []string{filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		names = append(names, fmt.Sprintf("@bufferevent-test-%d", os.Getpid()))
	}
	for _, name := range names {
		base := newBase(t)
		h := listen(t, "unix", name)
		b := overFD(t, base, -1, 0)
		var d diary
		d.keep(b)
		write(t, b, "hello")
		ok(t, b.ConnectUnix(name))
		d.want(t) // the loop tells, even if it is done
		d.await(t, base, "write")
		d.want(t, "connected", "write")
		expectRead(t, h.accept(), "hello")
	}
}

func TestConnectUnixToNobody(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not everywhere on this system")
	}
	name := filepath.Join(t.TempDir(), "s")
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	wantError(t, "no such file", b.ConnectUnix(name), syscall.ENOENT)
	want(t, "descriptor", b.FD(), -1)

	h := listen(t, "unix", name)
	h.Listener.(*net.UnixListener).SetUnlinkOnClose(false)
	ok(t, h.Close())
	ok(t, b.Enable(event.Read))
	ok(t, b.ConnectUnix(name)) // the system refuses at once, and the loop tells
	d.want(t)
	d.await(t, base, "error")
	settle(t, base)
	d.want(t, "error")
	wantError(t, "error", b.Err(), syscall.ECONNREFUSED)
	want(t, "enabled", b.Enabled(), event.Read|event.Write)
	want(t, "events that wait", waiting(base), 0)
}

func TestConnectRefused(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		b := overFD(t, base, -1, opts)
		var d diary
		d.keep(b)
		ok(t, b.Enable(event.Read))
		write(t, b, "hello")
		to := closedPort(t)
		ok(t, b.Connect(to))
		d.await(t, base, "error")
		settle(t, base)
		d.want(t, "error")
		want(t, "refused", evutil.IsConnectRefused(b.Err()), true)
		want(t, "names the address", strings.Contains(b.Err().Error(), to.String()), true)
		want(t, "events that wait", waiting(base), 0)
		want(t, "output", b.Output().Len(), 5)

		// It can try again, and has lost nothing.
		h := newHost(t)
		ok(t, b.Connect(h.addr()))
		d.await(t, base, "write")
		d.want(t, "connected", "write")
		expectRead(t, h.accept(), "hello")
	}
}

// A refusal that comes at once is told by the loop, if anybody still wants to know.
func TestConnectRefusedAtOnce(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	for _, tt := range []struct {
		name string
		do   func(b *bufferevent.Bufferevent)
		told []string
	}{
		{"and waited for", func(*bufferevent.Bufferevent) {}, []string{"error"}},
		{"and disabled", func(b *bufferevent.Bufferevent) { ok(t, b.Disable(event.Read|event.Write)) }, []string{"error"}},
		{"and given up", func(b *bufferevent.Bufferevent) {
			fd := b.FD()
			ok(t, b.SetFD(-1))
			ok(t, evutil.CloseSocket(fd))
		}, nil},
		{"and freed", func(b *bufferevent.Bufferevent) { b.Free() }, nil},
	} {
		b := overFD(t, base, -1, 0)
		var d diary
		d.keep(b)
		restore := sysio.SetHook(func(c sysio.Call) (int, error) {
			if c.Op == sysio.OpConnect {
				return 0, refused
			}
			return c.Len, nil
		})
		ok(t, b.Enable(event.Read))
		ok(t, b.Connect(h.addr()))
		restore()
		wantError(t, tt.name+": connecting again", b.Connect(h.addr()), bufferevent.ErrConnecting)
		tt.do(b)
		d.want(t)
		settle(t, base)
		d.want(t, tt.told...)
		b.Free()
	}
}

func TestConnectThatCannotBegin(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	broken := errors.New("not today")
	for _, op := range []sysio.Op{sysio.OpSocket, sysio.OpConnect} {
		restore := sysio.SetHook(func(c sysio.Call) (int, error) {
			if c.Op == op {
				return 0, broken
			}
			return c.Len, nil
		})
		wantError(t, "connect", b.Connect(h.addr()), broken)
		restore()
		want(t, "descriptor", b.FD(), -1)
		want(t, "events that wait", waiting(base), 0)
	}
	settle(t, base)
	d.want(t)
	ok(t, b.Connect(h.addr())) // it can try again
	d.await(t, base, "connected")
}

func TestConnectTwice(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	ok(t, b.Connect(h.addr()))
	wantError(t, "Connect", b.Connect(h.addr()), bufferevent.ErrConnecting)
	wantError(t, "Connect of a descriptor", b.Connect(nowhere), bufferevent.ErrConnecting)
	wantError(t, "ConnectUnix", b.ConnectUnix("x"), bufferevent.ErrConnecting)
	wantError(t, "ConnectHostname", b.ConnectHostname(nil, "tcp", "localhost", 1), bufferevent.ErrConnecting)
	wantError(t, "SetBase", b.SetBase(base), event.ErrPending)
}

func TestConnectWithADescriptorOfOnesOwn(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{})
	ok(t, err)
	b := overFD(t, base, fd, 0)
	var d diary
	d.keep(b)
	ok(t, b.Connect(h.addr()))
	want(t, "descriptor", b.FD(), fd)
	d.await(t, base, "connected")
}

func TestADescriptorThatIsBeingConnected(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{})
	ok(t, err)
	sa, err := evutil.AddrPortToSockaddr(h.addr())
	ok(t, err)
	_, err = sysio.StartConnect(fd, sa)
	ok(t, err)
	b := overFD(t, base, fd, 0)
	var d diary
	d.keep(b)
	ok(t, b.Connect(nowhere))
	d.await(t, base, "connected")

	none := overFD(t, base, -1, 0)
	wantError(t, "without a descriptor", none.Connect(nowhere), event.ErrNil)
}

func TestConnectThroughAFilter(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	under := overFD(t, base, -1, 0)
	b, err := bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree, nil)
	ok(t, err)
	defer b.Free()
	var d diary
	d.keep(b)
	write(t, b, "hello")
	ok(t, b.Connect(h.addr()))
	d.await(t, base, "connected")
	c := h.accept()
	evtest.Await(t, base, "output", func() bool { return b.Output().Len()+under.Output().Len() == 0 })
	expectRead(t, c, "hello")
}

func TestConnectTimesOut(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(0, short))
	write(t, b, "hello")
	ok(t, b.Connect(blackHole(t)))
	d.await(t, base, "writing|timeout")
	settle(t, base)
	d.want(t, "writing|timeout")
	wantError(t, "error", b.Err(), os.ErrDeadlineExceeded)
	want(t, "enabled", b.Enabled(), event.What(0))
	want(t, "events that wait", waiting(base), 0)
}

// A connection that is not made yet can be given up.
func TestConnectGivenUp(t *testing.T) {
	base := newBase(t)
	hole := blackHole(t)
	for name, giveUp := range map[string]func(b *bufferevent.Bufferevent){
		"Free": func(b *bufferevent.Bufferevent) { b.Free() },
		"SetFD": func(b *bufferevent.Bufferevent) {
			fd := b.FD()
			ok(t, b.SetFD(-1))
			ok(t, evutil.CloseSocket(fd))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := overFD(t, base, -1, 0)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			ok(t, b.Connect(hole))
			settle(t, base)
			giveUp(b)
			settle(t, base)
			d.want(t)
			want(t, "events that wait", waiting(base), 0)
		})
	}
}

func TestCloseWriteWhileConnecting(t *testing.T) {
	base := newBase(t)
	for _, text := range []string{"", "hello"} {
		h := newHost(t)
		b := overFD(t, base, -1, 0)
		var d diary
		d.keep(b)
		write(t, b, text)
		ok(t, b.Connect(h.addr()))
		ok(t, b.CloseWrite())
		d.await(t, base, "connected")
		settle(t, base)
		all, err := io.ReadAll(h.accept())
		ok(t, err)
		want(t, "what the host reads", string(all), text)
	}
}

// What the callback of a connection may do besides.
func TestFreeOnceConnected(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	write(t, b, "never sent")
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) { b.Free() })
	ok(t, b.Connect(h.addr()))
	c := h.accept()
	evtest.Await(t, base, "it is freed", func() bool { return b.FD() < 0 })
	all, err := io.ReadAll(c)
	ok(t, err)
	want(t, "what the host reads", string(all), "")
}
