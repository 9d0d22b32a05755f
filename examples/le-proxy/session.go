package main

import (
	"errors"
	"log"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/relay"
	"github.com/go-libevent/libevent/openssl/evtls"
)

const (
	// maxWaiting is how many bytes may wait for a side to take them. While
	// there are more, the other side is not read.
	maxWaiting = 512 << 10
	// connectTime is how long the target may take to answer.
	connectTime = 30 * time.Second
	// drainTime is how long a side may take nothing of what is left for it, when
	// that is all that is left.
	drainTime = 30 * time.Second
	// lastWords is how long a side that takes nothing any more may send nothing:
	// what it sent before it went has arrived already, or is about to.
	lastWords = 2 * time.Second
)

// A target is where connections go.
type target struct {
	host string
	port int
}

// A proxy says where connections go, and which sides are TLS.
type proxy struct {
	target
	accepting, connecting *evtls.Config // nil for a side in clear
}

// A session is a client and the target, connected through two flows. Each flow
// ends by itself, so either side may end its stream and still read.
type session struct {
	*proxy
	peer           netip.AddrPort
	client, server *bufferevent.Bufferevent
	up, down       *relay.Flow // to the server, to the client
	connected      bool        // there is a connection to the target
	cut            bool        // a stream has failed that was one
}

// serve starts a session, on the loop that is to serve it.
func (p *proxy) serve(base *event.Base, fd int, peer netip.AddrPort) {
	s := &session{proxy: p, peer: peer}
	client, err := newStream(base, fd, evtls.Accepting, p.accepting)
	if err != nil {
		s.report(err)
		return
	}
	s.client = client
	if err := s.start(base); err != nil {
		s.report(err)
		s.free()
	}
}

// newStream makes a stream, which is TLS if there is a configuration for it.
func newStream(base *event.Base, fd int, state evtls.State, cfg *evtls.Config) (*bufferevent.Bufferevent, error) {
	if cfg == nil {
		return bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	}
	return evtls.NewSocket(base, fd, state, cfg, bufferevent.CloseOnFree)
}

func (s *session) start(base *event.Base) (err error) {
	s.server, err = newStream(base, evutil.InvalidSocket, evtls.Connecting, s.connecting)
	if err != nil {
		return err
	}
	if s.up, err = relay.New(s.client, s.server, maxWaiting); err != nil {
		return err
	}
	if s.down, err = relay.New(s.server, s.client, maxWaiting); err != nil {
		return err
	}
	s.client.SetCallbacks(s.onRead, s.onWrite, s.onEvent)
	s.server.SetCallbacks(s.onRead, s.onWrite, s.onEvent)
	// What the client sends before there is a connection waits for it.
	if err := errors.Join(s.up.Start(), s.down.Start()); err != nil || s.accepting != nil {
		return err
	}
	return s.connect()
}

// connect begins to connect to the target. With TLS that has to wait until the
// client has proved to be one.
func (s *session) connect() error {
	return errors.Join(
		s.server.SetTimeouts(0, connectTime),
		s.server.ConnectHostname(nil, "tcp", s.host, s.port))
}

// flows returns the flow that comes from a side, the one that goes to it, and
// the other side.
func (s *session) flows(b *bufferevent.Bufferevent) (from, to *relay.Flow, other *bufferevent.Bufferevent) {
	if b == s.client {
		return s.up, s.down, s.server
	}
	return s.down, s.up, s.client
}

func (s *session) onRead(b *bufferevent.Bufferevent) {
	from, _, _ := s.flows(b)
	from.Carry()
}

func (s *session) onWrite(b *bufferevent.Bufferevent) {
	_, to, _ := s.flows(b)
	if err := to.Resume(); err != nil {
		s.report(err)
		s.cut = true
	}
	s.freeIfDone()
}

func (s *session) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	from, to, other := s.flows(b)
	switch what.Outcome() {
	case bufferevent.NothingEnded:
		return
	case bufferevent.ConnectionMade:
		s.open(b)
		return
	case bufferevent.InputEnded:
		from.End()
		// The end of the stream goes where everything before it went. A side that
		// cannot be told of it would wait for ever.
		if err := other.CloseWrite(); err != nil {
			s.report(err)
			s.cut = true
			from.Break()
			to.End()
		}
	case bufferevent.OutputFailed:
		s.report(b.Err())
		to.Break()
		if !evutil.IsDisconnect(b.Err()) {
			s.cut = true // it does not know that nothing follows
			from.End()
			break
		}
		// What it sent before it went may still be there to be read.
		_ = b.SetTimeouts(lastWords, 0) // fails only for one that was freed
	case bufferevent.TimedOut, bufferevent.Failed:
		s.report(b.Err())
		s.cut = s.cut || s.isOpen(b)
		from.End()
		to.Break()
	}
	if s.up.Over() && s.down.Over() {
		_ = s.client.SetTimeouts(0, drainTime) // fails only for one that was freed
		_ = s.server.SetTimeouts(0, drainTime) // fails only for one that was freed
	}
	s.freeIfDone()
}

// isOpen reports whether a side was connected and, with TLS, has proved to be one.
func (s *session) isOpen(b *bufferevent.Bufferevent) bool {
	if b.Underlying() == nil {
		return b == s.client || s.connected
	}
	_, open := evtls.ConnectionState(b)
	return open
}

// open is called when the target is connected to, or when the handshake with the
// client is done.
func (s *session) open(b *bufferevent.Bufferevent) {
	if b == s.server {
		s.connected = true
		if err := b.SetTimeouts(0, 0); err != nil {
			s.report(err)
		}
		return
	}
	if err := s.connect(); err != nil {
		s.report(err)
		s.free()
	}
}

// freeIfDone ends the session when there is nothing left to move.
func (s *session) freeIfDone() {
	if s.up.Done() && s.down.Done() {
		s.free()
	}
}

func (s *session) free() {
	s.end(s.client, s.down)
	if s.server != nil {
		s.end(s.server, s.up)
	}
}

// end frees a side, to which a flow goes. A stream that was cut off, or that never
// came about, must not look like one that has ended: TLS does not say so then, and
// a side in clear is reset if there was a stream.
func (s *session) end(b *bufferevent.Bufferevent, to *relay.Flow) {
	switch {
	case s.cut && b.Underlying() == nil:
		resetOnClose(b.FD())
		b.Free()
	case s.cut || !s.connected || to == nil || to.Broken():
		b.Free()
	default:
		b.FreeWhenWrittenFunc(drainTime, func(err error) {
			if err != nil {
				s.report(err)
			}
		})
	}
}

func (s *session) report(err error) { log.Printf("%v: %v", s.peer, err) }
