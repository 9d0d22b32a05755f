package bufferevent

import (
	"io"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A Lower is the bufferevent below a transport, as that sees it: what it may do there
// that users may not. [Control.Attach] returns it. All methods but Detach require the
// lock of the bufferevent, if it has one, which the transport above shares.
type Lower struct{ under, above *Bufferevent }

// Attach gives a bufferevent to the transport of c, which stands on it from now on: the
// transport gets a reference and the callbacks, until Detach. The user's callbacks are
// gone. An end of the stream that was reported before is reported once more, by the
// loop, if nothing else would. The error is ErrFreed.
func (c Control) Attach(under *Bufferevent, read, write DataCallback, onEvent EventCallback) (Lower, error) {
	if !under.begin() {
		return Lower{under: under}, ErrFreed
	}
	defer under.end()
	if under.freed {
		return Lower{under: under}, ErrFreed
	}
	under.attach(c.b.transport, read, write, onEvent)
	return Lower{under, c.b}, nil
}

// Detach gives up what Attach has given, and ends all that was asked for with the
// other methods; or, with free, frees the bufferevent. If the user has set other
// callbacks meanwhile, those stay; a bufferevent that was freed ends here. A transport
// calls it in Unlink; it needs neither lock nor reference.
func (l Lower) Detach(free bool) {
	if l.above != nil {
		l.under.detach(l.above.transport, free)
	}
}

// Suspend pauses Read or Write until Resume, whether it is enabled or not.
func (l Lower) Suspend(what event.What) { l.under.suspend(what, suspendAbove) }

// Resume undoes Suspend, however often that was called.
func (l Lower) Resume(what event.What) { l.under.resume(what, suspendAbove) }

// SetBounds bounds what waits in the buffers, beside the watermarks of the user, which
// stay as they are: reading is suspended while there are inputHigh bytes of input, or
// more, and the write callback is called when no more than outputLow bytes of output
// are left. Zero is no bound, and not called before. The read callback is called for
// whatever arrives then, as a low watermark is for users. The bounds are below 2 GB.
func (l Lower) SetBounds(inputHigh, outputLow int) {
	l.under.setLayerBounds(int32(inputHigh), int32(outputLow), true)
}

// HoldInput says how many bytes of the input the transport above has left there
// because it needs more to do anything with them. They do not count against the high
// watermark, which would keep out for ever what they wait for.
func (l Lower) HoldInput(n int) { l.under.holdInput(n) }

// Cork makes additions to the output unnoticed until Uncork, which tells how many
// bytes were added: for a transport above that adds in several pieces, or wants to
// know how much there is before some of it goes on.
func (l Lower) Cork() { l.under.cork() }

// Uncork undoes Cork.
func (l Lower) Uncork() (added int) { return l.under.uncork() }

// OutputFull reports whether the output buffer is at the high watermark for
// writing, so that no more should be put into it.
func (l Lower) OutputFull() bool { return l.under.outputFull() }

// OutputRoom returns how many bytes may be put into the output buffer until it
// is at its high watermark, or -1 for any number.
func (l Lower) OutputRoom() int { return l.under.outputRoom() }

// Queued returns how much waits in the output, and below it if the transport is a
// Queuer.
func (l Lower) Queued() int { return l.under.queued() }

// LendWriteTimeout sets the write timeout of the transport above, which is where
// the user has set it, beside that of the bufferevent itself: it is here that what the
// peer does not take waits. Zero is none.
func (l Lower) LendWriteTimeout(d time.Duration) { l.under.lendWriteTimeout(d) }

// attach is Control.Attach.
func (b *Bufferevent) attach(above Transport, read, write DataCallback, onEvent EventCallback) {
	b.refs++
	b.callbacks = callbacks{read, write, onEvent}
	b.rareFields().above = above
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
	if b.rare.above == above {
		b.rare.above = nil
		b.callbacks = callbacks{}
	}
	b.holdInput(0)
	b.setLayerBounds(0, 0, false)
	b.rare.roomWanted = false
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
	x := b.rareFields()
	x.corked, x.corkedAt = true, b.output.Len()
}

// uncork undoes cork.
func (b *Bufferevent) uncork() (added int) {
	b.rare.corked = false
	added = b.output.Len() - b.rare.corkedAt
	if added > 0 && b.wants(event.Write) {
		b.transport.OutputAdded()
	}
	return added
}

// holdInput is Lower.HoldInput.
func (b *Bufferevent) holdInput(n int) {
	x := b.rareFields()
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
	if b.rare == nil && n == 0 {
		return
	}
	x := b.rareFields()
	more := n > x.heldOut
	if x.heldOut = n; more {
		b.roomMade()
	}
}

// heldOutput returns how much of the output the transport has left for want of more.
func (b *Bufferevent) heldOutput() int {
	if b.rare == nil {
		return 0
	}
	return b.rare.heldOut
}

// roomMade has the loop tell a transport above that waits for room in the output of
// some that was made otherwise than by writing.
func (b *Bufferevent) roomMade() {
	if x := b.rare; x != nil && x.roomWanted && b.outputLow() {
		x.roomWanted = false
		b.runWrite(TrigDeferCallbacks)
	}
}

// inputToTake returns how many bytes of the input are not held.
func (b *Bufferevent) inputToTake() int {
	if b.rare == nil {
		return b.input.Len()
	}
	return max(b.input.Len()-b.rare.heldIn, 0)
}

// outputToWrite returns how many bytes of the output are not held.
func (b *Bufferevent) outputToWrite() int {
	if b.rare == nil {
		return b.output.Len()
	}
	return max(b.output.Len()-b.rare.heldOut, 0)
}

func (b *Bufferevent) corked() bool { return b.rare != nil && b.rare.corked }

// setLayerBounds sets the bounds of the transport above, or takes them back.
func (b *Bufferevent) setLayerBounds(inputHigh, outputLow int32, set bool) {
	x := b.rareFields()
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
