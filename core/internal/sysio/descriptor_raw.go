//go:build linux || freebsd || netbsd || dragonfly

package sysio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Pointers become uintptr in the argument list of functions written in
// assembly, so that the compiler keeps what they point to alive and in place.
// The kernel keeps none of them after the call. Slices are never empty.

const (
	recvFlags = unix.MSG_DONTWAIT
	sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
)

// recv does not enter the system call through the runtime, because it never waits.
func recv(fd int, bufs [][]byte) (int, error) {
	if len(bufs) > 1 {
		return recvmsg(fd, bufs)
	}
	p := bufs[0]
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), recvFlags, 0, 0)
	return socketResult(n, errno)
}

func recvmsg(fd int, bufs [][]byte) (int, error) {
	var vecs [MaxVectors]unix.Iovec
	var msg unix.Msghdr
	msg.Iov = &vecs[0]
	msg.SetIovlen(fill(&vecs, bufs))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&msg)), recvFlags)
	return socketResult(n, errno)
}

func send(fd int, bufs [][]byte) (int, error) {
	if len(bufs) > 1 {
		return sendmsg(fd, bufs)
	}
	p := bufs[0]
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), sendFlags, 0, 0)
	return socketResult(n, errno)
}

func sendmsg(fd int, bufs [][]byte) (int, error) {
	var vecs [MaxVectors]unix.Iovec
	var msg unix.Msghdr
	msg.Iov = &vecs[0]
	msg.SetIovlen(fill(&vecs, bufs))
	n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&msg)), sendFlags)
	return socketResult(n, errno)
}

// socketResult makes a socket look like none where Linux lacks these calls,
// which is before 4.3 on 386 and s390x: read and write do there.
func socketResult(n uintptr, errno unix.Errno) (int, error) {
	if errno == unix.ENOSYS {
		return 0, ErrNotSocket
	}
	return result(n, errno)
}

func read(fd int, bufs [][]byte) (int, error) {
	if len(bufs) > 1 {
		return readv(fd, bufs)
	}
	p := bufs[0]
	n, _, errno := unix.Syscall(unix.SYS_READ, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, errno)
}

func readv(fd int, bufs [][]byte) (int, error) {
	var vecs [MaxVectors]unix.Iovec
	count := fill(&vecs, bufs)
	n, _, errno := unix.Syscall(unix.SYS_READV, uintptr(fd),
		uintptr(unsafe.Pointer(&vecs[0])), uintptr(count))
	return result(n, errno)
}

func write(fd int, bufs [][]byte) (int, error) {
	if len(bufs) > 1 {
		return writev(fd, bufs)
	}
	p := bufs[0]
	n, _, errno := unix.Syscall(unix.SYS_WRITE, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, errno)
}

func writev(fd int, bufs [][]byte) (int, error) {
	var vecs [MaxVectors]unix.Iovec
	count := fill(&vecs, bufs)
	n, _, errno := unix.Syscall(unix.SYS_WRITEV, uintptr(fd),
		uintptr(unsafe.Pointer(&vecs[0])), uintptr(count))
	return result(n, errno)
}

// fill makes vecs describe bufs and returns their number.
func fill(vecs *[MaxVectors]unix.Iovec, bufs [][]byte) int {
	for i, b := range bufs {
		vecs[i].Base = &b[0]
		vecs[i].SetLen(len(b))
	}
	return len(bufs)
}

func result(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
