//go:build linux || freebsd || netbsd || dragonfly

package sysio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a server does once a connection is not entered through the runtime, because
// it does not wait. Entering through the runtime wakes the scheduler's monitor, which
// sleeps while a program has nothing to do, and then polls many times before it
// sleeps again: one more thread for a processor that has work.

func setNoDelay(fd int) error {
	on := int32(1)
	_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY,
		uintptr(unsafe.Pointer(&on)), unsafe.Sizeof(on), 0)
	if errno == unix.ENOSYS { // see socketResult
		return setOption(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	_, err := result(0, errno)
	return err
}

func closeSocket(fd int) error {
	if lingers(fd) {
		return closeResult(unix.Close(fd))
	}
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	_, err := result(0, errno)
	return closeResult(err)
}

// lingers reports whether closing a descriptor may take time: that of a socket
// that then waits for its peer to take everything, or of something else.
func lingers(fd int) bool {
	var l unix.Linger
	size := uint32(unsafe.Sizeof(l))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER,
		uintptr(unsafe.Pointer(&l)), uintptr(unsafe.Pointer(&size)), 0)
	return errno != 0 || l.Onoff != 0 && l.Linger != 0
}
