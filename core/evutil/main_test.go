package evutil_test

import (
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// TestMain makes the runtime and Winsock open what they keep open, so that
// tests can count descriptors.
func TestMain(m *testing.M) {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	if fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{Blocking: true}); err == nil {
		evutil.CloseSocket(fd)
	}
	os.Exit(m.Run())
}

// closeLater closes a descriptor at the end of the test.
func closeLater(t *testing.T, fds ...int) {
	t.Helper()
	t.Cleanup(func() {
		for _, fd := range fds {
			if err := evutil.CloseSocket(fd); err != nil {
				t.Error(err)
			}
		}
	})
}

// newSocket returns a blocking TCP socket that lives as long as the test.
func newSocket(t *testing.T) int {
	t.Helper()
	fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{Blocking: true})
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, fd)
	return fd
}

func option(t *testing.T, fd, level, option int) int {
	t.Helper()
	value, err := sysio.Option(fd, level, option)
	if err != nil {
		t.Fatalf("getsockopt %d fd %d: %v", option, fd, err)
	}
	return value
}

// bindLoopback binds a socket to a free port of 127.0.0.1.
func bindLoopback(t *testing.T, fd int) {
	t.Helper()
	sa, err := evutil.AddrPortToSockaddr(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sysio.Bind(fd, sa); err != nil {
		t.Fatal(err)
	}
}

// addrOf returns the address of a socket that name, which is sysio.Sockname or
// sysio.Peername, tells.
func addrOf(t *testing.T, fd int, name func(fd int) (evutil.Sockaddr, error)) netip.AddrPort {
	t.Helper()
	sa, err := name(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := evutil.SockaddrToAddrPort(sa)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// closePair closes what there is of a pair.
func closePair(pair [2]int) {
	evutil.CloseSocket(pair[0])
	evutil.CloseSocket(pair[1])
}
