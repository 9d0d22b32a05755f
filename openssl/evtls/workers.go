package evtls

// Workers bound how many handshakes compute at the same time, in goroutines
// beside the loops. One set may serve any number of bufferevents and bases.
type Workers struct {
	slots chan struct{}
}

// NewWorkers returns workers for n handshakes at a time, at least one. A number
// below that of the processors leaves some to the loops.
func NewWorkers(n int) *Workers { return &Workers{slots: make(chan struct{}, max(n, 1))} }

func (w *Workers) begin() {
	if w != nil {
		w.slots <- struct{}{}
	}
}

func (w *Workers) end() {
	if w != nil {
		<-w.slots
	}
}
