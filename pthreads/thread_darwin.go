package pthreads

import "golang.org/x/sys/unix"

// threadID returns the kernel's number of the calling thread. It asks the
// kernel what pthread_threadid_np would ask it; that function itself cannot be
// called without cgo.
func threadID() uint64 {
	id, _, _ := unix.RawSyscall(unix.SYS_THREAD_SELFID, 0, 0, 0)
	return uint64(id)
}
