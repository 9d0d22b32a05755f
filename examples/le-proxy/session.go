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
)

const (
	// maxWaiting is how many bytes may wait for a side to take them. While
	// there are more, the other side is not read.
	maxWaiting = 512 << 10
	// connectTime is how long the target may take to answer.
	connectTime = 30 * time.Second
	// drainTime is how long a side may take nothing of what is left for it, or
	// send nothing of what is left from it, when it is all that is left.
	drainTime = 30 * time.Second
)

// A target is where connections go.
type target struct {
	host string
	port int
}

// A session is a client and the target, connected through two flows. Each flow
// ends by itself, so either side may end its stream and still read.
type session struct {
	peer           netip.AddrPort
	client, server *bufferevent.Bufferevent
	up, down       *relay.Flow // to the server, to the client
}

// serve starts a session, on the loop that is to serve it.
func (t target) serve(base *event.Base, fd int, peer netip.AddrPort) {
	s := &session{peer: peer}
	client, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		evutil.CloseSocket(fd)
		s.report(err)
		return
	}
	s.client = client
	if err := s.start(base, t); err != nil {
		s.report(err)
		s.free()
	}
}

func (s *session) start(base *event.Base, t target) (err error) {
	s.server, err = bufferevent.NewSocket(base, evutil.InvalidSocket, bufferevent.CloseOnFree)
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
	return errors.Join(
		s.up.Start(), s.down.Start(),
		s.server.SetTimeouts(0, connectTime),
		s.server.ConnectHostname(nil, "tcp", t.host, t.port))
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
	to.Resume()
	s.freeIfDone()
}

func (s *session) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	from, to, other := s.flows(b)
	switch {
	case what&bufferevent.EventConnected != 0:
		b.SetTimeouts(0, 0)
		return
	case what&bufferevent.EventEOF != 0:
		from.End()
	case what == bufferevent.EventWriting|bufferevent.EventError:
		// What it sent before it went may still be there to be read.
		s.report(b.Err())
		to.Break()
		b.SetTimeouts(drainTime, 0)
	default:
		s.report(b.Err())
		from.End()
		to.Break()
	}
	if from.Over() {
		// The end of the stream goes where everything before it went.
		if err := other.CloseWrite(); err != nil {
			s.report(err)
			from.Break()
		}
	}
	if s.up.Over() && s.down.Over() {
		s.client.SetTimeouts(0, drainTime)
		s.server.SetTimeouts(0, drainTime)
	}
	s.freeIfDone()
}

// freeIfDone ends the session when there is nothing left to move.
func (s *session) freeIfDone() {
	if s.up.Done() && s.down.Done() {
		s.free()
	}
}

func (s *session) free() {
	s.client.Free()
	if s.server != nil {
		s.server.Free()
	}
}

func (s *session) report(err error) { log.Printf("%v: %v", s.peer, err) }
