//go:build unix

package event_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// manyPairs is how many connections the test of very many descriptors makes.
const manyPairs = 5000

func sysPair() (a, b int, err error) {
	p, err := sysio.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	return p[0], p[1], err
}

// private makes fd not block, and not survive in a child process.
func private(fd int) error {
	unix.CloseOnExec(fd)
	return unix.SetNonblock(fd, true)
}

func sysClose(fd int) error                     { return sysio.CloseSocket(fd) }
func sysRead(fd int, buf []byte) (int, error)   { return sysio.Read(fd, [][]byte{buf}) }
func sysWrite(fd int, data []byte) (int, error) { return sysio.Write(fd, [][]byte{data}) }
func sysShutdown(fd int) error                  { return sysio.ShutdownWrite(fd) }
func wouldBlock(err error) bool                 { return errors.Is(err, unix.EAGAIN) }

// canSimulate says whether a simulated network is one of the backends. It is the same
// on all systems.
const canSimulate = true

func sysPeek(fd int, buf []byte) (int, error) {
	n, _, err := unix.Recvfrom(fd, buf, unix.MSG_PEEK)
	return n, err
}

// refusedConnection returns a socket that was made to connect to where nobody
// listens.
func refusedConnection(t testing.TB) int {
	t.Helper()
	_, nobody := boundSocket(t)
	fd, _ := boundSocket(t)
	err := sysio.Connect(fd, nobody)
	if err == nil {
		t.Fatal("connected to a socket that does not listen")
	}
	return fd
}

// boundSocket returns a socket with an address of its own.
func boundSocket(t testing.TB) (int, unix.Sockaddr) {
	t.Helper()
	fd, err := sysio.Socket(unix.AF_INET, sysio.Mode{})
	ok(t, err)
	owned(t, fd)
	ok(t, sysio.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	addr, err := sysio.Sockname(fd)
	ok(t, err)
	return fd, addr
}

// allowDescriptors lets the process open n more descriptors, or skips the test.
func allowDescriptors(t testing.TB, n int) {
	t.Helper()
	var lim unix.Rlimit
	ok(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &lim))
	need := uint64(n + 100)
	if uint64(lim.Cur) >= need {
		return
	}
	if uint64(lim.Max) < need {
		t.Skipf("the system allows %d descriptors, the test needs %d", uint64(lim.Max), need)
	}
	lim.Cur = lim.Max
	ok(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &lim))
}

// blockingFD returns a socket in blocking mode, and whether the system tells.
func blockingFD(t testing.TB) (fd int, tells bool) {
	t.Helper()
	fd, _ = socketPair(t)
	ok(t, unix.SetNonblock(fd, false))
	return fd, true
}

// emulator returns the name of what runs this program, or "" for the system
// that it was built for.
func emulator() string {
	name, _ := os.ReadFile("/proc/self/comm")
	if bytes.HasPrefix(name, []byte("qemu-")) {
		return "qemu"
	}
	return ""
}
