package evhttp

import (
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A clientSession is the open connection of a client in what it speaks: HTTP/1.1, which
// carries one exchange at a time, or a protocol that carries many. It is the seam between
// [ClientConn], which connects, queues requests, tries again and fails, and the protocols.
// It lasts as long as the stream.
//
// A session begins exchanges when it is told to. It ends each by ClientConn.over, when it
// does not carry it any more. When it cannot go on, it takes leave of its exchanges, calls
// ClientConn.disconnect, and then ends them, or gives those back by ClientConn.retry
// that can be sent on another connection. It calls ClientConn.next when what room reports
// has changed.
type clientSession interface {
	// proto returns the version of HTTP that is spoken.
	proto() message.Proto
	// room reports whether another exchange may begin now.
	room() bool
	// count returns how many exchanges are under way.
	count() int
	// begin begins an exchange that is the connection's, and sets its carrier. It may call
	// the user's callbacks, which may do anything.
	begin(x *clientExchange)
	// stop is called when the stream has gone or goes. It ends the session, and returns
	// the exchanges that were under way, whose end is told by the caller.
	stop() []*clientExchange

	// What happens to the stream, as the methods of role. ClientConn's own timer for a
	// connection without a request fires while count is 0; onTimer is called otherwise.
	onReadable()
	onDrained()
	onEvent(what bufferevent.Events)
	onTimer()
	betweenMessages() bool
	// onLater is called by the loop after ClientConn.tellLater.
	onLater()
	// panicked is called when a callback has panicked, which was about r or nil, and
	// reports whether it has ended what that was about; see role.
	panicked(r *Request, passes bool) bool
}

// A clientProtocol is what a client's connections may speak.
type clientProtocol struct {
	name       string // by which TLS agrees on it (RFC 7301)
	newSession func(c *ClientConn) clientSession
}

// clientProtocols are those of a connection, if its configuration has none. The first one is
// spoken unless the stream has agreed on another one.
var clientProtocols = []clientProtocol{{alpnHTTP11, newH1ClientConn}}

// newSession begins a session in what the stream has agreed on.
func (c *ClientConn) newSession() clientSession {
	protocols := c.cfg.protocols
	if protocols == nil {
		protocols = clientProtocols
	}
	if len(protocols) > 1 {
		name := c.bev.NegotiatedProtocol()
		for _, p := range protocols {
			if p.name == name {
				return p.newSession(c)
			}
		}
	}
	return protocols[0].newSession(c)
}
