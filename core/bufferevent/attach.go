package bufferevent

import (
	"io"

	"github.com/go-libevent/libevent/core/event"
)

// Attach gives the bufferevent to the transport above it, which gets a reference
// and the callbacks, until Detach. The user's callbacks are gone.
func (c *Control) Attach(above Transport, read, write DataCallback, onEvent EventCallback) {
	b := c.Bufferevent()
	b.refs++
	b.callbacks = callbacks{read, write, onEvent}
	b.extra().above = above
	if r, ok := b.transport.(Rereader); b.sawEOF && !(ok && r.EndsAgain()) {
		b.report(EventEOF|EventReading, io.EOF, TrigDeferCallbacks) // nothing else will tell
	}
}

// Detach gives up what Attach has given, takes back what Suspend has asked for,
// or, with free, frees the bufferevent. If the user has set other callbacks
// meanwhile, those stay; if he has freed it, that is its end. A transport calls
// it in Unlink; it needs neither lock nor reference.
func (c *Control) Detach(above Transport, free bool) {
	b := c.Bufferevent()
	b.lock()
	if b.refs == 0 {
		b.unlock()
		return
	}
	if b.extras.above == above {
		b.extras.above = nil
		b.callbacks = callbacks{}
	}
	c.HoldInput(0)
	b.extras.roomWanted = false
	switch {
	case b.freed:
	case free:
		b.freed = true
		b.callbacks = callbacks{}
		b.refs--
	default:
		c.LendWriteTimeout(0)
		c.Resume(event.Read)
		c.Resume(event.Write)
	}
	b.end()
}

// BeginAnew forgets how the stream has ended or failed, as SetFD begins another
// one.
func (c *Control) BeginAnew() { c.Bufferevent().beginAnew() }

// Cork makes additions to the output unnoticed until Uncork, which tells how many
// bytes were added: for a transport above that adds in several pieces, or wants to
// know how much there is before some of it goes on.
func (c *Control) Cork() {
	x := c.Bufferevent().extra()
	x.corked, x.corkedAt = true, c.output.Len()
}

// Uncork undoes Cork.
func (c *Control) Uncork() (added int) {
	b := c.Bufferevent()
	b.extras.corked = false
	added = b.output.Len() - b.extras.corkedAt
	if added > 0 && c.Wants(event.Write) {
		b.transport.OutputAdded()
	}
	return added
}

// HoldInput tells how many bytes of the input the transport above has left there
// because it needs more to do anything with them. They do not count against the
// high watermark, which would keep out for ever what they wait for.
func (c *Control) HoldInput(n int) {
	b := c.Bufferevent()
	x := b.extra()
	if x.heldIn == n {
		return
	}
	more := n > x.heldIn
	x.heldIn = n
	if b.bounds.readMark.high == 0 {
		return
	}
	b.checkHighMark()
	if more {
		b.transport.InputRemoved() // as far as the mark is concerned
	}
}

// HoldOutput tells the same of the output and the transport of the bufferevent. The
// loop tells a transport above if that makes room.
func (c *Control) HoldOutput(n int) {
	b := c.Bufferevent()
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

// OutputToWrite returns how many bytes of the output are not held.
func (c *Control) OutputToWrite() int {
	if c.extras == nil {
		return c.output.Len()
	}
	return max(c.output.Len()-c.extras.heldOut, 0)
}

func (b *Bufferevent) corked() bool { return b.extras != nil && b.extras.corked }
