package bufferevent

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A Lower is the bufferevent below a transport, as that sees it: what it may do there
// that users may not. [Control.Attach] returns it. All methods but Detach require the
// lock of the bufferevent, if it has one, which the transport above shares.
type Lower struct{ b, above *Bufferevent }

// Attach gives a bufferevent to the transport of c, which stands on it from now on: the
// transport gets a reference and the callbacks, until Detach. The user's callbacks are
// gone. An end of the stream that was reported before is reported once more, by the
// loop, if nothing else would. The error is ErrFreed.
func (c Control) Attach(under *Bufferevent, read, write DataCallback, onEvent EventCallback) (Lower, error) {
	if !under.begin() {
		return Lower{}, ErrFreed
	}
	defer under.end()
	if under.freed {
		return Lower{}, ErrFreed
	}
	under.attach(c.b.transport, read, write, onEvent)
	return Lower{under, c.b}, nil
}

// Detach gives up what Attach has given, and ends all that was asked for with the
// other methods; or, with free, frees the bufferevent. If the user has set other
// callbacks meanwhile, those stay; a bufferevent that was freed ends here. A transport
// calls it in Unlink; it needs neither lock nor reference.
func (l Lower) Detach(free bool) {
	if l.b != nil {
		l.b.detach(l.above.transport, free)
	}
}

// Suspend pauses Read or Write until Resume, whether it is enabled or not.
func (l Lower) Suspend(what event.What) { l.b.suspend(what, suspendAbove) }

// Resume undoes Suspend, however often that was called.
func (l Lower) Resume(what event.What) { l.b.resume(what, suspendAbove) }

// SetBounds bounds what waits in the buffers, beside the watermarks of the user, which
// stay as they are: reading is suspended while there are inputHigh bytes of input, or
// more, and the write callback is called when no more than outputLow bytes of output
// are left. Zero is no bound, and not called before. The read callback is called for
// whatever arrives then, as a low watermark is for users. The bounds are below 2 GB.
func (l Lower) SetBounds(inputHigh, outputLow int) {
	l.b.setLayerBounds(int32(inputHigh), int32(outputLow), true)
}

// HoldInput says how many bytes of the input the transport above has left there
// because it needs more to do anything with them. They do not count against the high
// watermark, which would keep out for ever what they wait for.
func (l Lower) HoldInput(n int) { l.b.holdInput(n) }

// Cork makes additions to the output unnoticed until Uncork, which tells how many
// bytes were added: for a transport above that adds in several pieces, or wants to
// know how much there is before some of it goes on.
func (l Lower) Cork() { l.b.cork() }

// Uncork undoes Cork.
func (l Lower) Uncork() (added int) { return l.b.uncork() }

// OutputFull reports whether the output buffer is at the high watermark for
// writing, so that no more should be put into it.
func (l Lower) OutputFull() bool { return l.b.outputFull() }

// OutputRoom returns how many bytes may be put into the output buffer until it
// is at its high watermark, or -1 for any number.
func (l Lower) OutputRoom() int { return l.b.outputRoom() }

// Queued returns how much waits in the output, and below it if the transport is a
// Queuer.
func (l Lower) Queued() int { return l.b.queued() }

// LendWriteTimeout sets the write timeout of the transport above, which is where
// the user has set it, beside that of the bufferevent itself: it is here that what the
// peer does not take waits. Zero is none.
func (l Lower) LendWriteTimeout(d time.Duration) { l.b.lendWriteTimeout(d) }
