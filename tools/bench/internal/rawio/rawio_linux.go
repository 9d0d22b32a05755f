package rawio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read reads into p, which is not empty.
func Read(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, errno)
}

// Write writes some of p, which is not empty.
func Write(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, errno)
}

// Discard receives up to n bytes of a TCP socket without copying them.
func Discard(fd, n int) (int, unix.Errno) {
	var none [1]byte // an address that the kernel will not write to
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&none[0])),
		uintptr(n), unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
	return result(r, errno)
}

// Accept accepts a connection, which does not block.
func Accept(listener int) (int, unix.Errno) {
	fd, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return result(fd, errno)
}

// Close closes a descriptor.
func Close(fd int) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	return errno
}

// result makes the result of a call that failed harmless.
func result(n uintptr, errno unix.Errno) (int, unix.Errno) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
