package evhttp

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/bufferevent"
)

// A serverSession is a server's connection in what it speaks: HTTP/1.1, which carries one
// exchange at a time, or a protocol that carries many. It is the seam between [Server],
// which accepts, counts, limits and closes connections, and the protocols. The session embeds
// a [ServerConn], whose Conn tells it what happens to the stream. For each request that comes
// it begins an exchange, calls the callbacks for new requests and headers, finds the handler by
// Server.find, bounds the body by ServerConn.bodyLimit and calls the handler, before the body
// or after it. Server.log writes the request to the log when it is over, before its end.
type serverSession interface {
	role

	// conn returns the connection that the session is embedded with.
	conn() *ServerConn
	// start begins to serve a stream, in whose input may be something already, and which
	// perhaps has yet to be connected, as one of TLS.
	start(b *bufferevent.Bufferevent) error
	// overload answers, instead of what it was asked for, that there are too many
	// connections, and then closes the connection.
	overload()
	// drain has no other request begin: the connection ends at once if none is under way,
	// or else when those are answered. The server is draining already.
	drain()
	// fail closes the connection at once. The requests on it fail with this cause.
	fail(cause error)
}

// A serverProtocol is what a server's connections may speak.
type serverProtocol struct {
	name       string // by which TLS agrees on it (RFC 7301)
	newSession func(s *Server) (serverSession, error)
}

// Names of protocols that TLS agrees on.
const (
	alpnHTTP11 = "http/1.1"
	alpnHTTP2  = "h2"
)

// newServerProtocols returns the protocols of a server. The first one is what is spoken
// until a stream agrees on another one.
func newServerProtocols() []serverProtocol {
	return []serverProtocol{{alpnHTTP11, new(h1Server).newSession}}
}

// protocol returns the protocol that a stream has agreed on. It is the first one if the
// stream has agreed on none, or on a name that does not stand for a version of HTTP. The
// error wraps errors.ErrUnsupported for a version that the server does not speak.
func (s *Server) protocol(name string) (*serverProtocol, error) {
	for i := range s.protocols {
		if s.protocols[i].name == name {
			return &s.protocols[i], nil
		}
	}
	if name == alpnHTTP2 {
		return nil, fmt.Errorf("protocol %q: %w", name, errors.ErrUnsupported)
	}
	return &s.protocols[0], nil
}

// serve makes a connection of a stream, which it frees if it fails.
func (s *Server) serve(p *serverProtocol, b *bufferevent.Bufferevent) error {
	if s.freed || s.draining {
		b.Free()
		return ErrServerClosed
	}
	session, err := p.newSession(s)
	if err != nil {
		b.Free()
		return err
	}
	c := session.conn()
	c.place = len(s.conns)
	s.conns = append(s.conns, c)
	switch err := session.start(b); {
	case err != nil:
		c.close()
		return err
	case s.cfg.MaxConnections > 0 && len(s.conns)+len(s.leaving) > s.cfg.MaxConnections:
		s.overload(session)
	case s.cfg.OnAnswer != nil:
		c.PeerAddr() // for the log, as a client that resets the connection leaves no address
	}
	return nil
}

// overload refuses a connection that is one too many, with an answer. The number of such
// answers in progress is bounded as well: beyond it, connections are closed without one.
func (s *Server) overload(session serverSession) {
	if len(s.conns)+len(s.leaving) > s.cfg.MaxConnections+s.cfg.MaxConnections/8+16 {
		session.conn().close()
		return
	}
	session.overload()
}

// agreed has a connection of which nothing has come go on with the protocol that its stream
// has agreed on.
func (s *Server) agreed(c *ServerConn, p *serverProtocol) {
	b := c.bev
	c.leave()
	if err := s.serve(p, b); err != nil && !errors.Is(err, ErrServerClosed) {
		s.logFailure("evhttp: connection refused", c.peer, err)
	}
}

// leave ends a connection without its stream, which belongs to the caller then.
func (c *ServerConn) leave() {
	c.freed, c.bev = true, nil
	c.timer.Del()
	c.server.remove(c)
}

// remove forgets a connection.
func (s *Server) remove(c *ServerConn) {
	last := len(s.conns) - 1
	s.conns[c.place] = s.conns[last]
	s.conns[c.place].place = c.place
	s.conns[last] = nil
	s.conns = s.conns[:last]
	s.gone()
}
