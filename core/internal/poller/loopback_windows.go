package poller

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// loopbackPair returns the two ends of a TCP connection on the loopback
// interface, which is what Windows has in the place of socketpair. They do not
// block and delay nothing.
func loopbackPair() (a, b windows.Handle, err error) {
	l, addr, err := listenLoopback()
	if err != nil {
		return 0, 0, err
	}
	defer windows.Closesocket(l)
	if a, err = newSocket(); err != nil {
		return 0, 0, err
	}
	defer closeOnError(a, &err)
	if err = windows.Connect(a, addr); err != nil {
		return 0, 0, os.NewSyscallError("connect", err)
	}
	if b, err = acceptFrom(l, a); err != nil {
		return 0, 0, err
	}
	defer closeOnError(b, &err)
	for _, s := range [...]windows.Handle{a, b} {
		if err = prepareEnd(s); err != nil {
			return 0, 0, err
		}
	}
	return a, b, nil
}

func closeOnError(s windows.Handle, err *error) {
	if *err != nil {
		windows.Closesocket(s)
	}
}

// startWinsock makes Winsock usable. The operating system counts the calls, so
// that others in the process may have made it before or make it later.
var startWinsock = sync.OnceValue(func() error {
	const version = 0x0202
	var data windows.WSAData
	return os.NewSyscallError("WSAStartup", windows.WSAStartup(version, &data))
})

// newSocket returns a TCP socket that child processes do not inherit.
func newSocket() (windows.Handle, error) {
	if err := startWinsock(); err != nil {
		return 0, err
	}
	s, err := windows.WSASocket(windows.AF_INET, windows.SOCK_STREAM, windows.IPPROTO_TCP, nil, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
	return s, os.NewSyscallError("WSASocket", err)
}

// listenLoopback listens on a free port.
func listenLoopback() (windows.Handle, windows.Sockaddr, error) {
	l, err := newSocket()
	if err != nil {
		return 0, nil, err
	}
	addr, err := bindLoopback(l)
	if err != nil {
		windows.Closesocket(l)
		return 0, nil, err
	}
	return l, addr, nil
}

func bindLoopback(l windows.Handle) (windows.Sockaddr, error) {
	if err := windows.Bind(l, &windows.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := windows.Listen(l, windows.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	addr, err := windows.Getsockname(l)
	return addr, os.NewSyscallError("getsockname", err)
}

// acceptFrom accepts the connection that peer has made. Others, which any
// process on the machine may make, are closed.
func acceptFrom(l, peer windows.Handle) (windows.Handle, error) {
	want, err := windows.Getsockname(peer)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	for {
		s, err := accept(l)
		if err != nil {
			return 0, err
		}
		from, err := windows.Getpeername(s)
		if err == nil && *from.(*windows.SockaddrInet4) == *want.(*windows.SockaddrInet4) {
			return s, nil
		}
		windows.Closesocket(s)
	}
}

var (
	ws2_32     = windows.NewLazySystemDLL("ws2_32.dll")
	procAccept = ws2_32.NewProc("accept")
)

func accept(l windows.Handle) (windows.Handle, error) {
	r, _, errno := syscall.SyscallN(procAccept.Addr(), uintptr(l), 0, 0)
	if s := windows.Handle(r); s != windows.InvalidHandle {
		return s, nil
	}
	return 0, os.NewSyscallError("accept", errno)
}

func prepareEnd(s windows.Handle) error {
	windows.CloseOnExec(s)
	if err := windows.SetsockoptInt(s, windows.IPPROTO_TCP, windows.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt TCP_NODELAY", err)
	}
	return setNonblock(s)
}

func setNonblock(s windows.Handle) error {
	const fionbio = 0x8004667e
	on, n := uint32(1), uint32(0)
	err := windows.WSAIoctl(s, fionbio, (*byte)(unsafe.Pointer(&on)), 4, nil, 0, &n, nil, 0)
	return os.NewSyscallError("WSAIoctl FIONBIO", err)
}
