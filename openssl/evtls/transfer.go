package evtls

import (
	"errors"
	"io"
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// scratch has memory that records are decrypted into. It is copied from there,
// so that a short message does not occupy the memory of a long one.
var scratch = sync.Pool{New: func() any { return new([maxRecord]byte) }}

// pull decrypts what has arrived, as far as the high watermark allows, and tells
// the user.
func (s *stream) pull(opts bufferevent.TriggerOptions) {
	c := s.control()
	if s.pulling || s.ended || !s.open() || !c.Wants(event.Read) {
		return
	}
	s.pulling = true
	m := &s.conn.mem
	m.in.AddBuffer(s.under.Input())
	m.ended = s.below
	n, err := s.decrypt()
	s.under.Output().AddBuffer(&m.out) // alerts and key updates
	s.pulling = false
	s.ended = err != nil
	if n > 0 {
		c.RestartTimeouts(event.Read)
		s.bev.Trigger(event.Read, opts)
	}
	if err != nil && c.Alive() {
		s.end(err)
	}
}

// decrypt reads until there is nothing, or no room, and returns how much that
// was.
func (s *stream) decrypt() (total int, err error) {
	c, input := s.control(), s.bev.Input()
	p := scratch.Get().(*[maxRecord]byte)
	defer scratch.Put(p)
	for c.Wants(event.Read) && !c.InputFull() {
		room := p[:]
		if n := c.InputRoom(); n >= 0 {
			room = room[:min(n, len(room))]
		}
		n, err := s.conn.tls.Read(room)
		if n > 0 {
			total += n
			input.Unfreeze(evbuffer.Back)
			input.Add(room[:n])
			input.Freeze(evbuffer.Back)
		}
		if err == errNoData {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// end tells the user that there is nothing more to read, and why.
func (s *stream) end(err error) {
	what := bufferevent.EventReading | bufferevent.EventError
	switch {
	case err != io.EOF:
		err = opError("read", err)
	case !s.conn.mem.cut, s.flags&DirtyShutdown != 0:
		what = bufferevent.EventReading | bufferevent.EventEOF
	default:
		err = opError("read", io.ErrUnexpectedEOF)
	}
	s.bev.Disable(event.Read)
	s.control().Event(what, err)
}

// push encrypts output as long as there is not too much below, and tells the
// user if enough of it has gone.
func (s *stream) push() {
	c := s.control()
	if !s.open() || s.broken || s.closed {
		return
	}
	n := 0
	if c.Wants(event.Write) {
		var err error
		n, err = s.encrypt()
		if err != nil {
			s.breakWrite(err)
			return
		}
	}
	if s.closing && s.bev.Output().Len() == 0 {
		s.closeNotify()
	}
	if n > 0 {
		c.RestartTimeouts(event.Write)
		c.Triggered(event.Write)
	}
}

// encrypt returns how much of the output it has encrypted.
func (s *stream) encrypt() (total int, err error) {
	output, below, m := s.bev.Output(), s.under.Output(), &s.conn.mem
	output.Unfreeze(evbuffer.Front)
	defer output.Freeze(evbuffer.Front)
	for output.Len() > 0 && below.Len() < maxQueued && !s.lower().OutputFull() {
		p, err := s.piece(output)
		if err != nil {
			return total, err
		}
		n, err := s.conn.tls.Write(p)
		below.AddBuffer(&m.out)
		output.Drain(n)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// piece returns what comes next, at most a record's worth.
func (s *stream) piece(output *evbuffer.Buffer) ([]byte, error) {
	if s.flags&BatchWrite != 0 {
		return output.Pullup(min(output.Len(), maxRecord))
	}
	var vecs [1][]byte
	if _, err := output.Peek(1, nil, vecs[:]); err != nil {
		return nil, err
	}
	return vecs[0][:min(len(vecs[0]), maxRecord)], nil
}

func (s *stream) breakWrite(err error) {
	s.broken = true
	s.bev.Disable(event.Write)
	s.control().Event(bufferevent.EventWriting|bufferevent.EventError, opError("write", err))
}

// closeNotify says that we have ended. What the peer sends is still read.
func (s *stream) closeNotify() {
	s.closed = true
	if err := s.conn.tls.CloseWrite(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		s.breakWrite(err)
		return
	}
	s.under.Output().AddBuffer(&s.conn.mem.out)
}

// onRead is called when there is input below.
func (s *stream) onRead(*bufferevent.Bufferevent) {
	if c := s.control(); c.Begin() {
		s.shake()
		s.pull(0)
		c.End()
	}
}

// onWrite is called when there is room below.
func (s *stream) onWrite(*bufferevent.Bufferevent) {
	if c := s.control(); c.Begin() {
		s.push()
		c.End()
	}
}

// onEvent is called when something else has happened below.
func (s *stream) onEvent(under *bufferevent.Bufferevent, what bufferevent.Events) {
	const readEOF = bufferevent.EventEOF | bufferevent.EventReading
	c := s.control()
	if !c.Begin() {
		return
	}
	defer c.End()
	switch {
	case what&bufferevent.EventConnected != 0:
		if s.handshake == nil && !s.open() {
			s.begin()
		}
	case what&readEOF == readEOF:
		s.below = true
		s.shake()
		s.pull(0)
	case !s.open() && !s.ended:
		s.fail(under.Err())
	case !s.ended || what&bufferevent.EventWriting != 0:
		c.Event(what, under.Err())
	}
}
