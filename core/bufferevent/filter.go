package bufferevent

import (
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Filter takes data from the front of src, as much as it likes, and puts what
// it makes of that at the back of dst: no more than limit bytes, if that is not
// negative. mode says whether it may keep something back: with ModeFlush it
// should not, and ModeFinished comes once, without a limit, at the end of the
// stream, when the filter has taken from src what it wanted: nothing is called after
// it, unless the stream goes on that a Flush has ended.
//
// It returns nil if it has done what it could, and is called again while it
// makes progress and there is more: in src, or, if it has filled dst up to the
// limit, perhaps in what it has kept. ErrNeedMore says that src has not enough
// for it to do anything, whatever the limit. Any other error ends the direction,
// and the event callback is told. It should not call methods of the bufferevents
// it stands between, Free excepted. One that returns nil and has done nothing gets
// more room as soon as there is some, and no limit if there will not be more
// (bufferevent_filter_cb).
type Filter func(src, dst *evbuffer.Buffer, limit int, mode FlushMode) error

// filter is the transport over another bufferevent, through functions that
// change the data.
type filter struct {
	bev     Bufferevent
	layer   Layer
	in, out Filter
	free    func()

	reading      bool // in runs
	inputBlocked bool // in has more to do, once there is room and reading is enabled

	writing       bool // out runs, or the write callback because of it
	again         bool // there was a call to write meanwhile
	outputBlocked bool // out has more to do, once there is room
	held          int  // how much out has left for want of more, not of room
	closed        bool // the stream below was ended, or is to be freed

	inDone, outDone bool // in, out was told that nothing more comes
	left            int  // how much in has left then

	timedOut event.What // what a timeout has disabled below
}

// NewFilter makes a bufferevent whose input is what in makes of the input of
// under, and whose output goes through out to the output of under; nil passes
// everything on. From now on under belongs to the filter: it has its callbacks,
// both of its directions enabled, and is read when the filter's reading is
// enabled. It can be of any kind, a filter as well. Its high watermark for
// writing bounds what out puts there, or else DefaultFilterBacklog does; more waits
// in the filter's output. What a filter leaves in a buffer because it needs more does
// not count against the watermarks there.
//
// The end of the stream below is reported once in, with ModeFinished, has given
// all there was, and the user has made room for it. CloseWrite ends the stream
// below once out has.
//
// With CloseOnFree under is freed with the filter; otherwise the user has it
// back then, without callbacks. With ThreadSafe it gets the lock, too, see Init.
// free, if it is not nil, is called when the filter has been freed, to give back
// what in and out use. The errors are those of Init. If NewFilter fails, it has freed
// under if opts has CloseOnFree, and not called free (bufferevent_filter_new).
func NewFilter(under *Bufferevent, in, out Filter, opts Options, free func()) (*Bufferevent, error) {
	b, err := makeFilter(under, in, out, opts, free)
	if err != nil && under != nil && opts&CloseOnFree != 0 {
		under.Free()
	}
	return b, err
}

func makeFilter(under *Bufferevent, in, out Filter, opts Options, free func()) (*Bufferevent, error) {
	const op = "new filter"
	if under == nil {
		return nil, opError(op, event.ErrNil)
	}
	if in == nil {
		in = pass
	}
	if out == nil {
		out = pass
	}
	f := &filter{layer: LayerOver(under), in: in, out: out}
	if !under.alive() {
		return nil, opError(op, ErrFreed)
	}
	if err := f.bev.init(under.base, f, opts); err != nil {
		return nil, err
	}
	if err := f.attach(); err != nil {
		f.bev.options &^= CloseOnFree
		f.bev.Free()
		return nil, opError(op, err)
	}
	f.free = free
	return &f.bev, nil
}

// attach takes over what is below.
func (f *filter) attach() error {
	under := f.layer.under
	if !under.begin() {
		return ErrFreed
	}
	defer under.end()
	if err := f.layer.Attach(Control{&f.bev}, f.onRead, f.onWrite, f.onEvent); err != nil {
		return err
	}
	f.layer.PauseReading(true) // until reading is enabled here
	f.inputBlocked = under.input.Len() > 0
	if err := f.bev.useTimers(); err != nil {
		return err
	}
	return under.Enable(both)
}

// pass is the filter that changes nothing.
func pass(src, dst *evbuffer.Buffer, limit int, _ FlushMode) error {
	if limit < 0 {
		return dst.AddBuffer(src)
	}
	_, err := src.RemoveBuffer(dst, limit)
	return err
}

func (f *filter) String() string { return "filter" }

// Underlying implements Wrapper.
func (f *filter) Underlying() *Bufferevent { return f.layer.Underlying() }

// FD implements Describer.
func (f *filter) FD() int { return f.layer.FD() }

// SetFD implements Describer. What has happened to the old descriptor is
// forgotten.
func (f *filter) SetFD(fd int) error {
	if err := f.layer.under.SetFD(fd); err != nil {
		return err
	}
	f.layer.ForgetEnd()
	f.inputBlocked, f.outputBlocked, f.closed = false, false, false
	f.inDone, f.outDone = false, false
	f.bev.beginAnew()
	return nil
}

// Enable implements Transport. What has waited goes through at once, and the
// loop tells the user.
func (f *filter) Enable(what event.What) error {
	f.bev.restartTimeouts(what)
	if again := what & f.timedOut; again != 0 {
		f.timedOut &^= again
		if err := f.layer.under.Enable(again); err != nil {
			return err
		}
	}
	if what&event.Read != 0 {
		if f.layer.under.input.Len() == 0 {
			f.resumeInput() // with what in has kept; what arrives now is told by itself
		}
		f.layer.PauseReading(false)
		f.resumeInput()
	}
	if what&event.Write != 0 && (f.bev.closedWrite || f.outputBlocked || f.bev.output.Len() > f.held) {
		f.resumeOutput(TrigDeferCallbacks)
	}
	return nil
}

// Disable implements Transport.
func (f *filter) Disable(what event.What) error {
	f.bev.stopTimeouts(what)
	if what&event.Read != 0 {
		f.layer.PauseReading(true)
	}
	return nil
}

// OutputAdded implements Transport.
func (f *filter) OutputAdded() {
	f.outDone = false // it was a flush that has said so
	f.resumeOutput(0)
	if w := f.bev.write; f.bev.output.Len() > 0 && (w == nil || w.Pending(event.Timeout) == 0) {
		f.bev.restartTimeouts(event.Write)
	}
}

// InputRemoved implements Transport.
func (f *filter) InputRemoved() { f.resumeInput() }

// TimeoutsChanged implements Transport.
func (f *filter) TimeoutsChanged() {
	f.bev.restartTimeouts(both)
	f.layer.LendTimeout()
}

// Flush implements Transport, also for what is below. What a filter there gives
// because of that is flushed in its turn.
func (f *filter) Flush(what event.What, mode FlushMode) (moved bool, err error) {
	b := &f.bev
	if what&event.Read != 0 {
		moved = f.flushInput(mode)
	}
	if what&event.Write != 0 && b.alive() {
		written, _ := f.processOutput(mode, mode == ModeNormal, 0)
		moved = written || moved
	}
	if !b.alive() {
		return moved, nil
	}
	below, err := f.layer.under.Flush(what, mode)
	if below && what&event.Read != 0 && mode != ModeNormal && f.layer.under.wrapped() != nil && b.alive() {
		moved = f.flushInput(mode) || moved
	}
	return moved || below, err
}

// flushInput runs the input filter, and tells the user.
func (f *filter) flushInput(mode FlushMode) (moved bool) {
	_, moved = f.processInput(mode, mode == ModeNormal)
	if moved = f.finishInput() || moved; moved {
		opts := TriggerOptions(0)
		if f.bev.callbacks.read == nil {
			opts = TrigDeferCallbacks // it may be set when Flush has returned
		}
		f.bev.trigger(event.Read, opts)
	}
	f.layer.ReportEnd(0)
	return moved
}

// CloseWrite implements WriteCloser.
func (f *filter) CloseWrite() error {
	_, _ = f.processOutput(ModeNormal, true, TrigDeferCallbacks) // an error has been reported as an event
	return f.finishOutput(TrigDeferCallbacks)
}

// EndWriting implements Ender.
func (f *filter) EndWriting() {
	_ = f.CloseWrite() // the event callback is told of errors
	if f.closed && !f.bev.brokenWrite {
		f.bev.writeEnded()
	}
}

// Unlink implements Transport.
func (f *filter) Unlink() {
	f.layer.Detach(f.bev.options&CloseOnFree != 0)
	if f.free != nil {
		f.free()
	}
}

// onRead is called when there is input below: a stream that a flush has ended goes
// on.
func (f *filter) onRead(*Bufferevent) {
	if !f.bev.begin() {
		return
	}
	defer f.bev.end()
	f.inDone = f.inDone && f.layer.under.input.Len() <= f.left
	if ok, _ := f.receive(); ok {
		f.bev.trigger(event.Read, 0)
	}
	f.layer.ReportEnd(0)
}

// onWrite is called when there is room below.
func (f *filter) onWrite(*Bufferevent) {
	if f.bev.begin() {
		defer f.bev.end()
		f.resumeOutput(0)
	}
}

// noteTimeout disables what has timed out below, which enabling it here enables
// again.
func (f *filter) noteTimeout() {
	x := f.layer.under.rare
	f.timedOut |= x.expired
	if x.expired != 0 {
		f.bev.expire(x.expired)
	}
	x.expired = 0
}

// onEvent is called when something else has happened below. An end of the
// stream waits for what has been kept back.
func (f *filter) onEvent(under *Bufferevent, what Events) {
	if !f.bev.begin() {
		return
	}
	defer f.bev.end()
	if what.Outcome() == InputEnded {
		f.layer.NoteEnd(what, under.Err())
		f.layer.endReady = false // in may give more
		if _, moved := f.receive(); moved {
			f.bev.trigger(event.Read, 0)
		}
		f.layer.ReportEnd(0)
	} else {
		if what&EventTimeout != 0 {
			f.noteTimeout()
		}
		f.bev.report(what, under.Err(), 0)
	}
}
