package evhttp

import (
	"crypto/tls"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A Conn is what the connections of servers and clients have in common, [ServerConn] and
// [ClientConn] (struct evhttp_connection).
type Conn struct {
	// Data is for the user.
	Data any

	base    *event.Base
	bev     *bufferevent.Bufferevent
	role    role
	timer   event.Event
	armed   instant // when the timer fires; zero if it does not
	due     instant // when time is up; zero if nothing is expected
	peer    netip.AddrPort
	local   *net.Addr       // once it was asked for
	limits  *message.Limits // of heads and trailers; may be shared
	maxBody int64
	onClose func(c *Conn)
	freed   bool

	peerAsked bool // peer is what the stream has said
}

// A role is what a connection does with what happens to it, as a server's or a
// client's.
type role interface {
	onReadable()                     // there is input
	onDrained()                      // all output has gone
	onEvent(what bufferevent.Events) // the event callback
	onTimer()                        // the timer
	betweenMessages() bool           // no message is under way, so that the stream may end in order
	closeGracefully(b *bufferevent.Bufferevent)
	release()                         // the connection is going
	asServer() serverSession          // on a server; nil on a client
	panicFunc() PanicFunc             // what is told of panics, or nil
	panicked(r *Request, passes bool) // a callback has, and that passes through the loop or not
}

// init makes c a connection over a bufferevent. Callbacks are functions that all
// connections share.
func (c *Conn) init(base *event.Base, r role) error {
	c.base, c.role = base, r
	c.timer.Data = c
	return c.timer.AssignTimer(base, onConnTimer)
}

// accepted returns the connection as that of a server, or nil on a client.
func (c *Conn) accepted() *ServerConn {
	if s := c.role.asServer(); s != nil {
		return s.conn()
	}
	return nil
}

// attach gives c its bufferevent. Callbacks within the calls that write would find a message
// that is half written.
func (c *Conn) attach(b *bufferevent.Bufferevent) {
	c.bev = b
	b.DeferCallbacks()
	b.Data = c
	b.SetCallbacks(onConnRead, onConnWrite, onConnEvent)
}

func onConnRead(b *bufferevent.Bufferevent)  { b.Data.(*Conn).role.onReadable() }
func onConnWrite(b *bufferevent.Bufferevent) { b.Data.(*Conn).role.onDrained() }

func onConnEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	b.Data.(*Conn).role.onEvent(what)
}

// LocalAddr returns the address of this end of the stream; see
// [bufferevent.Bufferevent.NetAddrs]. A server's connection asks once. It is nil
// when there is no stream, or not any more.
func (c *Conn) LocalAddr() net.Addr {
	switch {
	case c.local != nil:
		return *c.local
	case c.bev == nil:
		return nil
	}
	local, _ := c.bev.NetAddrs()
	if c.accepted() != nil {
		c.local = &local
	}
	return local
}

// Base returns the base whose loop the connection belongs to
// (evhttp_connection_get_base).
func (c *Conn) Base() *event.Base { return c.base }

// Bufferevent returns the stream below, or nil if there is none, or not any more
// (evhttp_connection_get_bufferevent).
func (c *Conn) Bufferevent() *bufferevent.Bufferevent { return c.bev }

// PeerAddr returns the address of the peer, if it is one of TCP. It is what the stream
// says, which a socket asks the system for. A server's connection asks once, when the
// address is wanted for the first time: later than a reset by the client there is none
// any more (evhttp_connection_get_addr).
func (c *Conn) PeerAddr() netip.AddrPort {
	if c.peer.IsValid() || c.peerAsked || c.bev == nil {
		return c.peer
	}
	addr := c.bev.PeerAddr()
	if c.accepted() != nil {
		c.peer, c.peerAsked = addr, true
	}
	return addr
}

// TLS returns what TLS has agreed on with the peer, or nil if the stream is none of
// TLS, or its handshake is not done.
func (c *Conn) TLS() *tls.ConnectionState {
	t, ok := bufferevent.As[interface{ ConnectionState() tls.ConnectionState }](c.bev)
	if !ok {
		return nil
	}
	state := t.ConnectionState()
	if !state.HandshakeComplete {
		return nil
	}
	return &state
}

// SetCloseCallback sets what is called when the connection ends, for whatever
// reason but Free; a client's may be connected again after that. A server's
// connection ends with a client that ends its stream as
// [Request.SetErrorCallback] says (evhttp_connection_set_closecb).
func (c *Conn) SetCloseCallback(fn func(c *Conn)) { c.onClose = fn }

// SetMaxBodySize limits the body of what comes from the peer, in bytes; see
// [Server.SetMaxBodySize]. On a client zero stands for no limit
// (evhttp_connection_set_max_body_size).
func (c *Conn) SetMaxBodySize(n int64) { c.maxBody = n }

// SetMaxHeadersSize limits the header of what comes from the peer, in bytes
// (evhttp_connection_set_max_headers_size).
func (c *Conn) SetMaxHeadersSize(n int) {
	own := *c.limits
	own.Header = n
	c.limits = &own
}

// Free closes the connection. Its close callback is not called; a request that
// is on it is over, and its error callback is told so. The stream ends in order
// (see [bufferevent.Bufferevent.FreeWhenWritten]) if no message is under way, and
// otherwise at once, so that over TLS the peer can tell
// (evhttp_connection_free).
func (c *Conn) Free() {
	c.onClose = nil
	c.shut(c.bev != nil && c.role.betweenMessages())
}

// close ends the connection at once, and tells. What has not left yet is lost.
func (c *Conn) close() { c.shut(false) }

// shut ends the connection, its stream in order or not, and tells.
func (c *Conn) shut(inOrder bool) {
	if c.freed {
		return
	}
	c.freed = true
	c.timer.Del()
	if b := c.bev; b != nil {
		c.bev = nil
		if inOrder {
			c.role.closeGracefully(b)
		} else {
			b.Free()
		}
	}
	c.role.release()
	if fn := c.onClose; fn != nil {
		c.onClose = nil
		c.tellClosed(fn)
	}
}
