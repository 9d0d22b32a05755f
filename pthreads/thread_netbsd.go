package pthreads

import "golang.org/x/sys/unix"

// threadID returns the number of the calling thread within its process.
func threadID() uint64 {
	id, _, _ := unix.RawSyscall(unix.SYS__LWP_SELF, 0, 0, 0)
	return uint64(id)
}
