package listener_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// at returns the constructor for a TCP address.
func at(addr string) func(*event.Base, listener.Flag, int) (*listener.Listener, error) {
	return func(b *event.Base, flags listener.Flag, backlog int) (*listener.Listener, error) {
		return listener.NewBind(b, netip.MustParseAddrPort(addr), flags, backlog, closeAfter(1))
	}
}

// atPath returns the constructor for a Unix socket.
func atPath(path string) func(*event.Base, listener.Flag, int) (*listener.Listener, error) {
	return func(b *event.Base, flags listener.Flag, backlog int) (*listener.Listener, error) {
		return listener.NewUnix(b, path, flags, backlog, closeAfter(1))
	}
}

// on returns the constructor for a descriptor.
func on(fd int) func(*event.Base, listener.Flag, int) (*listener.Listener, error) {
	return func(b *event.Base, flags listener.Flag, backlog int) (*listener.Listener, error) {
		return listener.New(b, fd, flags, backlog, closeAfter(1))
	}
}

func TestConstructorErrors(t *testing.T) {
	b := evtest.Base(t)
	taken := bind(t, b, listener.Disabled, nil)
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	defer evutil.CloseSocket(pair[0])
	defer evutil.CloseSocket(pair[1])
	anything := errors.New("anything") // whatever the system says
	const tcp, any = "listen tcp ", "127.0.0.1:0"
	tests := []struct {
		name    string
		make    func(*event.Base, listener.Flag, int) (*listener.Listener, error)
		flags   listener.Flag
		backlog int
		object  string // that the error is about
		want    error
	}{
		{"an address in use", at(taken.Addr().String()), 0, -1, tcp + taken.Addr().String(), listener.ErrAddrInUse},
		{"a backlog of zero", at(any), 0, 0, tcp + any, listener.ErrBacklog},
		{"a backlog of zero for a connection", on(pair[0]), 0, 0, "listen fd ", listener.ErrBacklog},
		{"no descriptor", on(-1), 0, 0, "listen fd -1", anything},
		{"a flag that does not exist", at(any), 1 << 15, -1, tcp + any, listener.ErrFlag},
		{"contradicting flags for exec", at(any), listener.CloseOnExec | listener.Inheritable, -1, tcp + any, listener.ErrFlag},
		{"contradicting flags for IPv6", at("[::1]:0"), listener.BindIPv6Only | listener.BindIPv4AndIPv6, -1, tcp, listener.ErrFlag},
		{"IPv6 only, and an IPv4 address", at(any), listener.BindIPv6Only, -1, tcp + any, listener.ErrFlag},
		{"IPv4 and IPv6, and an IPv4 address", at(any), listener.BindIPv4AndIPv6, -1, tcp + any, listener.ErrFlag},
		{"Reuseable for a socket that is bound", on(taken.FD()), listener.Reuseable, 0, "listen fd ", listener.ErrFlag},
		{"ReuseablePort for a socket that is bound", on(taken.FD()), listener.ReuseablePort, 0, "listen fd ", listener.ErrFlag},
		{"DeferredAccept for a socket that is bound", on(taken.FD()), listener.DeferredAccept, 0, "listen fd ", listener.ErrFlag},
		{"no locks", at(any), listener.ThreadSafe, -1, tcp + any, evthread.ErrNoLocks},
		{"an empty path", atPath(""), 0, -1, "listen unix ", anything},
		{"a path with a zero byte", atPath("a\x00b"), 0, -1, "listen unix ", anything},
		{"a path that is too long", atPath(strings.Repeat("x", 1000)), 0, -1, "listen unix xxx", anything},
		{"a folder that is none", atPath(filepath.Join(os.TempDir(), "no such folder", "s")), 0, -1, "listen unix ", anything},
		{"ReuseablePort for a Unix socket", atPath("s"), listener.ReuseablePort, -1, "listen unix s", listener.ErrFlag},
		{"DeferredAccept for a Unix socket", atPath("s"), listener.DeferredAccept, -1, "listen unix s", listener.ErrFlag},
		{"BindIPv6Only for a Unix socket", atPath("s"), listener.BindIPv6Only, -1, "listen unix s", listener.ErrFlag},
	}
	descriptors := evtest.Descriptors()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := tt.make(b, tt.flags, tt.backlog) // descriptors stay the test's
			if l != nil || err == nil {
				l.Free()
				t.Fatalf("got %v, %v", l, err)
			}
			if tt.want != anything {
				wantError(t, "error", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "listener: "+tt.object) {
				t.Errorf("error %q, want it to be about %q", err, tt.object)
			}
		})
	}
	_, err = at(any)(nil, 0, -1)
	wantError(t, "no base", err, event.ErrNil)
	_, err = listener.NewBind(b, netip.AddrPort{}, 0, -1, nil)
	if err == nil {
		t.Error("an invalid address is one to listen at")
	}
	want(t, "descriptors", evtest.Settled(evtest.Descriptors, descriptors), descriptors)
	runIdle(t, b)
	works(t, taken) // which nothing of this has disturbed
}

