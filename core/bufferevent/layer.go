package bufferevent

import (
	"io"

	"github.com/go-libevent/libevent/core/event"
)

// attach is Control.Attach.
func (b *Bufferevent) attach(above Transport, read, write DataCallback, onEvent EventCallback) {
	b.refs++
	b.callbacks = callbacks{read, write, onEvent}
	b.extra().above = above
	if r, ok := b.transport.(Rereader); b.sawEOF && !(ok && r.EndsAgain()) {
		b.report(EventEOF|EventReading, io.EOF, TrigDeferCallbacks) // nothing else will tell
	}
}

// detach is Lower.Detach.
func (b *Bufferevent) detach(above Transport, free bool) {
	b.lock()
	if b.refs == 0 {
		b.unlock()
		return
	}
	if b.extras.above == above {
		b.extras.above = nil
		b.callbacks = callbacks{}
	}
	b.holdInput(0)
	b.setLayerBounds(0, 0, false)
	b.extras.roomWanted = false
	switch {
	case b.freed:
	case free:
		b.freed = true
		b.callbacks = callbacks{}
		b.refs--
	default:
		b.lendWriteTimeout(0)
		b.resume(event.Read, suspendAbove)
		b.resume(event.Write, suspendAbove)
	}
	b.end()
}

// cork is Lower.Cork.
func (b *Bufferevent) cork() {
	x := b.extra()
	x.corked, x.corkedAt = true, b.output.Len()
}

// uncork undoes cork.
func (b *Bufferevent) uncork() (added int) {
	b.extras.corked = false
	added = b.output.Len() - b.extras.corkedAt
	if added > 0 && b.wants(event.Write) {
		b.transport.OutputAdded()
	}
	return added
}

// holdInput is Lower.HoldInput.
func (b *Bufferevent) holdInput(n int) {
	x := b.extra()
	if x.heldIn == n {
		return
	}
	more := n > x.heldIn
	x.heldIn = n
	if b.inputHigh() == 0 {
		return
	}
	b.checkHighMark()
	if more {
		b.transport.InputRemoved() // as far as the mark is concerned
	}
}

// holdOutput is Control.HoldOutput.
func (b *Bufferevent) holdOutput(n int) {
	if b.extras == nil && n == 0 {
		return
	}
	x := b.extra()
	more := n > x.heldOut
	if x.heldOut = n; more {
		b.roomMade()
	}
}

// roomMade has the loop tell a transport above that waits for room in the output of
// some that was made otherwise than by writing.
func (b *Bufferevent) roomMade() {
	if x := b.extras; x != nil && x.roomWanted && b.outputLow() {
		x.roomWanted = false
		b.runWrite(TrigDeferCallbacks)
	}
}

// inputToTake returns how many bytes of the input are not held.
func (b *Bufferevent) inputToTake() int {
	if b.extras == nil {
		return b.input.Len()
	}
	return max(b.input.Len()-b.extras.heldIn, 0)
}

// outputToWrite returns how many bytes of the output are not held.
func (b *Bufferevent) outputToWrite() int {
	if b.extras == nil {
		return b.output.Len()
	}
	return max(b.output.Len()-b.extras.heldOut, 0)
}

func (b *Bufferevent) corked() bool { return b.extras != nil && b.extras.corked }

// setLayerBounds sets the bounds of the transport above, or takes them back.
func (b *Bufferevent) setLayerBounds(inputHigh, outputLow int32, set bool) {
	x := b.extra()
	if x.inHigh != inputHigh || x.outLow != outputLow || x.bounded != set {
		x.inHigh, x.outLow, x.bounded = inputHigh, outputLow, set
		b.checkHighMark()
	}
}

// queued is Lower.Queued.
func (b *Bufferevent) queued() int {
	n := b.output.Len()
	if q, ok := b.transport.(Queuer); ok {
		n += q.Queued()
	}
	return n
}
