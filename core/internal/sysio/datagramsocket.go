package sysio

import "syscall"

// SetReceiveBuffer asks for a buffer of n bytes for what has arrived at a socket
// and was not received yet.
func SetReceiveBuffer(fd, n int) error { return setBuffer(fd, syscall.SO_RCVBUF, n) }

// SetSendBuffer asks for a buffer of n bytes for what was sent by a socket and
// is not on its way yet.
func SetSendBuffer(fd, n int) error { return setBuffer(fd, syscall.SO_SNDBUF, n) }
