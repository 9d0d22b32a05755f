//go:build unix && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package poller

import "golang.org/x/sys/unix"

// selectLimit is the number of descriptors that select can watch. Here the C
// library, through which every system call goes, refuses more.
const selectLimit = unix.FD_SETSIZE
