package evhttp

import (
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// Free closes everything at once. Streams of connections without a request still
// say that they have ended, if that can be said without waiting (evhttp_free).
func (s *Server) Free() {
	s.unhook()
	s.freed = true
	s.closeBounds()
	if s.deadline.Initialized() {
		s.deadline.Del()
	}
	s.onEmpty = nil
	for len(s.conns) > 0 {
		s.conns[len(s.conns)-1].Free()
	}
	s.cutLeaving()
}

// baseFreed is called when no loop will end anything any more.
func (s *Server) baseFreed() {
	s.freed = true
	s.closeBounds()
	done := s.onEmpty
	s.onEmpty = nil
	for len(s.conns) > 0 {
		s.conns[len(s.conns)-1].session().fail(event.ErrFreed)
	}
	s.cutLeaving()
	if done != nil {
		done(event.ErrFreed)
	}
}

// closeGracefully ends a stream in order. It is in leaving until it has ended.
func (s *Server) closeGracefully(b *bufferevent.Bufferevent) {
	if b.Underlying() == nil && b.FD() >= 0 && b.Output().Len() == 0 { // a socket that is closed says all there is to say
		b.Free()
		return
	}
	over := false
	b.FreeWhenWrittenFunc(s.cfg.Timeouts.Write, func(error) {
		over = true
		if s.leaving.has(b) {
			delete(s.leaving, b)
			s.gone()
		}
	})
	if over {
		return
	}
	if s.leaving == nil {
		s.leaving = make(turns[*bufferevent.Bufferevent])
	}
	s.turn++
	s.leaving[b] = s.turn
}

// cutLeaving ends at once what is to end in order.
func (s *Server) cutLeaving() {
	for b := range s.leaving.inOrder() {
		b.Free()
	}
	clear(s.leaving)
}

// gone is called when a connection or stream has gone.
func (s *Server) gone() {
	if s.onEmpty != nil && s.unused() {
		// The error is that the base was freed, and nothing is told any more.
		_ = s.base.Post(func() { s.empty(nil) })
	}
}

// unused reports whether nothing is left of any connection.
func (s *Server) unused() bool { return len(s.conns)+len(s.leaving) == 0 }

// Shutdown accepts nothing any more, closes the connections that have no request,
// and the others when they have answered theirs. What is left after a time is
// closed as it is; 0 is to wait as long as it takes. done, which may be nil, is
// called on the loop when there is no connection left, with ErrDeadline if some
// had to be closed; or when the base is freed before that, with [event.ErrFreed]. Free is
// still to be called.
func (s *Server) Shutdown(after time.Duration, done func(err error)) error {
	s.draining = true
	s.onEmpty = done
	if s.onEmpty == nil {
		s.onEmpty = func(error) {}
	}
	s.closeBounds()
	for _, c := range slices.Clone(s.conns) {
		if !c.freed { // by the end of another one
			c.session().drain()
		}
	}
	if s.unused() {
		return s.base.Post(func() { s.empty(nil) })
	}
	if after <= 0 {
		return nil
	}
	if !s.deadline.Initialized() {
		s.deadline.Data = s
		if err := s.deadline.AssignTimer(s.base, onDeadline); err != nil {
			return err
		}
	}
	return s.deadline.AddTimeout(after)
}

func onDeadline(ev *event.Event, _ event.What) { ev.Data.(*Server).cutOff() }

// cutOff ends a shutdown by closing the connections that are left.
func (s *Server) cutOff() {
	done := s.onEmpty
	s.onEmpty = nil
	for len(s.conns) > 0 {
		c := s.conns[len(s.conns)-1]
		c.shut(c.role.betweenMessages())
	}
	s.cutLeaving()
	if done != nil {
		done(ErrDeadline)
	}
}

// empty calls the callback of Shutdown when there is no connection left.
func (s *Server) empty(err error) {
	if fn := s.onEmpty; fn != nil && s.unused() {
		s.onEmpty = nil
		if s.deadline.Initialized() {
			s.deadline.Del()
		}
		fn(err)
	}
}

func (s *Server) closesAfter(count int) bool {
	return s.draining || s.cfg.MaxRequests > 0 && count >= s.cfg.MaxRequests
}
