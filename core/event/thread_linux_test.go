package event_test

import "golang.org/x/sys/unix"

// thread returns the number of the calling thread.
func thread() uint64 { return uint64(unix.Gettid()) }