// Whatever step of making a socket fails, nothing is left behind.
func TestConstructorsCleanUp(t *testing.T) {
	t.Run("tcp", func(t *testing.T) { cleansUp(t, at("127.0.0.1:0")) })
	t.Run("unix", func(t *testing.T) {
		path := unixPath(t)
		cleansUp(t, atPath(path))
		exists(t, path, false)
	})
}

func cleansUp(t *testing.T, make func(*event.Base, listener.Flag, int) (*listener.Listener, error)) {
	t.Helper()
	b := evtest.Base(t)
	descriptors := evtest.Descriptors()
	broken := errors.New("broken")
	for _, op := range []sysio.Op{sysio.OpSocket, sysio.OpBind, sysio.OpListen} {
		restore := sysio.SetHook(func(c sysio.Call) (int, error) {
			if c.Op == op {
				return 0, broken
			}
			return c.Len, nil
		})
		_, err := make(b, 0, -1)
		restore()
		wantError(t, "constructor", err, broken)
	}
	want(t, "descriptors", evtest.Settled(evtest.Descriptors, descriptors), descriptors)
}

func TestNewTakesASocketOver(t *testing.T) {
	b := evtest.Base(t)
	first, err := listener.NewBind(b, loopback, 0, listener.DefaultBacklog, nil)
	ok(t, err)
	addr := first.Addr()
	first.Free() // and the socket stays open
	for _, backlog := range []int{0, 5, listener.DefaultBacklog} {
		l, err := listener.New(b, first.FD(), 0, backlog, nil)
		ok(t, err)
		want(t, "address", l.Addr().String(), addr.String())
		works(t, l)
		l.Free()
	}
	last, err := listener.New(b, first.FD(), listener.CloseOnFree, 0, nil)
	ok(t, err)
	last.Free()
	refused(t, addr)
}

// An address on which connections linger is only for those who do not mind.
func TestReuseable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("lingering connections are not in the way on Windows")
	}
	b := evtest.Base(t)
	first, err := listener.NewBind(b, loopback, listener.CloseOnFree|listener.Reuseable, -1, nil)
	ok(t, err)
	addr := first.AddrPort()
	var conn int
	ok(t, first.SetCallback(func(l *listener.Listener, fd int, _ netip.AddrPort) {
		conn = fd
		l.Base().LoopBreak()
	}))
	dial(t, first.Addr())
	run(t, b)
	defer evutil.CloseSocket(conn)
	first.Free()

	_, err = listener.NewBind(b, addr, listener.CloseOnFree, -1, nil)
	wantError(t, "without Reuseable", err, listener.ErrAddrInUse)
	second, err := listener.NewBind(b, addr, listener.CloseOnFree|listener.Reuseable, -1, nil)
	ok(t, err)
	works(t, second)
	second.Free()
}

func TestReuseablePort(t *testing.T) {
	b := evtest.Base(t)
	const flags = listener.CloseOnFree | listener.ReuseablePort
	first, err := listener.NewBind(b, loopback, flags, -1, nil)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	ok(t, err)
	defer first.Free()
	second, err := listener.NewBind(b, first.AddrPort(), flags, -1, nil)
	ok(t, err)
	defer second.Free()
	want(t, "address", second.AddrPort(), first.AddrPort())
	_, err = listener.NewBind(b, first.AddrPort(), listener.CloseOnFree, -1, nil)
	wantError(t, "without ReuseablePort", err, listener.ErrAddrInUse)
}

// With BindIPv6Only, the same port is there for IPv4.
func TestBindIPv6Only(t *testing.T) {
	b := evtest.Base(t)
	bindBoth := func() error {
		six, err := listener.NewBind(b, netip.MustParseAddrPort("[::]:0"), listener.CloseOnFree|listener.BindIPv6Only, -1, nil)
		if err != nil {
			t.Skip(err)
		}
		defer six.Free()
		any := netip.AddrPortFrom(netip.IPv4Unspecified(), six.AddrPort().Port())
		four, err := listener.NewBind(b, any, listener.CloseOnFree, -1, nil)
		if err == nil {
			four.Free()
		}
		return err
	}
	err := bindBoth()
	for tries := 1; tries < 10 && errors.Is(err, listener.ErrAddrInUse); tries++ {
		err = bindBoth() // another program may have the port
	}
	ok(t, err)
}
