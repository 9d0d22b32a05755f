package bufferevent_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// framing is a transport of another package: it sends what is written in frames,
// over any other bufferevent, after the two ends have greeted each other. A frame
// is a length of two bytes and as many bytes; the frame of length zero is the end
// of the stream, and without it the stream is broken. It is to show, and test,
// that what the package exports is enough for that.
type framing struct {
	bev         bufferevent.Bufferevent
	c           bufferevent.Control
	under       *bufferevent.Bufferevent
	lower       bufferevent.Lower
	closeOnFree bool

	greeted  bool // the other end has greeted us
	closing  bool // CloseWrite was called
	closed   bool // we have sent the last frame
	ended    bool // we have got the last frame
	cut      bool // the stream below has ended
	working  bool // a method runs that moves data
	inFrame  int  // bytes of the frame that is arriving, and have not
	unlinked *int // counts calls of Unlink
}

var _ interface {
	bufferevent.Transport
	bufferevent.Wrapper
	bufferevent.Describer
	bufferevent.WriteCloser
	fmt.Stringer
} = (*framing)(nil)

const (
	greeting = "HELO"
	maxFrame = 1000
)

var (
	errGreeting  = errors.New("framing: bad greeting")
	errFrame     = errors.New("framing: frame is too long")
	errTruncated = errors.New("framing: stream ended without the last frame")
)

// newFraming makes a bufferevent of this kind. The event callback gets
// EventConnected when the other end has greeted.
func newFraming(under *bufferevent.Bufferevent, opts bufferevent.Options, unlinked *int) (*bufferevent.Bufferevent, error) {
	f := &framing{under: under, closeOnFree: opts&bufferevent.CloseOnFree != 0, unlinked: unlinked}
	var err error
	if f.c, err = bufferevent.Init(&f.bev, under.Base(), f, opts); err != nil {
		return nil, err
	}
	if err := f.control().UseTimers(); err != nil {
		return nil, err
	}
	if f.lower, err = f.c.Attach(under, f.onRead, f.onWrite, f.onEvent); err != nil {
		return nil, err
	}
	under.Lock()
	defer under.Unlock()
	if err := under.Output().AddString(greeting); err != nil {
		f.lower.Detach(false)
		return nil, err
	}
	if err := under.Enable(both); err != nil {
		f.lower.Detach(false)
		return nil, err
	}
	return &f.bev, nil
}

func (f *framing) String() string { return "framing" }

func (f *framing) control() bufferevent.Control { return f.c }
func (f *framing) below() bufferevent.Lower     { return f.lower }

func (f *framing) Underlying() *bufferevent.Bufferevent { return f.under }
func (f *framing) FD() int                              { return f.under.FD() }

func (f *framing) SetFD(fd int) error {
	if err := f.under.SetFD(fd); err != nil {
		return err
	}
	f.greeted, f.closing, f.closed, f.ended, f.cut, f.inFrame = false, false, false, false, false, 0
	f.control().BeginAnew()
	f.below().Resume(event.Read)
	return f.under.Output().AddString(greeting)
}

// Enable reads on, or writes what has waited.
func (f *framing) Enable(what event.What) error {
	f.control().RestartTimeouts(what)
	if what&event.Read != 0 {
		f.below().Resume(event.Read)
		f.read(bufferevent.TrigDeferCallbacks)
	}
	if what&event.Write != 0 {
		f.write(bufferevent.TrigDeferCallbacks)
	}
	return nil
}

// Disable stops reading, but not before the greeting has arrived.
func (f *framing) Disable(what event.What) error {
	f.control().StopTimeouts(what)
	if what&event.Read != 0 && f.greeted {
		f.below().Suspend(event.Read)
	}
	return nil
}

func (f *framing) OutputAdded()     { f.write(0) }
func (f *framing) InputRemoved()    { f.read(bufferevent.TrigDeferCallbacks) }
func (f *framing) TimeoutsChanged() { f.control().RestartTimeouts(both) }

func (f *framing) Flush(what event.What, mode bufferevent.FlushMode) (bool, error) {
	return f.under.Flush(what, mode)
}

func (f *framing) CloseWrite() error {
	f.closing = true
	f.write(bufferevent.TrigDeferCallbacks)
	return nil
}

func (f *framing) Unlink() {
	*f.unlinked++
	f.lower.Detach(f.closeOnFree)
}

func (f *framing) onRead(*bufferevent.Bufferevent) {
	if c := f.control(); c.Begin() {
		f.read(0)
		c.End()
	}
}

