package evtls

// Workers bound how many handshakes compute at the same time, in goroutines
// beside the loops. One set may serve any number of bufferevents and bases.
//
// Handshakes that wait get their turn in the order in which they came. A loop that
// shares a processor with the workers goes first each time one of these is free.
type Workers struct {
	slots chan struct{}
}

// NewWorkers returns workers for n handshakes at a time, at least one. A number
// below that of the processors leaves some to the loops.
func NewWorkers(n int) *Workers { return &Workers{slots: make(chan struct{}, max(n, 1))} }

// acquire waits for a slot, or for quit, and reports whether it has got one. A nil
// workers has slots without end.
func (w *Workers) acquire(quit <-chan struct{}) bool {
	if w == nil {
		return true
	}
	select { // in any order: what a handshake does that was given up is dropped
	case w.slots <- struct{}{}:
		return true
	case <-quit:
		return false
	}
}

func (w *Workers) release() {
	if w != nil {
		<-w.slots
	}
}
