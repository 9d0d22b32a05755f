//go:build !windows

package event

import "syscall"

// uncatchable reports whether no process can catch sig, or Go handles it
// itself and never delivers it.
func uncatchable(sig syscall.Signal) bool {
	return sig == syscall.SIGKILL || sig == syscall.SIGSTOP || firstReserved <= sig && sig <= lastReserved
}
