package bufferevent

import (
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Transform is what a transport over another bufferevent does to the data; the rest
// of such a transport is a [Layer].
type Transform interface {
	// Decode makes input, in dst, of what has arrived below, in src. It is a Filter,
	// with two more errors: io.EOF says that the stream ends here, whatever follows
	// below, and is reported after the input; ErrBlocked says that the output below has to
	// drain first.
	Decode(src, dst *evbuffer.Buffer, limit int, mode FlushMode) error
	// Encode moves output, from src, to what is below, in dst. It is a Filter.
	Encode(src, dst *evbuffer.Buffer, limit int, mode FlushMode) error
	// Failed returns the event that an error of Decode (Read) or Encode (Write) is
	// for the user, and its error. An event with EventReading and EventWriting ends
	// both directions, see Layer.Fail.
	Failed(what event.What, err error) (Events, error)
}

// LayerOptions say how a Layer moves data.
type LayerOptions uint8

const (
	// LayerBatch encodes output at the end of the iteration, so that what several
	// callbacks add is encoded together, rather than in each call that adds some.
	LayerBatch LayerOptions = 1 << iota
	// LayerReportSent calls the write callback when what was encoded has left what is
	// below, so that it may free the bufferevent, rather than when it was encoded.
	LayerReportSent
	// LayerEndsBelow ends the stream below when the stream that is written has ended.
	LayerEndsBelow
)

// A Layer is what all transports over another bufferevent have in common, for which
// each has one: it moves data through a [Transform], as far as there is room for what
// that gives, in both directions, and goes on when there is more room or more data; it
// pauses reading below while nothing is read above, lends its timeout for writing to
// what is below, and reports the end of the stream after everything that was
// read.
//
// A layer begins closed, for transports that have to agree on something with their
// peer, and moves data from Open on. It is not to be embedded, since a transport's
// methods are visible to all packages, see [As]: the transport's methods call those of
// the same name here.
//
// The methods require the lock and a reference of the transport's bufferevent, except
// Attach, Detach, Underlying, FD and EndIteration.
type Layer struct {
	Lower
	transform Transform

	// The event that ends the stream, or its reading, and is to be reported.
	endErr  error
	endWhat Events     // none: there is no such event
	expired event.What // what a timeout has disabled below
	options LayerOptions

	in        inputState
	out       outputState
	decoding  activity
	encoding  activity
	inBlocked blockage

	open       bool // data is moved
	paused     bool // reading below is
	outBlocked bool // Encode has more to do, once there is room below
	scheduled  bool // EndIteration will be called
	unreported bool // output was encoded that the write callback has not reported
	queues     bool // what is below is a Queuer
}

// An inputState is how far the stream is that is read.
type inputState uint8

const (
	inputOpen     inputState = iota
	inputLast                // the stream below has ended: what has arrived is the last
	inputFinished            // Decode was told so, and is called again only if more arrives
	inputEnded               // Decode has ended the stream
	inputFailed              // Decode has failed
	inputAborted             // both directions have failed
)

// An outputState is how far the stream is that is written.
type outputState uint8

const (
	outputOpen     outputState = iota
	outputFinished             // Encode was told the end, and is called again only if more is written
	outputClosed               // CloseWrite has ended the stream
	outputBroken               // nothing can be written
)

// An activity says whether a direction of the transform runs. It does not run within
// itself: what asks for that, as a callback of a buffer may, has it run again.
type activity uint8

const (
	idle activity = iota
	running
	runningAgain
)

// A blockage is why Decode is to be called though nothing has arrived.
type blockage uint8

const (
	notBlocked     blockage = iota
	blockedAbove            // until there is room in the input, and it is read
	blockedAnswers          // until output below has been written
)

// LayerOver returns the layer of a transport over a bufferevent, for [Init] to find that
// there if the transport is a Wrapper. Attach has to follow.
func LayerOver(under *Bufferevent) Layer { return Layer{Lower: Lower{under: under}} }

// Attach is Control.Attach for a layer. Instead of the layer onRead is called when
// something has arrived below, which is the transport's own until Open, and onEvent when
// something else has happened there; nil leaves it to the layer. It requires no lock.
func (l *Layer) Attach(c Control, t Transform, opts LayerOptions, onRead DataCallback, onEvent EventCallback) (err error) {
	l.transform, l.options = t, opts
	_, l.queues = own[Queuer](l.under)
	if onRead == nil {
		onRead = l.onRead
	}
	if onEvent == nil {
		onEvent = l.onEvent
	}
	l.Lower, err = c.Attach(l.under, onRead, l.onWrite, onEvent)
	return err
}

// Open begins to move data. pending says that Decode may have some to give even if
// nothing has arrived below. What is there already moves with Pull and OutputAdded.
func (l *Layer) Open(pending bool) {
	l.open = true
	if pending || l.under.input.Len() > 0 {
		l.inBlocked = blockedAbove
	}
	l.pauseBelow()
}

// Reset closes the layer after SetFD, and forgets what has happened to the old
// descriptor: what its end, or a timeout, has disabled below is enabled again. Open has to
// follow.
func (l *Layer) Reset() {
	l.open = false
	l.in, l.out = inputOpen, outputOpen
	l.inBlocked, l.outBlocked = notBlocked, false
	l.forgetEnd()
	l.above.beginAnew()
	l.pauseBelow()
	l.expired, l.under.rare.expired = 0, 0
	l.under.enableAgain()
}

// Underlying returns the bufferevent below, for [Wrapper].
func (l *Layer) Underlying() *Bufferevent { return l.under }

// FD returns the descriptor below, for [Describer].
func (l *Layer) FD() int { return l.under.FD() }

// Ended reports which directions of the stream have ended, whether in order or not.
func (l *Layer) Ended() (input, output bool) {
	return l.in >= inputEnded, l.out >= outputFinished
}

// Enable is Transport.Enable. A direction that has timed out below goes on there, too.
// What has waited moves at once, and the loop tells the user.
func (l *Layer) Enable(what event.What) error {
	b := l.above
	b.restartTimeouts(l.timed(what))
	if again := what & l.expired; again != 0 {
		l.expired &^= again
		if err := l.under.Enable(again); err != nil {
			return err
		}
	}
	if what&event.Read != 0 {
		if l.under.input.Len() == 0 {
			l.resumeInput() // with what Decode has kept; what arrives now is told by itself
		}
		l.pauseBelow()
		l.resumeInput()
	}
	if what&event.Write != 0 && l.open && (b.closedWrite || l.outBlocked || b.output.Len() > b.heldOutput()) {
		l.pushOrSchedule(TrigDeferCallbacks)
	}
	return nil
}

// Disable is Transport.Disable.
func (l *Layer) Disable(what event.What) error {
	l.above.stopTimeouts(what)
	if what&event.Read != 0 {
		l.pauseBelow()
	}
	return nil
}

// pauseBelow pauses reading below while nothing is read here, and after the end of the
// stream. Until Open the transport needs what arrives.
func (l *Layer) pauseBelow() {
	pause := l.in >= inputEnded || l.open && !l.above.wants(event.Read)
	if pause == l.paused {
		return
	}
	l.paused = pause
	if pause {
		l.Suspend(event.Read)
	} else {
		l.Resume(event.Read)
	}
}

// TimeoutsChanged is Transport.TimeoutsChanged. The timeout for writing also runs below,
// where what the peer does not take waits, beside the one that is set there.
func (l *Layer) TimeoutsChanged() {
	l.above.restartTimeouts(l.timed(both))
	l.under.lendWriteTimeout(l.above.timeoutForWriting())
}

// timed returns the directions whose timeouts run here: output that waits for Open, or
// for the end of the iteration, does not wait for the peer.
func (l *Layer) timed(what event.What) event.What {
	if !l.open || l.options&LayerBatch != 0 {
		return what & event.Read
	}
	return what
}

// Flush is Transport.Flush, also for what is below. What a layer there gives because of
// that is flushed in its turn.
func (l *Layer) Flush(what event.What, mode FlushMode) (moved bool, err error) {
	b := l.above
	if what&event.Read != 0 && l.open {
		moved = l.flushInput(mode)
	}
	if what&event.Write != 0 && l.open && b.alive() {
		moved = l.flushOutput(mode) || moved
	}
	if !b.alive() {
		return moved, nil
	}
	modeBelow := mode
	if mode == ModeFinished && l.options&LayerEndsBelow == 0 {
		modeBelow = ModeFlush
	}
	below, err := l.under.Flush(what, modeBelow)
	if below && what&event.Read != 0 && mode != ModeNormal && l.under.wrapped() != nil && b.alive() {
		moved = l.flushInput(mode) || moved
	}
	return moved || below, err
}

// Queued is Queuer.Queued: how much was encoded and has not left what is below, which is
// more than what waits there if that is a Queuer, too.
func (l *Layer) Queued() int {
	n := l.under.output.Len()
	if l.queues {
		n += l.under.transport.(Queuer).Queued()
	}
	return n
}

// schedule has EndIteration called.
func (l *Layer) schedule() {
	if !l.scheduled {
		l.scheduled = l.above.base.AtIterationEnd(l)
	}
}

// EndIteration implements event.IterationEnder.
func (l *Layer) EndIteration() {
	b := l.above
	if !b.begin() {
		return
	}
	defer b.end()
	l.scheduled = false
	if l.in != inputAborted {
		l.push(0)
	} else if l.endWhat != 0 {
		l.reportNoted(TrigDeferCallbacks)
	}
}

// onRead is called when something has arrived below.
func (l *Layer) onRead(*Bufferevent) {
	if l.above.begin() {
		defer l.above.end()
		l.Pull(0)
	}
}

// onWrite is called when there is room below.
func (l *Layer) onWrite(*Bufferevent) {
	if !l.above.begin() {
		return
	}
	defer l.above.end()
	l.push(0)
	if l.inBlocked == blockedAnswers {
		l.Pull(0)
	}
}

// onEvent is called when something else has happened below.
func (l *Layer) onEvent(under *Bufferevent, what Events) {
	if !l.above.begin() {
		return
	}
	defer l.above.end()
	switch outcome, err := what.Outcome(), under.Err(); outcome {
	case InputEnded:
		l.EndInput(what, err)
	case TimedOut:
		l.TimedOut(what, err)
	default:
		if outcome == OutputFailed && what&EventError != 0 {
			l.out = outputBroken
		}
		l.above.report(what, err, 0)
	}
}

// TimedOut tells the user of a timeout below, which has disabled a direction there:
// enabling it here enables it below again.
func (l *Layer) TimedOut(what Events, err error) {
	x := l.under.rare
	if expired := x.expired; expired != 0 {
		x.expired = 0
		l.expired |= expired
		l.above.expire(expired)
	}
	l.above.report(what, err, 0)
}

// Fail ends both directions, because of an error that leaves nothing of the stream. It is
// reported in this iteration's end, after what has been read has been reported, and what
// the transform has to say to the peer about it has left what is below, if it can.
func (l *Layer) Fail(what Events, err error) {
	l.in, l.out = inputAborted, outputBroken
	l.noteEnd(what, err)
	l.above.disable(both)
	l.schedule()
}

// BreakOutput ends the stream that is written with an error, which it reports, unless
// that was done before.
func (l *Layer) BreakOutput(what Events, err error, opts TriggerOptions) {
	if l.out == outputBroken {
		return
	}
	l.out = outputBroken
	l.above.disable(event.Write)
	l.above.report(what, err, opts)
}

// noteEnd notes the event that ends the stream, or its reading, instead of what was
// noted before: it is reported after everything that was read.
func (l *Layer) noteEnd(what Events, err error) { l.endWhat, l.endErr = what, err }

// forgetEnd forgets what was noted: the stream goes on.
func (l *Layer) forgetEnd() { l.endWhat, l.endErr = 0, nil }

// reportNoted reports the event that was noted: after the read callback if that is pending.
func (l *Layer) reportNoted(opts TriggerOptions) {
	what, err := l.endWhat, l.endErr
	l.forgetEnd()
	if l.above.pending.read {
		opts |= TrigDeferCallbacks
	}
	l.above.report(what, err, opts)
}

// failed reports whether what a transform has returned is an error.
func failed(err error) bool {
	return err != nil && !errors.Is(err, ErrNeedMore) && !errors.Is(err, ErrBlocked)
}
