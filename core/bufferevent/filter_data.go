package bufferevent

import (
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// run runs a filter once and reports whether that has moved anything.
func run(fn Filter, src, dst *evbuffer.Buffer, limit int, mode FlushMode) (moved bool, err error) {
	from, to := src.Len(), dst.Len()
	err = fn(src, dst, limit, mode)
	return src.Len() != from || dst.Len() != to, err
}

// failed reports whether a filter has returned what is an error.
func failed(err error) bool { return err != nil && !errors.Is(err, ErrNeedMore) }

// canRead reports whether something may be put into the input.
func (f *filter) canRead() bool {
	b := &f.bev
	return b.enabled&event.Read != 0 && !b.inputFull() && b.alive()
}

// resumeInput goes on with what waits for room, or for reading to be enabled, and has
// the loop tell the user.
func (f *filter) resumeInput() {
	if !f.inputBlocked && !f.layer.EndNoted() || !f.canRead() {
		return
	}
	if _, moved := f.receive(); moved {
		f.bev.trigger(event.Read, TrigDeferCallbacks)
	}
	f.layer.ReportEnd(TrigDeferCallbacks)
}

// receive runs the input filter on what is below and then, if that was all there
// will be, for the last time. It reports whether the filter has succeeded at all,
// and whether it has moved anything.
func (f *filter) receive() (ok, moved bool) {
	if f.inputBlocked || f.layer.under.input.Len() > 0 || !f.layer.EndNoted() {
		ok, moved = f.processInput(ModeNormal, true)
	}
	if f.canRead() && f.finishInput() {
		ok, moved = true, true
	}
	return ok, moved
}

// finishInput lets the input filter give what it has kept back, if the stream
// below has ended and nothing else is left. It reports whether that was anything.
func (f *filter) finishInput() (moved bool) {
	if f.layer.EndNoted() && !f.layer.endReady && !f.inputBlocked && !f.reading {
		_, moved = f.processInput(ModeFinished, false)
		f.layer.endReady = !f.inputBlocked
	}
	return moved
}

// processInput runs the input filter as long as it makes progress; if bounded,
// only while reading is enabled, and up to the high watermark. A filter that was
// told the end is not called any more.
func (f *filter) processInput(mode FlushMode, bounded bool) (ok, moved bool) {
	if f.reading || f.inDone {
		return false, false
	}
	b := &f.bev
	if bounded && !f.canRead() {
		f.inputBlocked = f.inputBlocked || f.layer.under.input.Len() > 0
		return false, false
	}
	f.reading = true
	defer func() { f.reading = false }() // the filter or a callback of a buffer may panic
	f.inDone = mode == ModeFinished
	f.layer.under.holdInput(0)
	var err error
	for again := true; again; {
		limit, step, good := -1, false, false
		if bounded {
			limit = b.inputRoom()
		}
		step, good, err = f.runIn(limit, mode)
		if err == nil && !step && limit >= 0 && f.roomIsAll() && f.layer.under.input.Len() > 0 && b.alive() {
			limit = -1 // no room that there will be is enough
			step, good, err = f.runIn(limit, mode)
		}
		ok, moved = ok || good, moved || good && step
		again = f.runsAgain(step, err, limit)
	}
	f.reading = false
	f.left = f.layer.under.input.Len()
	if b.alive() {
		f.holdInput()
	}
	if ok {
		b.restartTimeouts(event.Read)
	}
	if failed(err) && b.alive() {
		b.disable(event.Read)
		f.layer.ForgetEnd()
		f.layer.NoteEnd(EventError|EventReading, opError("filter", err))
	}
	return ok, moved
}

// runIn runs the input filter once. good says that it has succeeded, or has given
// something.
func (f *filter) runIn(limit int, mode FlushMode) (moved, good bool, err error) {
	input := &f.bev.input
	before := input.Len()
	input.Unfreeze(evbuffer.Back)
	defer input.Freeze(evbuffer.Back)
	moved, err = run(f.in, f.layer.under.Input(), f.bev.Input(), limit, mode)
	return moved, err == nil || input.Len() > before, err
}

// roomIsAll reports whether the user will make no more room, as there is nothing to
// take, or less than the low watermark.
func (f *filter) roomIsAll() bool {
	return f.bev.inputToTake() < max(f.bev.bounds.readMark.low, 1)
}

// holdInput tells what is below how much of it waits for more, not for room.
func (f *filter) holdInput() {
	if f.inputBlocked {
		f.layer.under.holdInput(0)
	} else {
		f.layer.under.holdInput(f.layer.under.input.Len())
	}
}

// runsAgain decides whether the input filter is to run again at once, or later.
func (f *filter) runsAgain(moved bool, err error, limit int) bool {
	left := f.layer.under.input.Len() > 0
	f.inputBlocked = false
	switch {
	case err != nil || !f.bev.alive():
		return false
	case limit >= 0 && f.bev.inputFull():
		f.inputBlocked = true // there may also be something that the filter keeps
		return false
	case f.bev.enabled&event.Read == 0:
		f.inputBlocked = left
		return false
	case !moved:
		f.inputBlocked = left && limit >= 0 // more room may help
		return false
	}
	return left
}

// canWrite reports whether there may be something to write, and there is room for
// it below.
func (f *filter) canWrite() bool {
	b, something := &f.bev, f.bev.output.Len() > 0 || f.outputBlocked
	return something && b.enabled&event.Write != 0 && !f.fullBelow() && b.alive()
}

// roomBelow returns how much the output filter may put below, or -1 for any
// amount: up to the high watermark there. Without one it is bounded only if it gets
// more than DefaultFilterBacklog leaves room for.
func (f *filter) roomBelow() int {
	below := f.layer.under
	if below.bounds.writeMark.high != 0 {
		return below.outputRoom()
	}
	if room := max(DefaultFilterBacklog-below.outputToWrite(), 0); room < f.bev.output.Len() {
		return room
	}
	return -1
}

// fullBelow reports whether there is no room below. Then it is waited for.
func (f *filter) fullBelow() bool {
	below := f.layer.under
	full := below.outputFull() || below.bounds.writeMark.high == 0 && below.outputToWrite() >= DefaultFilterBacklog
	below.rare.roomWanted = below.rare.roomWanted || full
	return full
}

// runOut runs the output filter once. It leaves what is below corked, unless the
// filter panics.
func (f *filter) runOut(limit int, mode FlushMode) (moved bool, err error) {
	returned := false
	f.layer.under.cork()
	f.bev.output.Unfreeze(evbuffer.Front)
	defer func() {
		f.bev.output.Freeze(evbuffer.Front)
		if !returned {
			f.layer.under.uncork()
		}
	}()
	moved, err = run(f.out, f.bev.Output(), f.layer.under.Output(), limit, mode)
	returned = true
	return moved, err
}

// resumeOutput goes on with writing as far as possible.
func (f *filter) resumeOutput(opts TriggerOptions) {
	_, _ = f.processOutput(ModeNormal, true, opts) // an error has been reported as an event
	if err := f.finishOutput(opts); err != nil {
		f.bev.report(EventError|EventWriting, err, TrigDeferCallbacks)
	}
}

// processOutput runs the output filter as long as it makes progress, and tells
// the user if it has succeeded; if bounded, only if writing is enabled, and up to
// the high watermark below. It reports whether anything was moved, and with what
// error the filter has failed.
//
// What the write callback adds has to wait until what is below has been written;
// or at least for the loop, if nothing is there.
func (f *filter) processOutput(mode FlushMode, bounded bool, opts TriggerOptions) (moved bool, err error) {
	if f.writing {
		f.again = true
		return false, nil
	}
	if f.outDone {
		return false, nil
	}
	if bounded && !f.canWrite() {
		return false, nil
	}
	b := &f.bev
	silent := bounded && f.bev.output.Len() == 0 // unless the filter has kept something
	f.writing = true
	defer func() { f.writing = false }() // the filter or a callback may panic
	f.outDone = mode == ModeFinished
	ok, moved, err := f.drainOutput(mode, bounded)
	if !ok && moved && b.alive() { // it has taken what it wanted, and wants more
		f.bev.roomMade()
	}
	if ok && (moved || !silent) && b.alive() {
		b.restartTimeouts(event.Write)
		if f.bev.callbacks.write == nil {
			opts |= TrigDeferCallbacks // it may be set when Write has returned
		}
		f.bev.trigger(event.Write, opts)
	}
	f.writing = false
	again := f.again
	f.again = false
	switch {
	case !b.alive():
		return moved, nil
	case failed(err):
		err = opError("filter", err)
		f.failOutput(err, opts)
		return moved, err
	case again && (f.canWrite() || f.bev.closedWrite):
		f.layer.under.rare.roomWanted = true
		f.layer.under.roomMade()
	}
	return moved, nil
}

// drainOutput runs the output filter. ok says that it has succeeded at least
// once.
func (f *filter) drainOutput(mode FlushMode, bounded bool) (ok, moved bool, err error) {
	b, below := &f.bev, f.layer.under
	step := false
	for again := true; again; {
		limit := -1
		if bounded {
			limit = f.roomBelow()
		}
		step, err = f.runOut(limit, mode)
		if err == nil && !step && limit >= 0 && below.outputToWrite() == 0 && b.alive() {
			below.uncork()
			step, err = f.runOut(-1, mode) // no room that there will be is enough
		}
		filled := limit >= 0 && f.fullBelow() // so that it may have kept something
		below.uncork()
		ok, moved = ok || err == nil, moved || step
		left := b.output.Len() > 0
		stuck := !step && left && limit >= 0 && below.outputToWrite() > 0 // more room may help
		f.outputBlocked = err == nil && bounded && (f.fullBelow() || stuck)
		below.rare.roomWanted = below.rare.roomWanted || stuck
		again = err == nil && step && (left || filled) && !f.outputBlocked && b.enabled&event.Write != 0 && b.alive()
	}
	f.held = 0
	if !f.outputBlocked && (err != nil || !step) {
		f.held = b.output.Len()
	}
	b.holdOutput(f.held)
	return ok, moved, err
}

func (f *filter) failOutput(err error, opts TriggerOptions) {
	f.bev.disable(event.Write)
	f.bev.report(EventError|EventWriting, err, opts)
}

// finishOutput ends the stream below after CloseWrite: once the output filter has
// taken all it wants, it may give what it has kept back. The error is that of the
// stream below.
func (f *filter) finishOutput(opts TriggerOptions) error {
	b := &f.bev
	waits := b.output.Len() > f.held || f.outputBlocked || b.output.Len() > 0 && b.enabled&event.Write == 0
	if !b.closedWrite || f.closed || f.writing || waits || !f.bev.alive() {
		return nil
	}
	f.closed = true
	if _, err := f.processOutput(ModeFinished, false, opts); err != nil || !f.bev.alive() {
		return nil // the user was told
	}
	if f.bev.draining() {
		f.bev.writeEnded()
		return nil
	}
	return f.layer.under.CloseWrite()
}
