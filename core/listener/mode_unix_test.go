//go:build unix

package listener_test

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"golang.org/x/sys/unix"
)

// mode is what the system knows about a descriptor.
type mode struct{ blocking, inheritable bool }

func modeOf(t testing.TB, fd int) mode {
	t.Helper()
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	ok(t, err)
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	ok(t, err)
	return mode{status&unix.O_NONBLOCK == 0, flags&unix.FD_CLOEXEC == 0}
}

// acceptsWithMode checks the mode of a listener's connections.
func acceptsWithMode(t *testing.T, l *listener.Listener, wanted mode) {
	t.Helper()
	var got mode
	ok(t, l.SetCallback(func(l *listener.Listener, fd int, _ netip.AddrPort) {
		got = modeOf(t, fd)
		evutil.CloseSocket(fd)
		l.Base().LoopBreak()
	}))
	dial(t, l.Addr())
	run(t, l.Base())
	want(t, "mode of a connection", got, wanted)
}

func TestModeOfSocketsThatAreBound(t *testing.T) {
	tests := []struct {
		name       string
		flags      listener.Flag
		listener   mode
		connection mode
	}{
		{"by default", 0, mode{}, mode{}},
		{"CloseOnExec", listener.CloseOnExec, mode{}, mode{}},
		{"LeaveSocketsBlocking", listener.LeaveSocketsBlocking, mode{}, mode{blocking: true}},
		{"Inheritable", listener.Inheritable, mode{inheritable: true}, mode{inheritable: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := bind(t, evtest.Base(t), tt.flags, nil)
			want(t, "mode of the listener", modeOf(t, l.FD()), tt.listener)
			acceptsWithMode(t, l, tt.connection)
		})
	}
}

// New leaves alone what it was not asked to change, except that the socket must
// not block.
func TestModeOfSocketsThatAreTakenOver(t *testing.T) {
	tests := []struct {
		name       string
		flags      listener.Flag
		listener   mode
		connection mode
	}{
		{"by default", 0, mode{inheritable: true}, mode{}},
		{"CloseOnExec", listener.CloseOnExec, mode{}, mode{}},
		{"Inheritable", listener.Inheritable, mode{inheritable: true}, mode{inheritable: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fd, err := unix.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0) // blocking, inheritable
			ok(t, err)
			ok(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback.Addr().As4()}))
			l, err := listener.New(evtest.Base(t), fd, tt.flags|listener.CloseOnFree, 5, nil)
			ok(t, err)
			defer l.Free()
			want(t, "mode of the listener", modeOf(t, fd), tt.listener)
			acceptsWithMode(t, l, tt.connection)
		})
	}
}
