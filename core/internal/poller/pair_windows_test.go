package poller

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/windows"
)

// testFDs has the sockets that the tests have open.
var testFDs = make(map[int]bool)

// closeAtEnd leaves fd to closeFD, or else to the end of the test.
func closeAtEnd(t testing.TB, fd int) {
	testFDs[fd] = true
	t.Cleanup(func() {
		if testFDs[fd] {
			closeFD(fd)
		}
	})
}

func closeFD(fd int) {
	delete(testFDs, fd)
	windows.Closesocket(windows.Handle(fd))
}

// socketPair returns two connected TCP sockets that do not block. They are
// closed at the end of the test unless closeFD did so before.
func socketPair(t testing.TB) (a, b int) {
	t.Helper()
	pair, err := sysio.LoopbackPair()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, pair[0])
	closeAtEnd(t, pair[1])
	return pair[0], pair[1]
}

// newSocket returns a TCP socket that does not block.
func newSocket(t testing.TB) int {
	t.Helper()
	fd, err := sysio.Socket(windows.AF_INET, sysio.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	return fd
}

// listen returns a socket that listens on a free port, and its address.
func listen(t testing.TB) (int, sysio.Sockaddr) {
	t.Helper()
	l := newSocket(t)
	if err := sysio.Bind(l, &windows.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := sysio.Listen(l, -1); err != nil {
		t.Fatal(err)
	}
	at, err := sysio.Sockname(l)
	if err != nil {
		t.Fatal(err)
	}
	return l, at
}

// connectTo returns a socket that does not block and has begun to connect.
func connectTo(t testing.TB, at sysio.Sockaddr) int {
	t.Helper()
	s := newSocket(t)
	if _, err := sysio.StartConnect(s, at); err != nil {
		t.Fatalf("connect: %v", err)
	}
	return s
}

// writeFD writes as much of b as fd takes without blocking.
func writeFD(t testing.TB, fd int, b []byte) int {
	t.Helper()
	n, err := send(fd, b, 0)
	if err != nil && !errors.Is(err, windows.WSAEWOULDBLOCK) {
		t.Fatalf("send fd %d: %v", fd, err)
	}
	return n
}

// readFD reads what there is into b and returns its length, zero if there is
// nothing.
func readFD(t testing.TB, fd int, b []byte) int {
	t.Helper()
	n, err := recv(fd, b)
	if err != nil && !errors.Is(err, windows.WSAEWOULDBLOCK) {
		t.Fatalf("recv fd %d: %v", fd, err)
	}
	return n
}

func send(fd int, b []byte, flags uint32) (int, error) {
	buf := windows.WSABuf{Len: uint32(len(b)), Buf: &b[0]}
	var n uint32
	err := windows.WSASend(windows.Handle(fd), &buf, 1, &n, flags, nil, nil)
	return int(n), err
}

func recv(fd int, b []byte) (int, error) {
	buf := windows.WSABuf{Len: uint32(len(b)), Buf: &b[0]}
	var n, flags uint32
	err := windows.WSARecv(windows.Handle(fd), &buf, 1, &n, &flags, nil, nil)
	return int(n), err
}
