package sysio

import (
	"net/netip"
	"syscall"
	"testing"
)

// newSocket returns a socket that is closed at the end of the test.
func newSocket(t testing.TB, family int, mode Mode) int {
	t.Helper()
	startWinsock(t)
	fd, err := Socket(family, mode)
	ok(t, err)
	t.Cleanup(func() { CloseSocket(fd) })
	return fd
}

// startWinsock has evutil do what a base does.
func startWinsock(t testing.TB) { socketPair(t) }

// newListener returns a listener at an address, and where that is.
func newListener(t testing.TB, addr string) (int, netip.AddrPort) {
	t.Helper()
	at := netip.MustParseAddrPort(addr)
	family := syscall.AF_INET
	if at.Addr().Is6() {
		family = syscall.AF_INET6
	}
	fd := newSocket(t, family, Mode{})
	sa, err := AddrPortToSockaddr(at)
	ok(t, err)
	if err := Bind(fd, sa); err != nil {
		t.Skip(addr, ": ", err)
	}
	ok(t, Listen(fd, -1))
	return fd, addrOf(t, fd)
}

func addrOf(t testing.TB, fd int) netip.AddrPort {
	t.Helper()
	sa, err := Sockname(fd)
	ok(t, err)
	addr, err := SockaddrToAddrPort(sa)
	ok(t, err)
	return addr
}

// connectTo returns a socket that is connected, or about to be.
func connectTo(t testing.TB, addr netip.AddrPort) int {
	t.Helper()
	family := syscall.AF_INET
	if addr.Addr().Is6() {
		family = syscall.AF_INET6
	}
	fd := newSocket(t, family, Mode{Blocking: true})
	sa, err := AddrPortToSockaddr(addr)
	ok(t, err)
	ok(t, Connect(fd, sa))
	return fd
}

func TestAcceptTellsThePeer(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			listener, addr := newListener(t, at)
			_, _, err := Accept(listener, Mode{})
			want(t, "without a connection", err, ErrAgain)
			client := connectTo(t, addr)
			fd, peer, err := Accept(listener, Mode{})
			ok(t, err)
			defer CloseSocket(fd)
			want(t, "peer", peer, addrOf(t, client))
			_, err = Recv(fd, pieces("....", 4))
			want(t, "Recv from the connection", err, ErrAgain)
		})
	}
}

func TestIPv4PeersOfIPv6SocketsAreIPv4(t *testing.T) {
	fd := newSocket(t, syscall.AF_INET6, Mode{})
	if err := SetOption(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0); err != nil {
		t.Skip(err)
	}
	sa, err := AddrPortToSockaddr(netip.MustParseAddrPort("[::]:0"))
	ok(t, err)
	if err := Bind(fd, sa); err != nil {
		t.Skip(err)
	}
	ok(t, Listen(fd, 1))
	client := connectTo(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), addrOf(t, fd).Port()))
	conn, peer, err := Accept(fd, Mode{})
	ok(t, err)
	defer CloseSocket(conn)
	want(t, "peer", peer, addrOf(t, client))
}

func TestListeningSocketsListen(t *testing.T) {
	listener, addr := newListener(t, "127.0.0.1:0")
	yes, err := Listening(listener)
	ok(t, err)
	want(t, "a listener listens", yes, true)
	yes, err = Listening(connectTo(t, addr))
	ok(t, err)
	want(t, "a connection listens", yes, false)
}

// macOS has no option that tells.
func TestListeningWhereTheSystemDoesNotTell(t *testing.T) {
	listener, addr := newListener(t, "127.0.0.1:0")
	conn := connectTo(t, addr)
	defer SetHook(func(c Call) (int, error) {
		if c.Op == OpOption {
			return 0, ErrNoOption
		}
		return c.Len, nil
	})()
	for _, test := range []struct {
		name string
		fd   int
		want bool
	}{
		{"a listener", listener, true},
		{"a connection", conn, false},
	} {
		yes, err := Listening(test.fd)
		ok(t, err)
		want(t, test.name+" listens", yes, test.want)
	}
}

func TestAddressesInUseAreTold(t *testing.T) {
	listener, _ := newListener(t, "127.0.0.1:0")
	sa, err := Sockname(listener)
	ok(t, err)
	want(t, "Bind", Bind(newSocket(t, syscall.AF_INET, Mode{}), sa), ErrAddrInUse)
}

func TestAcceptIsMadeAgainIfInterrupted(t *testing.T) {
	listener, addr := newListener(t, "127.0.0.1:0")
	connectTo(t, addr)
	attempts := 0
	defer SetHook(func(c Call) (int, error) {
		if c.Op != OpAccept {
			return c.Len, nil
		}
		attempts++
		if attempts < 5 {
			return 0, ErrInterrupted
		}
		return 1, nil
	})()
	fd, _, err := Accept(listener, Mode{})
	ok(t, err)
	CloseSocket(fd)
	want(t, "attempts", attempts, 5)
}

func TestCloseSocketClosesOnce(t *testing.T) {
	startWinsock(t)
	fd, err := Socket(syscall.AF_INET, Mode{})
	ok(t, err)
	ok(t, CloseSocket(fd))
	if err := CloseSocket(fd); err == nil {
		t.Error("closed again without an error")
	}
}
