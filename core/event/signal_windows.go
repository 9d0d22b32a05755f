package event

import "syscall"

// uncatchable reports whether Go cannot deliver sig: on Windows it knows the
// console's interrupt and the requests to end.
func uncatchable(sig syscall.Signal) bool {
	return sig != syscall.SIGINT && sig != syscall.SIGTERM
}

const lastSignal = syscall.SIGTERM
