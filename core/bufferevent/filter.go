package bufferevent

import (
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Filter takes data from the front of src, as much as it likes, and puts what
// it makes of that at the back of dst: no more than limit bytes, if that is not
// negative. mode says whether it may keep something back: with ModeFlush it
// should not, with ModeFinished nothing will come after this.
//
// It returns nil if it has done what it could; it is called again while it makes
// progress. ErrNeedMore says that src has not enough for it to do anything. Any
// other error ends the direction, and the event callback is told
// (bufferevent_filter_cb).
type Filter func(src, dst *evbuffer.Buffer, limit int, mode FlushMode) error

// filter is the transport over another bufferevent, through functions that
// change the data.
type filter struct {
	bev     Bufferevent
	under   *Bufferevent
	in, out Filter
	free    func()

	ended   bool // the stream below has ended
	reading bool // in runs
	writing bool // out runs, or the write callback because of it
}

// NewFilter makes a bufferevent whose input is what in makes of the input of
// under, and whose output goes through out to the output of under; nil passes
// everything on. From now on under belongs to the filter: it has its callbacks,
// both of its directions enabled, and is read when the filter's reading is
// enabled. It can be of any kind, a filter as well.
//
// With CloseOnFree it is freed with the filter; otherwise the user has it back
// then, without callbacks. With ThreadSafe it gets the lock, too. free, if it is
// not nil, is called when the filter has been freed, to give back what in and
// out use. The errors are those of Init (bufferevent_filter_new).
func NewFilter(under *Bufferevent, in, out Filter, opts Options, free func()) (*Bufferevent, error) {
	if under == nil {
		return nil, opError("new filter", ErrNil)
	}
	if in == nil {
		in = pass
	}
	if out == nil {
		out = pass
	}
	if !under.begin() {
		return nil, opError("new filter", ErrFreed)
	}
	defer under.end()
	f := &filter{under: under, in: in, out: out, free: free}
	if err := Init(&f.bev, under.base, f, opts); err != nil {
		return nil, err
	}
	if err := f.control().UseTimers(); err != nil {
		return nil, opError("new filter", err)
	}
	below := (*Control)(under)
	below.Attach(f, f.onRead, f.onWrite, f.onEvent)
	under.suspend(event.Read, suspendFilter) // until reading is enabled here
	if err := under.Enable(both); err != nil {
		below.Detach(f, false)
		return nil, opError("new filter", err)
	}
	return &f.bev, nil
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

func (f *filter) control() *Control { return (*Control)(&f.bev) }

// Underlying implements Wrapper.
func (f *filter) Underlying() *Bufferevent { return f.under }

// FD implements Describer.
func (f *filter) FD() int { return f.under.FD() }

// SetFD implements Describer.
func (f *filter) SetFD(fd int) error { return f.under.SetFD(fd) }

// Enable implements Transport. What has waited goes through at once, and the
// loop tells the user.
func (f *filter) Enable(what event.What) error {
	f.control().RestartTimeouts(what)
	if what&event.Read != 0 {
		f.under.resume(event.Read, suspendFilter)
		f.catchUp()
	}
	if what&event.Write != 0 {
		f.processOutput(ModeNormal)
	}
	return nil
}

// catchUp processes what has been left below, and has the loop tell the user.
func (f *filter) catchUp() {
	if f.under.input.Len() == 0 && !f.ended || f.reading {
		return
	}
	before := f.bev.input.Len()
	f.processInput(f.inputMode())
	if f.bev.input.Len() > before {
		f.bev.trigger(event.Read, TrigDeferCallbacks)
	}
}

func (f *filter) inputMode() FlushMode {
	if f.ended {
		return ModeFinished
	}
	return ModeNormal
}

// Disable implements Transport.
func (f *filter) Disable(what event.What) error {
	f.control().StopTimeouts(what)
	if what&event.Read != 0 {
		f.under.suspend(event.Read, suspendFilter)
	}
	return nil
}

// OutputAdded implements Transport.
func (f *filter) OutputAdded() {
	f.processOutput(ModeNormal)
	if w := f.bev.write; f.bev.output.Len() > 0 && (w == nil || w.Pending(event.Timeout) == 0) {
		f.control().RestartTimeouts(event.Write)
	}
}

// InputRemoved implements Transport.
func (f *filter) InputRemoved() {
	if f.control().Wants(event.Read) {
		f.catchUp()
	}
}

// TimeoutsChanged implements Transport.
func (f *filter) TimeoutsChanged() { f.control().RestartTimeouts(both) }

// Flush implements Transport, also for what is below.
func (f *filter) Flush(what event.What, mode FlushMode) (bool, error) {
	moved := false
	if what&event.Read != 0 {
		before := f.bev.input.Len()
		moved = f.processInput(mode)
		if f.bev.input.Len() > before {
			f.control().Triggered(event.Read)
		}
	}
	if what&event.Write != 0 && f.control().Alive() {
		moved = f.processOutput(mode) || moved
	}
	below, err := f.under.Flush(what, mode)
	return moved || below, err
}

// CloseWrite implements WriteCloser: the filter finishes, and so does what is
// below.
func (f *filter) CloseWrite() error {
	f.processOutput(ModeFinished)
	return f.under.CloseWrite()
}

// Unlink implements Transport.
func (f *filter) Unlink() {
	f.under.resume(event.Read, suspendFilter)
	(*Control)(f.under).Detach(f, f.bev.options&CloseOnFree != 0)
	if f.free != nil {
		f.free()
	}
}

// onRead is called when there is input below.
func (f *filter) onRead(*Bufferevent) {
	if !f.bev.begin() {
		return
	}
	if f.processInput(f.inputMode()) {
		f.control().Triggered(event.Read)
	}
	f.bev.end()
}

// onWrite is called when there is room below.
func (f *filter) onWrite(*Bufferevent) {
	if !f.bev.begin() {
		return
	}
	f.processOutput(ModeNormal)
	f.bev.end()
}

// onEvent is called when something else has happened below. Before an end of
// the stream comes everything that has been kept back.
func (f *filter) onEvent(under *Bufferevent, what Events) {
	if !f.bev.begin() {
		return
	}
	if what&(EventEOF|EventReading) == EventEOF|EventReading {
		f.ended = true
		before := f.bev.input.Len()
		f.processInput(ModeFinished)
		if f.bev.input.Len() > before {
			f.control().Triggered(event.Read)
		}
	}
	f.control().Event(what, under.err)
	f.bev.end()
}

// processInput runs the input filter as long as it makes progress, and reports
// whether it has succeeded at all.
func (f *filter) processInput(mode FlushMode) (ok bool) {
	b, c := &f.bev, f.control()
	if mode == ModeNormal && (b.enabled&event.Read == 0 || c.InputFull()) || f.reading {
		return false
	}
	f.reading = true
	defer func() { f.reading = false }()
	for {
		limit := -1
		if mode == ModeNormal {
			limit = c.InputRoom()
		}
		b.input.Unfreeze(evbuffer.Back)
		moved, err := run(f.in, &f.under.input, &b.input, limit, mode)
		b.input.Freeze(evbuffer.Back)
		if err != nil {
			f.fail(event.Read, err)
			break
		}
		ok = true
		if !moved || f.under.input.Len() == 0 || b.enabled&event.Read == 0 || mode == ModeNormal && c.InputFull() {
			break
		}
	}
	if ok {
		c.RestartTimeouts(event.Read)
	}
	return ok
}

// processOutput runs the output filter as long as it makes progress and there is
// room below, and then the write callback. What that adds goes through when what
// is below has been written; or at once, if the filter has given nothing that
// could be. It reports whether the filter has succeeded at all.
func (f *filter) processOutput(mode FlushMode) (ok bool) {
	c := f.control()
	if f.writing || mode == ModeNormal && !f.canWrite(mode) {
		return false
	}
	f.writing = true
	defer func() { f.writing = false }()
	for again := true; again; {
		done, moved, err := f.drainOutput(mode)
		if err != nil {
			f.fail(event.Write, err)
		}
		if done && c.Alive() {
			ok = true
			c.RestartTimeouts(event.Write)
			c.Triggered(event.Write)
		}
		again = moved && err == nil && f.under.output.Len() == 0 && f.canWrite(mode)
	}
	return ok
}

// canWrite reports whether there is something to write, and room for it below.
func (f *filter) canWrite(mode FlushMode) bool {
	full := mode == ModeNormal && (*Control)(f.under).OutputFull()
	return f.bev.enabled&event.Write != 0 && f.bev.output.Len() > 0 && !full
}

// drainOutput runs the output filter until there is nothing to do. done says
// that it has succeeded at least once, moved that it still did in the end.
func (f *filter) drainOutput(mode FlushMode) (done, moved bool, err error) {
	b := &f.bev
	for {
		limit := -1
		if mode == ModeNormal {
			limit = (*Control)(f.under).OutputRoom()
		}
		b.output.Unfreeze(evbuffer.Front)
		moved, err = run(f.out, &b.output, &f.under.output, limit, mode)
		b.output.Freeze(evbuffer.Front)
		if err != nil {
			return done, moved, err
		}
		done = true
		if !moved || !f.canWrite(mode) {
			return done, moved, nil
		}
	}
}

// run runs a filter once and reports whether that has moved anything.
func run(fn Filter, src, dst *evbuffer.Buffer, limit int, mode FlushMode) (moved bool, err error) {
	from, to := src.Len(), dst.Len()
	err = fn(src, dst, limit, mode)
	return src.Len() != from || dst.Len() != to, err
}

// fail tells the user what a filter has returned, if that is an error.
func (f *filter) fail(what event.What, err error) {
	if errors.Is(err, ErrNeedMore) {
		return
	}
	f.bev.disable(what)
	f.control().Event(EventError|eventFor(what), opError("filter", err))
}
