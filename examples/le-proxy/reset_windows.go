package main

import "syscall"

// resetOnClose has a socket reset its connection when it is closed. An error,
// as there is without a connection, does not matter.
func resetOnClose(fd int) {
	_ = syscall.SetsockoptLinger(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}) // there may be no connection
}
