//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package event

// The highest signal number that Go knows: more than the traditional ones exist
// on some of these systems, but it cannot deliver them. None is reserved.
const (
	lastSignal    = 31
	firstReserved = 0
	lastReserved  = 0
)
