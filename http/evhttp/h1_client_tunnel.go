package evhttp

import (
	"errors"
	"fmt"
	"net"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// A tunnel is the way through a proxy to a server: a CONNECT request of its own,
// before everything else on a connection.
type tunnel struct {
	to     string // the authority to connect to
	auth   string // the value of Proxy-Authorization, or nothing
	secure func(under *bufferevent.Bufferevent) (*bufferevent.Bufferevent, error)

	head     wire.ResponseHead
	informed int
}

// A ProxyError says that a proxy has refused to connect to a server.
type ProxyError struct {
	Code   int // the status of its answer
	Reason string
}

func (e *ProxyError) Error() string { return fmt.Sprintf("proxy: %d %s", e.Code, e.Reason) }

// askProxy has the proxy connect to the server.
func (c *ClientConn) askProxy() {
	t := c.tunnel
	clientStates.step(&c.state, proxying)
	t.head.Reset("CONNECT")
	t.informed = 0
	head, err := wire.AppendRequestLine(c.scratch[:0], "CONNECT", t.to)
	if err != nil {
		c.failLater(err)
		return
	}
	head = appendLine(head, "Host", t.to)
	if t.auth != "" {
		head = appendLine(head, "Proxy-Authorization", t.auth)
	}
	head = append(head, wire.CRLF...)
	c.scratch = head[:0]
	if err := errors.Join(c.bev.Output().Add(head), c.bev.Enable(event.Read)); err != nil {
		c.failLater(err)
	}
}

// readProxy reads the proxy's answer.
func (c *ClientConn) readProxy() (more bool) {
	t := c.tunnel
	done, err := readHead(c.bev.Input(), &t.head, c.limits)
	switch {
	case err != nil:
		c.lost(ReqInvalidHeader, fmt.Errorf("proxy: %w", err))
	case !done:
	case t.head.Informational():
		if t.informed++; t.informed > maxInformational {
			c.lost(ReqInvalidHeader, fmt.Errorf("proxy: %w", ErrInformational))
			return false
		}
		t.head.Again()
		return true
	case t.head.Status/100 != 2:
		c.lost(ReqEOF, &ProxyError{t.head.Status, string(t.head.Reason())})
	default:
		c.goThrough()
	}
	return false
}

// goThrough uses the connection that the proxy has made.
func (c *ClientConn) goThrough() {
	if c.tunnel.secure == nil {
		c.established()
		return
	}
	clientStates.step(&c.state, handshaking)
	under := c.bev
	under.SetCallbacks(nil, nil, nil)
	under.Data = nil
	if host, _, err := net.SplitHostPort(c.tunnel.to); err == nil {
		under.NamePeer(host)
	}
	b, err := c.tunnel.secure(under)
	if err != nil {
		c.lost(ReqEOF, err)
		return
	}
	c.attach(b)
}
