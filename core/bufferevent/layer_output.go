package bufferevent

import (
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// OutputAdded is Transport.OutputAdded.
func (l *Layer) OutputAdded() {
	if !l.open {
		return
	}
	if l.out == outputFinished {
		l.out = outputOpen // it was a flush that has said so
	}
	if l.options&LayerBatch != 0 {
		l.schedule()
		return
	}
	l.push(0)
	if w := l.above.write; l.above.output.Len() > 0 && (w == nil || w.Pending(event.Timeout) == 0) {
		l.above.restartTimeouts(event.Write)
	}
}

// CloseWrite is WriteCloser.CloseWrite: once Encode has taken all it wants, it may give
// what it has kept back, with ModeFinished, and the stream below is ended with
// LayerEndsBelow. Before Open it waits for that.
func (l *Layer) CloseWrite() error {
	if !l.open {
		return nil
	}
	_, _ = l.encodeAll(ModeNormal, true, TrigDeferCallbacks) // an error has been reported as an event
	err := l.finishOutput(TrigDeferCallbacks)
	l.reportLater()
	return err
}

// EndWriting is Ender.EndWriting. Before Open it waits for that only if there is something
// to write.
func (l *Layer) EndWriting() {
	b := l.above
	switch {
	case l.in == inputAborted && l.endWhat != 0: // what the end of the iteration would have told
		l.reportNoted(0)
	case l.in == inputAborted, !l.open && b.output.Len() == 0:
		b.writeEnded()
	default:
		_ = l.CloseWrite() // the event callback is told of errors
		if l.out == outputClosed {
			b.writeEnded()
		}
	}
}

// flushOutput encodes output, room or not unless mode is ModeNormal.
func (l *Layer) flushOutput(mode FlushMode) (moved bool) {
	moved, _ = l.encodeAll(mode, mode == ModeNormal, 0) // an error has been reported as an event
	l.reportLater()
	return moved
}

// pushOrSchedule is push, or has the end of the iteration do it with LayerBatch.
func (l *Layer) pushOrSchedule(opts TriggerOptions) {
	if l.options&LayerBatch != 0 {
		l.schedule()
	} else {
		l.push(opts)
	}
}

// push encodes output as far as possible, and then the end of the stream after
// CloseWrite; and tells the user what has been written.
func (l *Layer) push(opts TriggerOptions) {
	if !l.open {
		return
	}
	_, _ = l.encodeAll(ModeNormal, true, opts) // an error has been reported as an event
	if err := l.finishOutput(opts); err != nil {
		l.above.report(EventError|EventWriting, err, TrigDeferCallbacks)
	}
	if l.unreported {
		l.reportSent(opts)
	}
}

// reportLater has the end of the iteration report what was encoded, if the write
// callback is to do that when it has left what is below.
func (l *Layer) reportLater() {
	if l.unreported {
		l.schedule()
	}
}

// reportSent runs the write callback if no more is left, here and below, than the low
// watermark: one that frees the bufferevent when all is written must not lose
// what was only encoded.
func (l *Layer) reportSent(opts TriggerOptions) {
	b, queued := l.above, l.Queued()
	if !b.alive() || b.output.Len()+queued > b.bounds.writeMark.low {
		return
	}
	l.unreported = queued > 0
	b.trigger(event.Write, opts)
}

// canWrite reports whether there may be something to write, and there is room for it
// below.
func (l *Layer) canWrite() bool {
	b := l.above
	return (b.output.Len() > 0 || l.outBlocked) && b.wants(event.Write) && b.alive() && !l.fullBelow()
}

// roomBelow returns how much Encode may put below, or -1 for any amount: up to the high
// watermark there. Without one it is bounded only if it gets more than
// DefaultFilterBacklog leaves room for.
func (l *Layer) roomBelow() int {
	below := l.under
	if below.bounds.writeMark.high != 0 {
		return below.outputRoom()
	}
	if room := max(DefaultFilterBacklog-below.outputToWrite(), 0); room < l.above.output.Len() {
		return room
	}
	return -1
}

// fullBelow reports whether there is no room below. Then it is waited for.
func (l *Layer) fullBelow() bool {
	below := l.under
	full := below.outputFull() || below.bounds.writeMark.high == 0 && below.outputToWrite() >= DefaultFilterBacklog
	below.rare.roomWanted = below.rare.roomWanted || full
	return full
}

// encodeAll runs Encode as long as it makes progress, and tells the user if it has
// succeeded; if bounded, only if output is written, and up to the high watermark below.
// It reports whether anything was moved, and with what error Encode has failed. After
// the end it does nothing.
//
// What the write callback adds has to wait until what is below has been written;
// or at least for the loop, if nothing is there.
func (l *Layer) encodeAll(mode FlushMode, bounded bool, opts TriggerOptions) (moved bool, err error) {
	switch {
	case l.encoding != idle:
		l.encoding = runningAgain
		return false, nil
	case l.out != outputOpen, l.under.brokenWrite, bounded && !l.canWrite():
		return false, nil // what is below takes no more, or is about to say so
	case mode == ModeFinished:
		l.out = outputFinished
	}
	moved, again, err := l.encodeSteps(mode, bounded, opts)
	switch {
	case !l.above.alive():
		return moved, nil
	case failed(err):
		return moved, l.failEncoding(err, opts)
	case again && (l.above.closedWrite || l.canWrite()):
		l.under.rare.roomWanted = true
		l.under.roomMade()
	}
	return moved, nil
}

// encodeSteps runs Encode and the write callback. again says that these have asked for
// more.
func (l *Layer) encodeSteps(mode FlushMode, bounded bool, opts TriggerOptions) (moved, again bool, err error) {
	b := l.above
	silent := bounded && b.output.Len() == 0 // unless Encode has kept something
	l.encoding = running
	defer func() { l.encoding = idle }() // Encode or a callback may panic
	ok, moved, err := l.drainOutput(mode, bounded)
	if !ok && moved && b.alive() { // it has taken what it wanted, and wants more
		b.restartTimeouts(event.Write)
		b.roomMade()
	}
	if ok && (moved || !silent) && b.alive() {
		l.encoded(opts)
	}
	return moved, l.encoding == runningAgain, err
}

// encoded tells the user that output was encoded, or has it told when that has left what
// is below.
func (l *Layer) encoded(opts TriggerOptions) {
	b := l.above
	b.restartTimeouts(event.Write)
	if l.options&LayerReportSent != 0 {
		l.unreported = true
		return
	}
	if b.callbacks.write == nil {
		opts |= TrigDeferCallbacks // it may be set when Write has returned
	}
	b.trigger(event.Write, opts)
}

// drainOutput runs Encode step by step. ok says that it has succeeded at least once.
func (l *Layer) drainOutput(mode FlushMode, bounded bool) (ok, moved bool, err error) {
	b, below := l.above, l.under
	step := false
	for again := true; again; {
		limit := -1
		if bounded {
			limit = l.roomBelow()
		}
		step, err = l.encode(limit, mode)
		if err == nil && !step && limit >= 0 && below.outputToWrite() == 0 && b.alive() {
			below.uncork()
			step, err = l.encode(-1, mode) // no room that there will be is enough
		}
		filled := limit >= 0 && l.fullBelow() // so that it may have kept something
		below.uncork()
		ok, moved = ok || err == nil, moved || step
		left := b.output.Len() > 0
		stuck := !step && left && limit >= 0 && below.outputToWrite() > 0 // more room may help
		l.outBlocked = err == nil && bounded && (l.fullBelow() || stuck)
		below.rare.roomWanted = below.rare.roomWanted || stuck
		again = err == nil && step && (left || filled) && !l.outBlocked && b.enabled&event.Write != 0 && b.alive()
	}
	held := 0
	if !l.outBlocked && (err != nil || !step) {
		held = b.output.Len()
	}
	b.holdOutput(held)
	return ok, moved, err
}

// encode runs Encode once. It leaves what is below corked, unless Encode panics.
func (l *Layer) encode(limit int, mode FlushMode) (moved bool, err error) {
	output, dst := &l.above.output, &l.under.output
	from, to := output.Len(), dst.Len()
	returned := false
	l.under.cork()
	output.Unfreeze(evbuffer.Front)
	defer func() {
		output.Freeze(evbuffer.Front)
		if !returned {
			l.under.uncork()
		}
	}()
	err = l.transform.Encode(&output.Buffer, &dst.Buffer, limit, mode)
	returned = true
	return output.Len() != from || dst.Len() != to, err
}

// failEncoding ends the stream that is written, or all of it, and returns the error.
func (l *Layer) failEncoding(err error, opts TriggerOptions) error {
	what, err := l.transform.Failed(event.Write, err)
	if what&(EventReading|EventWriting) == EventReading|EventWriting {
		l.Fail(what, err)
	} else {
		l.BreakOutput(what, err, opts)
	}
	return err
}

// outputWaits reports whether there is output that Encode may still take.
func (l *Layer) outputWaits() bool {
	b := l.above
	return l.outBlocked || b.output.Len() > 0 && (b.output.Len() > b.heldOutput() || !b.wants(event.Write))
}

// finishOutput ends the stream after CloseWrite, once Encode has taken all it wants.
// The error is that of the stream below.
func (l *Layer) finishOutput(opts TriggerOptions) error {
	b := l.above
	if !b.closedWrite || l.out >= outputClosed || l.encoding != idle || l.outputWaits() || l.under.brokenWrite || !b.alive() {
		return nil
	}
	if l.out == outputOpen {
		if _, err := l.encodeAll(ModeFinished, false, opts); err != nil || !b.alive() {
			return nil // the user was told
		}
	}
	l.out = outputClosed
	if l.options&LayerEndsBelow == 0 || b.draining() {
		b.writeEnded()
		return nil
	}
	err := l.under.CloseWrite()
	if errors.Is(err, errors.ErrUnsupported) {
		l.out = outputFinished // more may be written
	}
	return err
}
