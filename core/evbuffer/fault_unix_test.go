//go:build unix

package evbuffer

import "syscall"

var interrupted error = syscall.EINTR
