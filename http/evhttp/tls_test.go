package evhttp

import (
	"crypto/tls"
	"errors"
	"testing"

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

// overSecured makes a stream over a socket.
func overSecured(base *event.Base, fd int, state tls.ConnectionState) (*bufferevent.Bufferevent, error) {
	under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	s := &secured{under: under, state: state}
	if s.c, err = bufferevent.Init(&s.bev, base, s, bufferevent.CloseOnFree); err != nil {
		return nil, err
	}
	pass := func(*bufferevent.Bufferevent) { s.receive() }
	drained := func(*bufferevent.Bufferevent) { s.c.Triggered(event.Write) }
	s.below, err = s.c.Attach(under, pass, drained, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		s.c.Event(what, b.Err())
	})
	return &s.bev, errors.Join(err, s.c.UseTimers())
}

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

// Nobody has to tell evhttp about TLS: it asks the stream, once there is something to
// know.
func TestConnectionsKnowOfTLS(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		state      tls.ConnectionState
	}{
		{"after the handshake", "name", tls.ConnectionState{ServerName: "name", HandshakeComplete: true}},
		{"before it", "none", tls.ConnectionState{ServerName: "name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() {
				s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
					return overSecured(base, fd, tt.state)
				})
				s.SetGenericCallback(func(r *Request) { r.SendReplyBytes(200, "", []byte(serverNameOf(r.Conn().TLS()))) })
			})
			wantSame(t, "server name", bodyFor(t, addr, "GET", "a", "/"), tt.want)
		})
	}
}

func TestAPlainConnectionHasNoTLS(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.SetGenericCallback(func(r *Request) { r.SendReplyBytes(200, "", []byte(serverNameOf(r.Conn().TLS()))) })
	})
	wantSame(t, "server name", bodyFor(t, addr, "GET", "a", "/"), "none")
}

func serverNameOf(state *tls.ConnectionState) string {
	if state == nil {
		return "none"
	}
	return state.ServerName
}
