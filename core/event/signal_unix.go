//go:build !windows

package event

import "syscall"

// uncatchable reports whether no process can catch sig, or Go keeps it to
// itself and delivers it to nobody.
func uncatchable(sig syscall.Signal) bool {
	return sig == syscall.SIGKILL || sig == syscall.SIGSTOP || firstReserved <= sig && sig <= lastReserved
}
