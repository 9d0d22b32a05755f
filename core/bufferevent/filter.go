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
// for it to do anything, whatever the limit. From a filter of input io.EOF says that the
// stream ends here: the event callback is told EventEOF after what was given, and what
// follows below stays there. Any other error ends the direction, and the event callback
// is told. It should not call methods of the bufferevents
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
	if err := f.layer.Attach(Control{&f.bev}, f, LayerEndsBelow, nil, nil); err != nil {
		return err
	}
	f.layer.Open(false)
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

// Decode implements Transform.
func (f *filter) Decode(src, dst *evbuffer.Buffer, limit int, mode FlushMode) error {
	return f.in(src, dst, limit, mode)
}

// Encode implements Transform.
func (f *filter) Encode(src, dst *evbuffer.Buffer, limit int, mode FlushMode) error {
	return f.out(src, dst, limit, mode)
}

// Failed implements Transform.
func (f *filter) Failed(what event.What, err error) (Events, error) {
	return EventError | eventFor(what), opError("filter", err)
}

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
	f.layer.Reset()
	f.layer.Open(false)
	return nil
}

// Enable implements Transport. A filter that has failed is called again.
func (f *filter) Enable(what event.What) error {
	if what&event.Read != 0 {
		f.layer.retryInput()
	}
	return f.layer.Enable(what)
}

// Disable implements Transport.
func (f *filter) Disable(what event.What) error { return f.layer.Disable(what) }

// OutputAdded implements Transport.
func (f *filter) OutputAdded() { f.layer.OutputAdded() }

// InputRemoved implements Transport.
func (f *filter) InputRemoved() { f.layer.InputRemoved() }

// TimeoutsChanged implements Transport.
func (f *filter) TimeoutsChanged() { f.layer.TimeoutsChanged() }

// Flush implements Transport.
func (f *filter) Flush(what event.What, mode FlushMode) (moved bool, err error) {
	return f.layer.Flush(what, mode)
}

// CloseWrite implements WriteCloser.
func (f *filter) CloseWrite() error { return f.layer.CloseWrite() }

// EndWriting implements Ender.
func (f *filter) EndWriting() { f.layer.EndWriting() }

// Unlink implements Transport.
func (f *filter) Unlink() {
	f.layer.Detach(f.bev.options&CloseOnFree != 0)
	if f.free != nil {
		f.free()
	}
}
