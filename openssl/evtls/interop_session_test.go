//go:build unix

package evtls_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// An ourSide is a loop that runs beside the test, and what is on it. When the test
// ends it must leave neither goroutines nor descriptors behind.
type ourSide struct {
	t    testing.TB
	base *event.Base
}

func newOurSide(t testing.TB) *ourSide {
	t.Helper()
	evtest.Leaks(t)
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		if _, err := base.Loop(event.LoopNoExitOnEmpty); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		base.Post(func() { base.LoopBreak() })
		receive(t, "the end of the loop", left)
		base.Free()
	})
	return &ourSide{t, base}
}

// do runs f on the loop and waits for it.
func (o *ourSide) do(f func()) {
	o.t.Helper()
	done := make(chan struct{})
	if err := o.base.Post(func() { defer close(done); f() }); err != nil {
		o.t.Fatal(err)
	}
	receive(o.t, "the loop", done)
}

// receive waits for what a channel has.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(interopPatience):
		t.Fatalf("%s: waited for %v", what, interopPatience)
		panic("unreachable")
	}
}

// A server of ours sends back what it gets.
type server struct {
	*ourSide
	port     string
	sessions chan *session
}

// serve makes a server on a free port.
func (o *ourSide) serve(cfg *tls.Config, flags evtls.Flags) *server {
	o.t.Helper()
	return o.listen(func(s *server, fd int) error {
		b, err := evtls.NewSocket(o.base, fd, evtls.Accepting, &evtls.Config{TLS: cfg, Flags: flags}, bufferevent.CloseOnFree)
		if err == nil {
			s.sessions <- o.newSession(b, true)
		}
		return err
	})
}

// listen makes a server that does with new connections what accept says.
func (o *ourSide) listen(accept func(s *server, fd int) error) *server {
	o.t.Helper()
	s := &server{ourSide: o, sessions: make(chan *session, 16)}
	onAccept := func(_ *listener.Listener, fd int, _ netip.AddrPort) {
		if err := accept(s, fd); err != nil {
			o.t.Error(err)
		}
	}
	o.do(func() {
		at := netip.MustParseAddrPort("127.0.0.1:0")
		l, err := listener.NewBind(o.base, at, listener.CloseOnFree, listener.DefaultBacklog, onAccept)
		if err != nil {
			o.t.Error(err)
			return
		}
		s.port = strconv.Itoa(int(netip.MustParseAddrPort(l.Addr().String()).Port()))
		o.t.Cleanup(func() { o.do(l.Free) })
	})
	if s.port == "" {
		o.t.FailNow()
	}
	return s
}

// next waits for the next connection.
func (s *server) next() *session {
	s.t.Helper()
	return receive(s.t, "connection", s.sessions)
}

// An ending is why a connection has ended.
type ending struct {
	what bufferevent.Events
	err  error
}

// A session is our end of a connection. What the peer has sent is its transcript.
type session struct {
	*ourSide
	*transcript
	bev       *bufferevent.Bufferevent
	connected chan tls.ConnectionState
	endings   chan ending
	finished  chan struct{} // closed after the first ending
	ended     bool
	echo      bool
	quota     int // how much to echo before the end, if more than 0
}

// newSession must be called on the loop.
func (o *ourSide) newSession(b *bufferevent.Bufferevent, echo bool) *session {
	s := &session{
		ourSide: o, transcript: newTranscript(), bev: b, echo: echo,
		connected: make(chan tls.ConnectionState, 1), endings: make(chan ending, 16), finished: make(chan struct{}),
	}
	b.SetCallbacks(s.onRead, nil, s.onEvent)
	if err := b.Enable(event.Read); err != nil {
		o.t.Error(err)
	}
	o.t.Cleanup(s.free)
	return s
}

