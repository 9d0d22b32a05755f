package listener_test

import (
	"fmt"
	"net/netip"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"golang.org/x/sys/unix"
)

// option asks for a socket option.
func option(t testing.TB, fd, level, option int) int {
	t.Helper()
	value, err := unix.GetsockoptInt(fd, level, option)
	ok(t, err)
	return value
}

func TestDeferredAccept(t *testing.T) {
	b := evtest.Base(t)
	for _, flags := range []listener.Flag{0, listener.DeferredAccept} {
		l := bind(t, b, flags, nil)
		deferred := option(t, l.FD(), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT) > 0
		want(t, fmt.Sprintf("deferred with flags %#x", flags), deferred, flags != 0)
	}
}

func TestIPv6Flags(t *testing.T) {
	b := evtest.Base(t)
	for flags, want := range map[listener.Flag]int{listener.BindIPv6Only: 1, listener.BindIPv4AndIPv6: 0} {
		l, err := listener.NewBind(b, netip.MustParseAddrPort("[::]:0"), flags|listener.CloseOnFree, -1, nil)
		if err != nil {
			t.Skip(err)
		}
		defer l.Free()
		if got := option(t, l.FD(), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); got != want {
			t.Errorf("IPV6_V6ONLY with flags %#x: %d, want %d", flags, got, want)
		}
	}
}

func TestConnectionsInheritKeepAlive(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, func(_ *listener.Listener, fd int, _ netip.AddrPort) {
		want(t, "SO_KEEPALIVE", option(t, fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE), 1)
		idle := option(t, fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		want(t, "TCP_KEEPIDLE", float64(idle), listener.KeepAlive.Seconds())
		evutil.CloseSocket(fd)
		b.LoopBreak()
	})
	dial(t, l.Addr())
	run(t, b)
}

func TestTheDefaultBacklogIsTheSystemsLongest(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		t.Skip(err)
	}
	var longest int
	fmt.Sscan(string(text), &longest)
	b := evtest.Base(t)
	for _, backlog := range []int{listener.DefaultBacklog, 7} {
		l, err := listener.NewBind(b, loopback, listener.CloseOnFree, backlog, nil)
		ok(t, err)
		defer l.Free()
		info, err := unix.GetsockoptTCPInfo(l.FD(), unix.IPPROTO_TCP, unix.TCP_INFO)
		ok(t, err)
		if info.Snd_cwnd == 0 {
			t.Skip("the emulator does not tell")
		}
		if backlog < 0 {
			backlog = longest
		}
		want(t, "backlog", int(info.Sacked), backlog) // where a listener has it
	}
}

func TestAbstractUnixSockets(t *testing.T) {
	name := fmt.Sprintf("@libevent-listener-test-%d", os.Getpid())
	b := evtest.Base(t)
	l := newUnix(t, b, name, listener.CloseOnFree)
	want(t, "address", l.Addr().String(), name)
	works(t, l)
	_, err := listener.NewUnix(b, name, listener.Reuseable, -1, nil)
	wantError(t, "the same name", err, listener.ErrAddrInUse)
	exists(t, name, false)
	l.Free()
	again := newUnix(t, b, name, listener.CloseOnFree)
	works(t, again)
}
