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
func (o *outgoing) askProxy() {
	t := o.tunnel
	o.state = tunnelling
	t.head.Reset("CONNECT")
	t.informed = 0
	head, err := wire.AppendRequestLine(o.scratch[:0], "CONNECT", t.to)
	if err != nil {
		o.failLater(err)
		return
	}
	head = appendLine(head, "Host", t.to)
	if t.auth != "" {
		head = appendLine(head, "Proxy-Authorization", t.auth)
	}
	head = append(head, wire.CRLF...)
	o.scratch = head[:0]
	if err := errors.Join(o.bev.Output().Add(head), o.bev.Enable(event.Read)); err != nil {
		o.failLater(err)
	}
}

// readProxy reads the proxy's answer.
func (o *outgoing) readProxy() (more bool) {
	t := o.tunnel
	done, err := readHead(o.bev.Input(), &t.head, o.limits)
	switch {
	case err != nil:
		o.fail(ReqInvalidHeader, fmt.Errorf("proxy: %w", err))
	case !done:
	case t.head.Informational():
		if t.informed++; t.informed > maxInformational {
			o.fail(ReqInvalidHeader, fmt.Errorf("proxy: %w", ErrInformational))
			return false
		}
		t.head.Again()
		return true
	case t.head.Status/100 != 2:
		o.fail(ReqEOF, &ProxyError{t.head.Status, string(t.head.Reason())})
	default:
		o.goThrough()
		return o.state == inResponse
	}
	return false
}

// goThrough uses the connection that the proxy has made.
func (o *outgoing) goThrough() {
	if o.tunnel.secure == nil {
		o.established()
		return
	}
	o.state = securing
	under := o.bev
	under.SetCallbacks(nil, nil, nil)
	under.Data = nil
	if host, _, err := net.SplitHostPort(o.tunnel.to); err == nil {
		under.NamePeer(host)
	}
	b, err := o.tunnel.secure(under)
	if err != nil {
		o.fail(ReqEOF, err)
		return
	}
	o.attach(b)
}

// handOver gives the stream away that a request has made into a tunnel.
func (o *outgoing) handOver(x *clientExchange) (*bufferevent.Bufferevent, error) {
	if o.state != leaving {
		return nil, ErrOrder
	}
	b := o.bev
	o.bev, o.state, o.ended = nil, apart, nil
	o.expect(0)
	b.SetCallbacks(nil, nil, nil)
	b.Data = nil
	_ = b.SetTimeouts(0, 0) // fails only for one that was freed
	x.conclude(nil)
	return b, nil
}
