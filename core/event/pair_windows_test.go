package event_test

import (
	"errors"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// manyPairs is how many connections the test of very many descriptors makes.
// They are TCP connections here, which are slow to make.
const manyPairs = 500

// sysPair connects two sockets over the loopback interface.
func sysPair() (a, b int, err error) {
	l, addr, err := listenSocket()
	if err != nil {
		return 0, 0, err
	}
	defer windows.Closesocket(l)
	c, err := newSocket()
	if err != nil {
		return 0, 0, err
	}
	if err := windows.Connect(c, addr); err != nil {
		windows.Closesocket(c)
		return 0, 0, err
	}
	r, _, errno := procAccept.Call(uintptr(l), 0, 0)
	s := windows.Handle(r)
	if s == windows.InvalidHandle {
		windows.Closesocket(c)
		return 0, 0, errno
	}
	return int(c), int(s), errors.Join(private(c), private(s))
}

var procAccept = syscall.NewLazyDLL("ws2_32.dll").NewProc("accept")

// newSocket returns a TCP socket after it has made sure that Winsock is
// started.
func newSocket() (windows.Handle, error) {
	if err := windows.WSAStartup(0x202, new(windows.WSAData)); err != nil {
		return 0, err
	}
	return windows.WSASocket(windows.AF_INET, windows.SOCK_STREAM, windows.IPPROTO_TCP, nil, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
}

// boundSocket returns a socket with an address of its own.
func boundSocket() (windows.Handle, windows.Sockaddr, error) {
	s, err := newSocket()
	if err != nil {
		return 0, nil, err
	}
	if err := windows.Bind(s, &windows.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		windows.Closesocket(s)
		return 0, nil, err
	}
	addr, err := windows.Getsockname(s)
	return s, addr, err
}

func listenSocket() (windows.Handle, windows.Sockaddr, error) {
	s, addr, err := boundSocket()
	if err != nil {
		return 0, nil, err
	}
	return s, addr, windows.Listen(s, windows.SOMAXCONN)
}

// private makes s not block, nor wait for more data before it sends some.
func private(s windows.Handle) error {
	const fionbio = 0x8004667e
	on, n := uint32(1), uint32(0)
	return errors.Join(
		windows.WSAIoctl(s, fionbio, (*byte)(unsafe.Pointer(&on)), 4, nil, 0, &n, nil, 0),
		windows.SetsockoptInt(s, windows.IPPROTO_TCP, windows.TCP_NODELAY, 1))
}

func sysClose(fd int) error    { return windows.Closesocket(windows.Handle(fd)) }
func sysShutdown(fd int) error { return windows.Shutdown(windows.Handle(fd), windows.SHUT_WR) }

func sysRead(fd int, buf []byte) (int, error) { return receive(fd, buf, 0) }
func sysPeek(fd int, buf []byte) (int, error) { return receive(fd, buf, windows.MSG_PEEK) }

func receive(fd int, buf []byte, flags uint32) (int, error) {
	to := windows.WSABuf{Len: uint32(len(buf)), Buf: &buf[0]}
	var n uint32
	err := windows.WSARecv(windows.Handle(fd), &to, 1, &n, &flags, nil, nil)
	return int(n), err
}

func sysWrite(fd int, data []byte) (int, error) {
	from := windows.WSABuf{Len: uint32(len(data)), Buf: &data[0]}
	var n uint32
	err := windows.WSASend(windows.Handle(fd), &from, 1, &n, 0, nil, nil)
	return int(n), err
}

func wouldBlock(err error) bool { return errors.Is(err, windows.WSAEWOULDBLOCK) }

// refusedConnection returns a socket that was made to connect to where nobody
// listens.
func refusedConnection(t testing.TB) int {
	t.Helper()
	nobody, addr, err := boundSocket()
	ok(t, err)
	owned(t, int(nobody))
	s, err := newSocket()
	ok(t, err)
	owned(t, int(s))
	ok(t, private(s))
	if err := windows.Connect(s, addr); !wouldBlock(err) {
		t.Fatalf("connect to a socket that does not listen: %v", err)
	}
	return int(s)
}

// allowDescriptors has nothing to do: Windows has no such limit.
func allowDescriptors(testing.TB, int) {}

// blockingFD returns a socket in blocking mode, and whether the system tells.
func blockingFD(testing.TB) (fd int, tells bool) { return -1, false }

// emulator returns the name of what runs this program, or "" for the system
// that it was built for.
func emulator() string {
	if syscall.NewLazyDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		return "Wine"
	}
	return ""
}

// canSimulate says whether a simulated network is one of the backends. It is the same
// on all systems.
const canSimulate = false
