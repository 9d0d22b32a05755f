//go:build unix

package datagram_test

import "golang.org/x/sys/unix"

// interrupted is what calls say that a signal has ended.
var interrupted error = unix.EINTR
