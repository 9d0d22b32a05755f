//go:build unix

package evbuffer_test

import "syscall"

var interrupted error = syscall.EINTR
