package bufferevent

import (
	"errors"
	"io"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// InputRemoved is Transport.InputRemoved.
func (l *Layer) InputRemoved() { l.resumeInput() }

// Pull decodes what has arrived, as far as there is room, and tells the user; and then
// the end of the stream, if it has come.
func (l *Layer) Pull(opts TriggerOptions) {
	if !l.open || l.decodesNow() {
		return
	}
	if l.in == inputFinished && l.under.input.Len() > l.under.rare.heldIn {
		l.in = inputOpen // a stream that a flush has ended goes on
	}
	if ok, _ := l.receive(); ok {
		l.above.trigger(event.Read, opts)
	}
	l.reportEnd(opts, true)
}

// EndInput is called when the stream below has ended, as what says: that is reported
// when Decode has given all there was, and there was room for it.
func (l *Layer) EndInput(what Events, err error) {
	switch {
	case l.in == inputFailed && l.endWhat == 0, l.in == inputOpen:
		l.in = inputLast
	case l.in >= inputEnded:
		return
	}
	l.noteEnd(what, err)
	if !l.open || l.decodesNow() {
		return
	}
	if _, moved := l.receive(); moved {
		l.above.trigger(event.Read, 0)
	}
	l.reportEnd(0, true)
}

// resumeInput goes on with what waits for room, or for reading to be enabled, and has
// the loop tell the user.
func (l *Layer) resumeInput() {
	if l.decodesNow() || !l.open || l.inBlocked == notBlocked && l.endWhat == 0 || !l.canRead() {
		return
	}
	if _, moved := l.receive(); moved {
		l.above.trigger(event.Read, TrigDeferCallbacks)
	}
	l.reportEnd(TrigDeferCallbacks, true)
}

// retryInput has Decode called again that has failed, once that was reported.
func (l *Layer) retryInput() {
	if l.in == inputFailed && l.endWhat == 0 {
		l.in = inputOpen
	}
}

// flushInput decodes what has arrived, room or not unless mode is ModeNormal, and tells
// the user.
func (l *Layer) flushInput(mode FlushMode) (moved bool) {
	if l.decodesNow() {
		return false
	}
	_, moved = l.decodeAll(mode, mode == ModeNormal)
	if moved = l.finishInput() || moved; moved {
		opts := TriggerOptions(0)
		if l.above.callbacks.read == nil {
			opts = TrigDeferCallbacks // it may be set when Flush has returned
		}
		l.above.trigger(event.Read, opts)
	}
	l.reportEnd(0, false)
	return moved
}

// decodesNow reports whether Decode runs, which then runs once more.
func (l *Layer) decodesNow() bool {
	if l.decoding == idle {
		return false
	}
	l.decoding = runningAgain
	return true
}

// canRead reports whether something may be put into the input. While a layer above has
// suspended reading, that is what has arrived already.
func (l *Layer) canRead() bool {
	b := l.above
	return b.enabled&event.Read != 0 && !b.inputFull() && b.alive()
}

// receive decodes what is below and then, if that was all there will be, the rest. It
// reports whether Decode has succeeded at all, and whether it has moved anything.
func (l *Layer) receive() (ok, moved bool) {
	if l.inBlocked != notBlocked || l.under.input.Len() > 0 || l.in != inputLast {
		ok, moved = l.decodeAll(ModeNormal, true)
	}
	if l.in == inputLast && l.canRead() && l.finishInput() {
		ok, moved = true, true
	}
	return ok, moved
}

// finishInput lets Decode give what it has kept back, if the stream below has ended and
// nothing else is left. It reports whether that was anything.
func (l *Layer) finishInput() (moved bool) {
	if l.in == inputLast && l.inBlocked == notBlocked {
		_, moved = l.decodeAll(ModeFinished, false)
	}
	return moved
}

// reportEnd reports the end of the stream that was noted. One that Decode has found ends
// reading; if bounded, it waits until the user reads that far.
func (l *Layer) reportEnd(opts TriggerOptions, bounded bool) {
	b := l.above
	if l.endWhat == 0 || l.in <= inputLast || l.in == inputAborted || !b.alive() {
		return
	}
	if l.in != inputFinished {
		if bounded && !l.canRead() {
			return
		}
		b.disable(event.Read)
	}
	l.reportNoted(opts)
}

// decodeAll runs Decode as long as it makes progress; if bounded, only while data is
// read, and up to the high watermark. After the end it does nothing.
func (l *Layer) decodeAll(mode FlushMode, bounded bool) (ok, moved bool) {
	b := l.above
	switch {
	case l.in > inputLast:
		return false, false
	case bounded && !l.canRead():
		if l.under.input.Len() > 0 {
			l.inBlocked = max(l.inBlocked, blockedAbove)
		}
		return false, false
	case mode == ModeFinished:
		l.in = inputFinished
	}
	ok, moved, err := l.decodeSteps(mode, bounded)
	if !b.alive() {
		return ok, moved
	}
	l.holdInput()
	if ok {
		b.restartTimeouts(event.Read)
	}
	if failed(err) {
		l.endDecoding(err)
	}
	return ok, moved
}

// decodeSteps runs Decode step by step.
func (l *Layer) decodeSteps(mode FlushMode, bounded bool) (ok, moved bool, err error) {
	l.decoding = running
	defer func() { l.decoding = idle }() // Decode or a callback of a buffer may panic
	if l.under.rare.heldIn > 0 {
		l.under.holdInput(0)
	}
	for again := true; again; {
		limit := -1
		if bounded {
			limit = l.above.inputRoom()
		}
		step, given, stepErr := l.decode(limit, mode)
		if stepErr == nil && !step && limit >= 0 && l.roomIsAll() && l.under.input.Len() > 0 && l.above.alive() {
			limit = -1 // no room that there will be is enough
			step, given, stepErr = l.decode(limit, mode)
		}
		err = stepErr
		ok, moved = ok || err == nil || given > 0, moved || step && (err == nil || given > 0)
		again = l.decodesAgain(step, err, limit >= 0)
	}
	return ok, moved, err
}

// decode runs Decode once. It reports whether that has moved anything, and how much it
// has given. What Decode answers to the peer is noticed below when it has returned: what
// is there may ask for more output at once, which Encode could not give meanwhile.
func (l *Layer) decode(limit int, mode FlushMode) (moved bool, given int, err error) {
	src, input := &l.under.input, &l.above.input
	from, to := src.Len(), input.Len()
	input.Unfreeze(evbuffer.Back)
	defer input.Freeze(evbuffer.Back)
	if !l.under.corked() {
		l.under.cork()
		defer l.under.uncork()
	}
	err = l.transform.Decode(&src.Buffer, &input.Buffer, limit, mode)
	given = input.Len() - to
	return src.Len() != from || given != 0, given, err
}

// decodesAgain decides whether Decode is to run again at once, or later. limited says that
// there was a limit to what it might give.
func (l *Layer) decodesAgain(moved bool, err error, limited bool) bool {
	left, asked := l.under.input.Len() > 0, l.decoding == runningAgain
	more := left || limited && asked // a callback has taken what was given: there may be more
	l.decoding, l.inBlocked = running, notBlocked
	switch {
	case err != nil && errors.Is(err, ErrBlocked):
		l.inBlocked = blockedAnswers
		return false
	case !l.above.alive(), err != nil && !(asked && more && errors.Is(err, ErrNeedMore)):
		return false
	case limited && l.above.inputFull():
		l.inBlocked = blockedAbove
		return false
	case l.above.enabled&event.Read == 0:
		if more {
			l.inBlocked = blockedAbove
		}
		return false
	case !moved && !asked:
		if left && limited {
			l.inBlocked = blockedAbove // more room may help
		}
		return false
	}
	return more
}

// roomIsAll reports whether the user will make no more room, as there is nothing to
// take, or less than the low watermark.
func (l *Layer) roomIsAll() bool {
	return l.above.inputToTake() < max(l.above.bounds.readMark.low, 1)
}

// holdInput keeps what waits below for more, not for room, from counting against the
// watermark there, which would keep out the rest.
func (l *Layer) holdInput() {
	n := 0
	if l.inBlocked == notBlocked {
		n = l.under.input.Len()
	}
	if n != l.under.rare.heldIn {
		l.under.holdInput(n)
	}
}

// endDecoding notes what an error of Decode means for the stream.
func (l *Layer) endDecoding(err error) {
	if err == io.EOF {
		l.in = inputEnded
		l.noteEnd(EventReading|EventEOF, io.EOF)
		return
	}
	what, err := l.transform.Failed(event.Read, err)
	if what&(EventReading|EventWriting) == EventReading|EventWriting {
		l.Fail(what, err)
		return
	}
	l.in = inputFailed
	l.noteEnd(what, err)
}
