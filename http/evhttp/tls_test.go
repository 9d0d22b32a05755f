package evhttp_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
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
// know. Handlers of net/http find it in their requests.
func TestConnectionsKnowOfTLS(t *testing.T) {
	stream := func(state tls.ConnectionState) evhttp.StreamFunc {
		return func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
			return overSecured(base, fd, state)
		}
	}
	for _, tt := range []struct {
		name, want string
		stream     evhttp.StreamFunc
	}{
		{"after the handshake", "name", stream(tls.ConnectionState{ServerName: "name", HandshakeComplete: true})},
		{"before it", "none", stream(tls.ConnectionState{ServerName: "name"})},
		{"a plain connection", "none", nil},
	} {
		for how, answer := range map[string]evhttp.Handler{
			"itself": func(r *evhttp.Request) {
				r.SendReplyBytes(200, "", []byte(serverNameOf(r.Conn().TLS())))
			},
			"a handler of net/http": evnethttp.InlineHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, serverNameOf(r.TLS))
			})),
		} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				_, addr := newLoop(t).serve(func(s *evhttp.Server) {
					s.SetStreamFunc(tt.stream)
					s.SetGenericCallback(answer)
				})
				got := converse(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				if !strings.HasSuffix(got, "\r\n\r\n"+tt.want) {
					t.Errorf("got %q, want %s", got, tt.want)
				}
			})
		}
	}
}

func serverNameOf(state *tls.ConnectionState) string {
	if state == nil {
		return "none"
	}
	return state.ServerName
}
