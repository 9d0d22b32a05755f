// Package relay moves data from one bufferevent to another, no faster than the
// other one gets rid of it.
package relay

import (
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A Flow puts what arrives at one bufferevent into the output of another. While
// much waits there, the first one is not read, so that a fast sender and a slow
// receiver need no more memory than two of the same speed.
//
// A Flow sets no callbacks, because bufferevents often have one for each
// direction: call Carry from the read callback of the one, Resume from the
// write callback of the other, and End or Break when one of them has ended.
type Flow struct {
	from, to *bufferevent.Bufferevent
	limit    int
	stalled  bool // from is not read, because too much waits
	over     bool // nothing more comes
	broken   bool // what waits will never be written
}

// New makes a flow with a limit to how many bytes may wait; one read may exceed
// it. It sets the watermark for writing of to. Nothing flows before Start.
func New(from, to *bufferevent.Bufferevent, limit int) (*Flow, error) {
	if err := to.SetWatermark(event.Write, limit/2, 0); err != nil {
		return nil, err
	}
	return &Flow{from: from, to: to, limit: limit}, nil
}

// Start begins to read.
func (f *Flow) Start() error { return f.from.Enable(event.Read) }

// Carry moves what has arrived.
func (f *Flow) Carry() {
	if f.over {
		return
	}
	if err := f.to.WriteBuffer(f.from.Input()); err != nil {
		f.Break()
		return
	}
	if f.to.Output().Len() >= f.limit {
		f.stalled = true
		f.from.Disable(event.Read)
	}
}

// Resume goes on when enough of what waited has been written. If that cannot be, the
// flow is over, and the error says why.
func (f *Flow) Resume() error {
	if !f.stalled || f.over {
		return nil
	}
	f.stalled = false
	err := f.from.Enable(event.Read)
	if err != nil {
		f.Break()
	}
	return err
}

// End says that nothing more will arrive. What waits is still written.
func (f *Flow) End() { f.over = true }

// Break says that nothing can be written any more. What waits is lost.
func (f *Flow) Break() {
	f.over, f.broken = true, true
	f.from.Disable(event.Read)
}

// Over reports whether the flow was ended or broken.
func (f *Flow) Over() bool { return f.over }

// Broken reports whether the flow was broken.
func (f *Flow) Broken() bool { return f.broken }

// Done reports whether it is over and nothing waits any more.
func (f *Flow) Done() bool { return f.over && (f.broken || f.to.Unsent() == 0) }
