package bufferevent

import (
	"github.com/go-libevent/libevent/core/event"
)

// A Lower is the bufferevent below a transport, as that sees it: what it may do there
// that users may not. [Control.Attach] returns it; a transport that transforms the data
// has a [Layer] instead. All methods but Detach require the lock of the bufferevent, if it
// has one, which the transport above shares.
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

// enableAgain enables for the transport above what has been disabled, unless the
// bufferevent ends.
func (b *Bufferevent) enableAgain() {
	if !b.alive() || b.draining() {
		return
	}
	for _, what := range [...]event.What{event.Read, event.Write} {
		if b.enabled&what != 0 {
			continue
		}
		if b.enabled |= what; b.wants(what) {
			b.resumed(what, b.transport.Enable(what))
		}
	}
}

// attach is Control.Attach.
func (b *Bufferevent) attach(above Transport, read, write DataCallback, onEvent EventCallback) {
	b.refs++
	b.callbacks = callbacks{read, write, onEvent}
	b.rareFields().above = above
	b.repeatEnd()
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

// cork keeps the transport from noticing what is added to the output until uncork, as
// the transport above adds in several pieces, and wants to know how much there is before
// some of it goes on.
func (b *Bufferevent) cork() {
	x := b.rareFields()
	x.corked, x.corkedAt = true, b.output.Len()
}

// uncork undoes cork.
func (b *Bufferevent) uncork() {
	b.rare.corked = false
	if b.output.Len() > b.rare.corkedAt && b.wants(event.Write) {
		b.transport.OutputAdded()
	}
}

// holdInput says how many bytes of the input the transport above has left there because
// it needs more to do anything with them. They do not count against the high watermark,
// which would keep out for ever what they wait for.
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

// holdOutput says how many bytes of the output the transport has left there because it
// needs more to do anything with them. The loop tells a transport above if that makes
// room.
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
