package evhttp

import (
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// Serve serves HTTP on a stream of the server's base as on one that was accepted:
// one that a pthreads.Group has given to this loop, one whose first bytes have
// said that it is HTTP, or one without a socket, as half of a pair. What is in its
// input already is read first. TLS is below the stream, if anywhere.
//
// The stream belongs to the server from the call on: if Serve fails, it is freed.
// A stream beyond the limit of connections is no error; it is answered with 503.
// The errors are [ErrServerClosed] after Shutdown or Free, and [event.ErrNil]; a
// stream of another base is [ErrInvalid], and stays the caller's; one that has agreed on a
// version of HTTP that is not spoken here is [errors.ErrUnsupported].
func (s *Server) Serve(b *bufferevent.Bufferevent) error {
	const op = "serve stream"
	if b == nil {
		return opError(op, event.ErrNil)
	}
	if b.Base() != s.base {
		return opError(op, fmt.Errorf("%w: its base is another one", ErrInvalid))
	}
	p, err := s.protocol(b.NegotiatedProtocol())
	if err == nil {
		err = b.SetWatermark(event.Read|event.Write, 0, 0)
	}
	if err != nil {
		b.Free()
		return opError(op, err)
	}
	if err := s.serve(p, b); err != nil {
		return opError(op, err)
	}
	return nil
}

// ServeFD is Serve for a socket that was accepted elsewhere, over which the
// server's StreamFunc makes the stream: plain, or of TLS. The socket belongs to
// the server from the call on, and must not block.
func (s *Server) ServeFD(fd int) error {
	if err := s.serveFD(s.cfg.Stream, fd); err != nil {
		return fmt.Errorf("evhttp: serve fd %d: %w", fd, err)
	}
	return nil
}

// accept serves a connection that a listener has accepted.
func (s *Server) accept(b *Bound, fd int, peer netip.AddrPort) {
	newStream := s.cfg.Stream
	if b.newStream != nil {
		newStream = b.newStream
	}
	if err := s.serveFD(newStream, fd); err != nil {
		s.logFailure("evhttp: connection refused", peer, err)
	}
}

func (s *Server) serveFD(newStream StreamFunc, fd int) error {
	b, err := newStream(s.base, fd)
	if err != nil {
		return err
	}
	return s.serve(&s.protocols[0], b)
}
