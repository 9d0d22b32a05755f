//go:build dragonfly || freebsd || illumos || linux || netbsd || openbsd

package pthreads

import "syscall"

// accept accepts a connection, non-blocking and close-on-exec from the start.
// Package syscall has accept4 where x/sys lacks it.
func accept(listener int) (fd int, peer syscall.Sockaddr, err error) {
	return syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
}
