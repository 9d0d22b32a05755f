package evtls

import (
	"cmp"
	"io"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// connected is called when what is below is connected.
func (s *stream) connected() {
	switch {
	case s.opened(): // a connection that goes on elsewhere
		s.c.Event(bufferevent.EventConnected, nil)
	case s.phase == phaseWaiting:
		s.begin()
	}
}

// begin begins the handshake. A server waits for the client before it does
// anything that costs something.
func (s *stream) begin() {
	s.phase = phaseHandshaking
	if s.timeout > 0 {
		s.deadline.AddTimeout(s.timeout)
	}
	if s.state == Connecting {
		s.start()
	} else {
		s.driveHandshake()
	}
}

// start gives the handshake its first turn.
func (s *stream) start() {
	s.unnamed = nil
	if s.addressed {
		s.noteAddresses()
	}
	h := newHandshake(s.conn.tls, s.bev.Base(), s.workers)
	h.notify = func() { s.notify(h) }
	h.unhook = h.base.AfterFree(s.baseFreed)
	if s.phase == phaseFailed { // the base was freed already
		return
	}
	s.handshake = h
	s.conn.mem.wait = h.wait
	h.start()
	s.onTurn()
}

// notify is called by the handshake's goroutine when a turn ends that the loop
// does not wait for, or when it wants one. One that was given up has nothing more to tell.
func (s *stream) notify(h *handshake) {
	h.base.Post(func() {
		c := s.c
		if !c.Begin() {
			return
		}
		defer c.End()
		if s.handshake == h {
			h.endTurn()
			s.onTurn()
		}
	})
}

// internalError is the record of the alert of this name (RFC 8446 section 6),
// which a peer understands that has got nothing yet. crypto/tls sends none when it
// does not return.
var internalError = [...]byte{21, 3, 3, 0, 2, 2, 80}

// onTurn goes on when the handshake's goroutine has had its turn.
func (s *stream) onTurn() {
	h, m := s.handshake, &s.conn.mem
	if h.working {
		return // notify will come
	}
	if h.done {
		h.unhook()
	}
	if h.done && !h.returned && s.state == Accepting && !m.spoken {
		_, _ = m.Write(internalError[:]) // in memory, at an end that is not frozen
	}
	_ = s.under().Output().AddBuffer(m.out) // in memory, at an end that is not frozen
	switch {
	case !h.done:
		s.driveHandshake()
	case h.err != nil:
		s.handshake = nil
		s.fail(h.failure())
	default:
		s.handshake = nil
		s.established()
	}
}

// established is called when the handshake is done.
func (s *stream) established() {
	c := s.c
	s.deadline.Del()
	s.conn.done = true
	s.open()
	c.Event(bufferevent.EventConnected, nil)
	if !c.Alive() {
		return
	}
	if s.cut {
		s.layer.EndInput(bufferevent.EventReading|bufferevent.EventEOF, io.EOF)
	} else {
		s.layer.Pull(0)
	}
	if c.Alive() {
		s.OutputAdded()
	}
}

// open has the connection work on the buffers below, instead of those of the
// handshake, and the layer move data. What the handshake has not taken goes back.
func (s *stream) open() {
	s.phase = phaseOpen
	m := &s.conn.mem
	m.wait = nil
	if m.in != nil {
		_ = s.under().Input().PrependBuffer(m.in) // in memory, at an end that is not frozen
	}
	m.in, m.out = s.under().Input(), s.under().Output()
	s.layer.Open(s.conn.more)
}

// onRead is called when there is input below.
func (s *stream) onRead(*bufferevent.Bufferevent) {
	if c := s.c; c.Begin() {
		defer c.End()
		s.driveHandshake()
		s.layer.Pull(0)
	}
}

// driveHandshake gives the handshake what has arrived.
func (s *stream) driveHandshake() {
	if s.phase != phaseHandshaking || s.handshake != nil && s.handshake.working {
		return
	}
	m := &s.conn.mem
	n, err := s.under().Input().RemoveBuffer(m.in, maxHandshake)
	if err != nil {
		s.fail(err)
		return
	}
	if n == 0 && !s.cut {
		return
	}
	m.ended = s.cut && s.under().Input().Len() == 0
	switch {
	case !m.ready() && !m.ended:
	case s.handshake == nil:
		s.start()
	default:
		s.handshake.nextTurn()
		s.onTurn()
	}
}

// fail ends the connection before it was one.
func (s *stream) fail(err error) {
	if s.phase == phaseFailed {
		return
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	s.giveUp()
	s.deadline.Del()
	s.abort("handshake", err)
}

// giveUp ends the handshake if one is running. The memory is not ours then.
func (s *stream) giveUp() {
	if h := s.handshake; h != nil {
		s.handshake, s.abandoned = nil, true
		h.stop()
	}
}

// baseFreed ends the goroutine of a handshake when there is no loop any more that
// could go on with it.
func (s *stream) baseFreed() {
	if c := s.c; c.Begin() {
		defer c.End()
		s.phase = phaseFailed
		s.giveUp()
	}
}

// late returns why the handshake has taken too long.
func (s *stream) late() error {
	if h := s.handshake; h != nil {
		return cmp.Or(h.writeErr, ErrHandshakeTimeout)
	}
	return ErrHandshakeTimeout
}

// onDeadline is the callback of a handshake that takes too long.
func onDeadline(ev *event.Event, _ event.What) {
	s := ev.Data.(*stream)
	if c := s.c; c.Begin() {
		defer c.End()
		if !s.opened() {
			s.fail(s.late())
		}
	}
}
