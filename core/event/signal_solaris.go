package event

// The highest signal number that os/signal knows, and the one that Go leaves to
// the C library, which ends threads with it.
const (
	lastSignal    = 64
	firstReserved = 36
	lastReserved  = 36
)
