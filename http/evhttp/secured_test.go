package evhttp

import (
	"crypto/tls"
	"errors"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A secured stream is one that passes everything on and says of itself that it is
// TLS: what evhttp knows of TLS it has from there.
type secured struct {
	bev   bufferevent.Bufferevent
	c     bufferevent.Control
	under *bufferevent.Bufferevent
	below bufferevent.Lower
	state tls.ConnectionState
}

// OverSecured makes a stream over another one, which it frees with itself.
func OverSecured(under *bufferevent.Bufferevent, state tls.ConnectionState) (*bufferevent.Bufferevent, error) {
	var err error
	s := &secured{under: under, state: state}
	if s.c, err = bufferevent.Init(&s.bev, under.Base(), s, bufferevent.CloseOnFree); err != nil {
		return nil, err
	}
	pass := func(*bufferevent.Bufferevent) { s.receive() }
	drained := func(*bufferevent.Bufferevent) { s.c.Triggered(event.Write) }
	s.below, err = s.c.Attach(under, pass, drained, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		s.c.Event(what, b.Err())
	})
	return &s.bev, errors.Join(err, s.c.UseTimers())
}

// NegotiatedProtocol implements bufferevent.Negotiator.
func (s *secured) NegotiatedProtocol() string { return s.state.NegotiatedProtocol }

func (s *secured) ConnectionState() tls.ConnectionState { return s.state }

func (s *secured) Underlying() *bufferevent.Bufferevent { return s.under }

func (s *secured) receive() {
	c := s.c
	if !c.Begin() {
		return
	}
	defer c.End()
	c.Input().Unfreeze(evbuffer.Back)
	s.bev.Input().AddBuffer(s.under.Input())
	c.Input().Freeze(evbuffer.Back)
	c.Triggered(event.Read)
}

func (s *secured) Enable(what event.What) error  { return s.under.Enable(what) }
func (s *secured) Disable(what event.What) error { return s.under.Disable(what) }
func (s *secured) InputRemoved()                 {}
func (s *secured) TimeoutsChanged()              {}
func (s *secured) CloseWrite() error             { return s.under.CloseWrite() }
func (s *secured) Unlink()                       { s.below.Detach(true) }

func (s *secured) OutputAdded() {
	out := s.c.Output()
	out.Unfreeze(evbuffer.Front)
	s.under.WriteBuffer(&out.Buffer)
	out.Freeze(evbuffer.Front)
}

func (s *secured) Flush(what event.What, mode bufferevent.FlushMode) (bool, error) {
	return s.under.Flush(what, mode)
}
