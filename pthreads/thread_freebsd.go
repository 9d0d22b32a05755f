package pthreads

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// threadID returns the kernel's number of the calling thread.
func threadID() uint64 {
	var id int // C's long; the kernel writes it before the call returns
	unix.RawSyscall(unix.SYS_THR_SELF, uintptr(unsafe.Pointer(&id)), 0, 0)
	return uint64(id)
}
