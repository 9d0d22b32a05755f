package pthreads

import "golang.org/x/sys/unix"

// threadID returns the kernel's number of the calling thread.
func threadID() uint64 { return uint64(unix.Gettid()) }