func (f *framing) onWrite(*bufferevent.Bufferevent) {
	if c := f.control(); c.Begin() {
		f.write(0)
		c.End()
	}
}

func (f *framing) onEvent(under *bufferevent.Bufferevent, what bufferevent.Events) {
	c := f.control()
	if !c.Begin() {
		return
	}
	defer c.End()
	switch end := bufferevent.EventReading | bufferevent.EventEOF; {
	case what&end != end:
		c.Event(what, under.Err())
	default: // there may be frames below that the user has had no room for
		f.cut = true
		f.read(0)
	}
}

// fail ends reading with an error.
func (f *framing) fail(err error) {
	f.bev.Disable(event.Read)
	f.control().Event(bufferevent.EventReading|bufferevent.EventError, err)
}

// read takes frames from what is below, as long as the user wants them.
func (f *framing) read(opts bufferevent.TriggerOptions) {
	c := f.control()
	if f.working || !f.greeted && !f.receiveGreeting(opts) {
		return
	}
	f.working = true
	before := f.bev.Input().Len()
	var err error
	for again := true; again && err == nil && !f.ended && c.Alive() && c.Wants(event.Read) && !c.InputFull(); {
		if again, err = f.readSome(); err == nil && !again && f.cut {
			err = errTruncated
		}
	}
	f.working = false
	if f.bev.Input().Len() > before {
		c.RestartTimeouts(event.Read)
		f.bev.Trigger(event.Read, opts)
	}
	switch {
	case err == nil || !c.Alive():
	case err == io.EOF:
		c.EventDeferred(bufferevent.EventReading|bufferevent.EventEOF, io.EOF)
	default:
		f.fail(err)
	}
}

// receiveGreeting reports whether the other end has greeted.
func (f *framing) receiveGreeting(opts bufferevent.TriggerOptions) bool {
	in := f.under.Input()
	if in.Len() < len(greeting) {
		return false
	}
	p := make([]byte, len(greeting))
	in.Remove(p)
	if string(p) != greeting {
		f.fail(errGreeting)
		return false
	}
	f.greeted = true
	if !f.control().Wants(event.Read) {
		f.below().Suspend(event.Read)
	}
	f.bev.TriggerEvent(bufferevent.EventConnected, nil, opts)
	f.write(opts)
	return f.control().Alive()
}

// readSome takes a part of a frame, and reports whether there may be more.
func (f *framing) readSome() (again bool, err error) {
	in := f.under.Input()
	if f.inFrame == 0 {
		header := make([]byte, 2)
		if in.Len() < len(header) {
			return false, nil
		}
		in.Remove(header)
		f.inFrame = int(binary.BigEndian.Uint16(header))
		switch {
		case f.inFrame == 0:
			f.ended = true
			return false, io.EOF
		case f.inFrame > maxFrame:
			return false, errFrame
		}
	}
	n := f.inFrame
	if room := f.control().InputRoom(); room >= 0 {
		n = min(n, room)
	}
	f.control().Input().Unfreeze(evbuffer.Back)
	n, err = in.RemoveBuffer(f.bev.Input(), n)
	f.control().Input().Freeze(evbuffer.Back)
	f.inFrame -= n
	return n > 0, err
}

// write sends what is in the output, as far as there is room below.
func (f *framing) write(opts bufferevent.TriggerOptions) {
	c, out := f.control(), f.control().Output()
	if f.working || !f.greeted || f.closed || !c.Wants(event.Write) {
		return
	}
	f.working = true
	f.below().Cork() // headers and what belongs to them go together
	sent := 0
	for out.Len() > 0 && !f.below().OutputFull() && c.Alive() {
		n := min(out.Len(), maxFrame)
		f.under.Output().Add(binary.BigEndian.AppendUint16(nil, uint16(n)))
		out.Unfreeze(evbuffer.Front)
		out.RemoveBuffer(f.under.Output(), n)
		out.Freeze(evbuffer.Front)
		sent += n
	}
	f.below().Uncork()
	f.working = false
	if sent > 0 {
		f.bev.Trigger(event.Write, opts)
	}
	c.RestartTimeouts(event.Write)
	if f.closing && out.Len() == 0 && c.Alive() {
		f.closed = true
		f.under.Output().Add([]byte{0, 0})
		if err := f.under.CloseWrite(); err != nil {
			c.EventDeferred(bufferevent.EventWriting|bufferevent.EventError, err)
		}
	}
}
