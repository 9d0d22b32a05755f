//go:build dragonfly || freebsd || netbsd

package poller

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// keventNow asks what is ready now. As a raw system call it costs the Go
// scheduler nothing.
func keventNow(kq int, buf []kevent) (int, error) {
	var now unix.Timespec
	n, _, errno := unix.RawSyscall6(unix.SYS_KEVENT, uintptr(kq), 0, 0,
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(unsafe.Pointer(&now)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
