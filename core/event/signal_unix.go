//go:build !windows

package event

import "syscall"

// uncatchable reports whether no process can catch sig.
func uncatchable(sig syscall.Signal) bool {
	return sig == syscall.SIGKILL || sig == syscall.SIGSTOP
}
