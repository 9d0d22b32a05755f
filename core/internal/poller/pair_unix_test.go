//go:build unix

package poller

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// testFDs has the descriptors that the tests have open.
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
	sysio.CloseSocket(fd)
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

// listen returns a socket that listens on a free port, and its address.
func listen(t testing.TB) (int, unix.Sockaddr) {
	t.Helper()
	fd := tcpSocket(t)
	if err := sysio.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatalf("bind: %v", err)
	}
	if err := sysio.Listen(fd, 1); err != nil {
		t.Fatalf("listen: %v", err)
	}
	at, err := sysio.Sockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, at
}

// tcpSocket returns a socket that does not block.
func tcpSocket(t testing.TB) int {
	t.Helper()
	fd, err := sysio.Socket(unix.AF_INET, sysio.Mode{})
	if err != nil {
		t.Fatalf("socket: %v", err)
	}
	closeAtEnd(t, fd)
	return fd
}

// pipePair returns the ends of a pipe that do not block.
func pipePair(t testing.TB) (reader, writer int) {
	t.Helper()
	needsKernel(t)
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatalf("pipe: %v", err)
	}
	for _, fd := range p {
		unix.CloseOnExec(fd)
		closeAtEnd(t, fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return p[0], p[1]
}

// writeFD writes as much of b as fd takes without blocking.
func writeFD(t testing.TB, fd int, b []byte) int {
	t.Helper()
	n, err := sysio.Write(fd, [][]byte{b})
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		t.Fatalf("write fd %d: %v", fd, err)
	}
	return max(n, 0)
}

// readFD reads what there is into b and returns its length, zero if there is
// nothing.
func readFD(t testing.TB, fd int, b []byte) int {
	t.Helper()
	n, err := sysio.Read(fd, [][]byte{b})
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		t.Fatalf("read fd %d: %v", fd, err)
	}
	return max(n, 0)
}
