package pthreads

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// threadID returns the kernel's number of the calling thread.
func threadID() uint64 {
	var id int                                                                       // C's long; the kernel writes it before the call returns
	_, _, _ = unix.RawSyscall(unix.SYS_THR_SELF, uintptr(unsafe.Pointer(&id)), 0, 0) // it cannot fail
	return uint64(id)
}
