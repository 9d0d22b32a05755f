package pthreads

import "golang.org/x/sys/windows"

// threadID returns the system's number of the calling thread.
func threadID() uint64 { return uint64(windows.GetCurrentThreadId()) }
