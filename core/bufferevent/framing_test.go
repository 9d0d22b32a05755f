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
	layer       bufferevent.Layer
	closeOnFree bool
	greeted     bool // the other end has greeted us
	inFrame     int  // bytes of the frame that is arriving, and have not
	unlinked    *int // counts calls of Unlink
}

var _ interface {
	bufferevent.Transport
	bufferevent.Transform
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
	f := &framing{
		layer:       bufferevent.LayerOver(under),
		closeOnFree: opts&bufferevent.CloseOnFree != 0, unlinked: unlinked,
	}
	var err error
	if f.c, err = bufferevent.Init(&f.bev, under.Base(), f, opts); err != nil {
		return nil, err
	}
	if err := f.c.UseTimers(); err != nil {
		return nil, err
	}
	if err := f.layer.Attach(f.c, f, bufferevent.LayerEndsBelow, f.onRead, nil); err != nil {
		return nil, err
	}
	under.Lock()
	defer under.Unlock()
	if err := errors.Join(under.Output().AddString(greeting), under.Enable(both)); err != nil {
		f.layer.Detach(false)
		return nil, err
	}
	return &f.bev, nil
}

func (f *framing) String() string { return "framing" }

func (f *framing) Underlying() *bufferevent.Bufferevent { return f.layer.Underlying() }
func (f *framing) FD() int                              { return f.layer.FD() }
func (f *framing) Enable(what event.What) error         { return f.layer.Enable(what) }
func (f *framing) Disable(what event.What) error        { return f.layer.Disable(what) }
func (f *framing) OutputAdded()                         { f.layer.OutputAdded() }
func (f *framing) InputRemoved()                        { f.layer.InputRemoved() }
func (f *framing) TimeoutsChanged()                     { f.layer.TimeoutsChanged() }
func (f *framing) CloseWrite() error                    { return f.layer.CloseWrite() }

func (f *framing) Flush(what event.What, mode bufferevent.FlushMode) (bool, error) {
	return f.layer.Flush(what, mode)
}

// SetFD greets again.
func (f *framing) SetFD(fd int) error {
	if err := f.Underlying().SetFD(fd); err != nil {
		return err
	}
	f.greeted, f.inFrame = false, 0
	f.layer.Reset()
	return f.Underlying().Output().AddString(greeting)
}

func (f *framing) Unlink() {
	*f.unlinked++
	f.layer.Detach(f.closeOnFree)
}

func (f *framing) onRead(*bufferevent.Bufferevent) {
	if !f.c.Begin() {
		return
	}
	defer f.c.End()
	if !f.greeted {
		f.receiveGreeting()
	}
	f.layer.Pull(0)
}

func (f *framing) receiveGreeting() {
	in := f.Underlying().Input()
	if in.Len() < len(greeting) {
		return
	}
	p := make([]byte, len(greeting))
	in.Remove(p)
	if string(p) != greeting {
		f.bev.Disable(event.Read)
		f.c.Event(f.Failed(event.Read, errGreeting))
		return
	}
	f.greeted = true
	f.layer.Open(false)
	f.c.Event(bufferevent.EventConnected, nil)
	if f.c.Alive() {
		f.layer.OutputAdded() // what was written before
	}
}

// Decode takes a part of a frame.
func (f *framing) Decode(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	if f.inFrame == 0 {
		header := make([]byte, 2)
		if src.Len() < len(header) {
			return more(mode)
		}
		src.Remove(header)
		f.inFrame = int(binary.BigEndian.Uint16(header))
		switch {
		case f.inFrame == 0:
			return io.EOF
		case f.inFrame > maxFrame:
			return errFrame
		}
	}
	n := f.inFrame
	if limit >= 0 {
		n = min(n, limit)
	}
	n, err := src.RemoveBuffer(dst, n)
	f.inFrame -= n
	if n == 0 && err == nil {
		err = more(mode)
	}
	return err
}

// more says that more has to come, but not after the end.
func more(mode bufferevent.FlushMode) error {
	if mode == bufferevent.ModeFinished {
		return errTruncated
	}
	return bufferevent.ErrNeedMore
}

// Encode makes frames.
func (f *framing) Encode(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	for from := dst.Len(); src.Len() > 0 && (limit < 0 || dst.Len()-from < limit); {
		n := min(src.Len(), maxFrame)
		if err := dst.Add(binary.BigEndian.AppendUint16(nil, uint16(n))); err != nil {
			return err
		}
		if _, err := src.RemoveBuffer(dst, n); err != nil {
			return err
		}
	}
	if mode == bufferevent.ModeFinished {
		return dst.Add([]byte{0, 0})
	}
	return nil
}

// Failed says that each direction fails on its own.
func (f *framing) Failed(what event.What, err error) (bufferevent.Events, error) {
	if what == event.Read {
		return bufferevent.EventReading | bufferevent.EventError, err
	}
	return bufferevent.EventWriting | bufferevent.EventError, err
}
