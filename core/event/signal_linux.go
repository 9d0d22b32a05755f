package event

// The highest signal number, and those that Go leaves to C libraries, which use
// them for their threads. MIPS has twice as many signals, but os/signal does not
// know of them.
const (
	lastSignal    = 64
	firstReserved = 32
	lastReserved  = 34
)
