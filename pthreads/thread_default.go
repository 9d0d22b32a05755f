//go:build !(darwin || dragonfly || freebsd || linux || netbsd || windows)

package pthreads

import "github.com/go-libevent/libevent/core/evthread"

// threadID returns the identity of the calling goroutine. These systems do not
// tell Go the number of a thread: OpenBSD, Solaris and illumos let only their C
// library make system calls, and it takes cgo to ask it. A goroutine that holds
// a lock or is otherwise pinned has its thread to itself, so its identity serves
// as the thread's; the one difference to be seen is that a goroutine which is
// not pinned keeps its identity when it moves to another thread.
func threadID() uint64 { return uint64(evthread.Goroutine()) }
