package evtls

import (
	"io"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// begin begins the handshake.
func (s *stream) begin() {
	var h *handshake
	base := s.bev.Base()
	h = newHandshake(s.conn.tls, s.workers, func() { s.notify(base, h) })
	s.handshake = h
	s.conn.mem.wait = h.wait
	if s.timeout > 0 {
		s.deadline.AddTimeout(s.timeout)
	}
	s.turn(h.start)
}

// turn lets the handshake's goroutine work until it needs input.
func (s *stream) turn(work func()) {
	s.working = true
	if s.workers != nil {
		s.bev.Base().AddVirtual() // the loop has something to wait for
	}
	work()
	if s.workers == nil {
		s.worked()
	}
}

// notify is called by the handshake's goroutine when it has worked.
func (s *stream) notify(base *event.Base, h *handshake) {
	base.Post(func() {
		base.DelVirtual()
		if c := s.control(); c.Begin() {
			if s.handshake == h {
				s.worked()
			}
			c.End()
		}
	})
}

// worked is called when the handshake's goroutine has had its turn.
func (s *stream) worked() {
	h, m := s.handshake, &s.conn.mem
	s.working = false
	s.under.Output().AddBuffer(&m.out)
	if !h.done {
		s.shake()
		return
	}
	s.handshake = nil
	m.wait = nil
	s.deadline.Del()
	if h.err != nil {
		s.fail(h.err)
		return
	}
	s.conn.done = true
	s.control().Event(bufferevent.EventConnected, nil)
	if !s.control().Alive() {
		return
	}
	s.restBelow()
	s.pull(0)
	if s.control().Alive() {
		s.OutputAdded()
	}
}

// shake gives the handshake what has arrived.
func (s *stream) shake() {
	if s.handshake == nil || s.working {
		return
	}
	m := &s.conn.mem
	n, err := s.under.Input().RemoveBuffer(&m.in, maxHandshake)
	if err != nil {
		s.fail(err)
		return
	}
	if n == 0 && !s.below {
		return
	}
	m.ended = s.below && s.under.Input().Len() == 0
	s.turn(s.handshake.goOn)
}

// fail ends the connection before it was one. The user is told when the alert
// for the peer is on its way.
func (s *stream) fail(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if s.handshake != nil {
		s.handshake.stop()
		s.handshake = nil
	}
	s.deadline.Del()
	s.ended, s.broken = true, true
	s.failure = opError("handshake", err)
	s.bev.Disable(event.Read | event.Write)
	if !s.flushing {
		s.flushing = true
		s.bev.Base().AtEnd(s)
	}
}

// onDeadline is the callback of a handshake that takes too long.
func onDeadline(ev *event.Event, _ event.What) {
	s := ev.Data.(*stream)
	if c := s.control(); c.Begin() {
		if s.handshake != nil {
			s.fail(ErrHandshakeTimeout)
		}
		c.End()
	}
}