// connect makes a client's connection to a port of the loopback interface.
func (o *ourSide) connect(port string, cfg *tls.Config) *session {
	o.t.Helper()
	var s *session
	o.do(func() {
		b, err := evtls.NewSocket(o.base, -1, evtls.Connecting, &evtls.Config{TLS: cfg}, bufferevent.CloseOnFree)
		if err != nil {
			o.t.Error(err)
			return
		}
		s = o.newSession(b, false)
		if err := b.Underlying().Connect(netip.MustParseAddrPort("127.0.0.1:" + port)); err != nil {
			o.t.Error(err)
		}
	})
	if s == nil {
		o.t.FailNow()
	}
	return s
}

func (s *session) onRead(b *bufferevent.Bufferevent) {
	p := make([]byte, b.Input().Len())
	n, err := b.Read(p)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.transcript.Write(p[:n])
	if !s.echo {
		return
	}
	if _, err := b.Write(p[:n]); err != nil {
		s.t.Error(err)
	}
	if s.quota > 0 {
		if s.quota -= n; s.quota <= 0 {
			s.bev.CloseWrite()
		}
	}
}

func (s *session) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	if what&bufferevent.EventConnected != 0 {
		state, ok := evtls.ConnectionState(b)
		if !ok {
			s.t.Error("connected without a ConnectionState")
		}
		s.connected <- state
		return
	}
	s.endings <- ending{what, b.Err()}
	if !s.ended {
		s.ended = true
		close(s.finished)
	}
	s.end()
	if s.echo && what&bufferevent.EventEOF != 0 {
		if err := b.CloseWrite(); err != nil {
			s.t.Error(err)
		}
	}
}

// state waits for the handshake and returns what it has led to.
func (s *session) state() tls.ConnectionState {
	s.t.Helper()
	select {
	case state := <-s.connected:
		return state
	case <-s.finished:
	case <-time.After(interopPatience):
		s.t.Fatalf("handshake: waited for %v", interopPatience)
	}
	select {
	case state := <-s.connected: // before it was over
		return state
	default:
		e := <-s.endings
		s.t.Fatalf("handshake: %v: %v", e.what, e.err)
		panic("unreachable")
	}
}

// expect waits for the peer to send a text.
func (s *session) expect(want string) {
	s.t.Helper()
	s.transcript.expect(s.t, want)
}

// send sends a text.
func (s *session) send(text string) {
	s.t.Helper()
	s.do(func() {
		if _, err := s.bev.WriteString(text); err != nil {
			s.t.Error(err)
		}
	})
}

// closeWrite ends our stream.
func (s *session) closeWrite() {
	s.t.Helper()
	s.do(func() {
		if err := s.bev.CloseWrite(); err != nil {
			s.t.Error(err)
		}
	})
}

// free closes the connection, without saying so before.
func (s *session) free() { s.do(func() { s.bev.Free() }) }

// wantEOF waits for the end of the stream, which the peer must have announced.
func (s *session) wantEOF() {
	s.t.Helper()
	if e := receive(s.t, "end", s.endings); e.what&bufferevent.EventEOF == 0 || e.err != io.EOF {
		s.t.Errorf("the stream ended with %v: %v, want EOF", e.what, e.err)
	}
}

// wantTruncated waits for an end that the peer has not announced.
func (s *session) wantTruncated() {
	s.t.Helper()
	if err := s.wantError(); !errors.Is(err, io.ErrUnexpectedEOF) {
		s.t.Errorf("the stream ended with %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

// wantError waits for a failure and returns its error.
func (s *session) wantError() error {
	s.t.Helper()
	e := receive(s.t, "error", s.endings)
	if e.what&bufferevent.EventError == 0 || e.err == nil {
		s.t.Fatalf("got %v: %v, want an error", e.what, e.err)
	}
	return e.err
}

// noise returns data in which a byte that is lost or moved is noticed.
func noise(n int) []byte {
	var b bytes.Buffer
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		b.Write([]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8), '\n'})
	}
	return b.Bytes()[:n]
}
