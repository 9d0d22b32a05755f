package evhttp

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A Client sends requests to any hosts, and keeps connections for the next ones.
// A request that can be sent twice is sent again if the server has closed a
// connection that was kept just as it was used.
//
// It belongs to the goroutine that runs the loop of its base; package evnethttp makes it an
// http.RoundTripper for all others. When the base is freed, so is the client, by the goroutine
// that frees it: the requests that are waiting or under way fail with [event.ErrFreed].
type Client struct {
	base    *event.Base
	cfg     ClientConfig
	pools   map[connKey]*pool
	idle    int    // connections
	waiting int    // requests
	turn    uint64 // of the latest connection, pool, or connection that became idle
	freed   bool
	unhook  func() bool // from the freeing of the base
}

// NewClient makes a client; cfg, of which it keeps a copy, may be nil. The error is
// event.ErrNil for a nil base.
func NewClient(base *event.Base, cfg *ClientConfig) (*Client, error) {
	if base == nil {
		return nil, opError("new client", event.ErrNil)
	}
	c := &Client{base: base, cfg: cfg.populated(), pools: make(map[connKey]*pool)}
	c.unhook = base.AfterFree(c.baseFreed)
	return c, nil
}

// Base returns the base whose loop the client belongs to.
func (c *Client) Base() *event.Base { return c.base }

// MakeRequest sends a request for an absolute URL of http or https, with what is
// in its Output as the body. A user name and password in the URL become an
// Authorization field, if there is none.
//
// The error is ErrInvalid if the URL or the method cannot be sent, ErrBusy if r
// is under way, ErrQueueFull if too many requests wait, ErrDone if the client or its
// base was freed, or that of ClientConfig's Proxy or SetUp.
func (c *Client) MakeRequest(r *Request, method Method, rawURL string) error {
	return c.request(r, method, method.String(), rawURL, false, nil)
}

// MakeCustomRequest is MakeRequest with a method that has no name here.
func (c *Client) MakeCustomRequest(r *Request, method, rawURL string) error {
	return c.request(r, methodOf([]byte(method)), method, rawURL, false, nil)
}

// StartRequest is MakeRequest for a request whose body follows, as with
// [ClientConn.StartRequest].
func (c *Client) StartRequest(r *Request, method Method, rawURL string, ready func(r *Request)) error {
	return c.request(r, method, method.String(), rawURL, true, ready)
}

// RequestURL is MakeRequest for any method and a URL that was parsed, or StartRequest if
// there is a function ready, which is called when it is time for the body.
func (c *Client) RequestURL(r *Request, method string, u *url.URL, ready func(r *Request)) error {
	if err := c.do(r, methodOf([]byte(method)), method, u, ready != nil, ready); err != nil {
		return fmt.Errorf("request %s %s: %w", method, u.Redacted(), err)
	}
	return nil
}

// Forwarded reports whether requests for a URL are sent to a proxy that reads them, rather
// than to their host or through a tunnel. The errors are those of MakeRequest. Any
// goroutine may call it, if it may call the function [ClientConfig.Proxy].
func (c *Client) Forwarded(u *url.URL) (bool, error) {
	route, err := c.route(u)
	if err != nil {
		return false, err
	}
	return route.proxy != "" && !route.secure, nil
}

func (c *Client) request(r *Request, method Method, name, rawURL string, follows bool, ready func(r *Request)) error {
	u, err := url.Parse(rawURL)
	if err == nil {
		err = c.do(r, method, name, u, follows, ready)
	}
	if err != nil {
		return fmt.Errorf("evhttp: request %s %s: %w", name, redacted(u, rawURL), err)
	}
	return nil
}

// redacted is a URL without its password.
func redacted(u *url.URL, raw string) string {
	if u == nil {
		return raw
	}
	return u.Redacted()
}

// do sends a request.
func (c *Client) do(r *Request, method Method, name string, u *url.URL, follows bool, ready func(r *Request)) error {
	if c.freed {
		return ErrDone
	}
	route, err := c.route(u)
	if err != nil {
		return err
	}
	target := u.RequestURI()
	switch {
	case method == MethodConnect:
		return fmt.Errorf("CONNECT has no URL: %w", ErrInvalid)
	case method == MethodOptions && u.Path == "*":
		target = "*"
	}
	if route.proxy != "" && !route.secure {
		host := hostField(false, route.host, route.port)
		if f := r.header.fields(); f.Contains(message.Host) { // the two must not differ (RFC 9112, section 3.2.2)
			host = string(f.GetKnown(message.Host))
		}
		target = "http://" + host + u.RequestURI()
	}
	x, err := r.renew(method, name, target)
	if err != nil {
		return err
	}
	x.follows, x.onReady = follows, ready
	x.host = hostField(route.secure, route.host, route.port)
	if u.User != nil && !r.header.fields().Has("Authorization") {
		if err := r.header.Set("Authorization", basicAuth(u.User)); err != nil {
			return err
		}
	}
	p := c.pool(route)
	if err := p.send(x); err != nil {
		p.forget()
		return err
	}
	return nil
}

// pool returns the connections of a route.
func (c *Client) pool(route *hostRoute) *pool {
	key := route.key()
	p := c.pools[key]
	if p == nil {
		c.turn++
		p = &pool{client: c, key: key, turn: c.turn, route: *route, conns: make(turns[*ClientConn])}
		c.pools[key] = p
	}
	return p
}

// dial makes a connection, which connects when it has a request.
func (c *Client) dial(p *pool) (*ClientConn, error) {
	route := &p.route
	host, port, secure := route.host, route.port, route.secure
	if route.proxy != "" {
		host, port, secure = route.proxyHost, route.proxyPort, route.proxySecure
	}
	var stream DialFunc
	if secure {
		stream = func(base *event.Base) (*bufferevent.Bufferevent, error) { return c.secure(base, nil, host) }
	}
	if p.cfg == nil {
		cfg, err := (&ConnConfig{Resolver: c.cfg.Resolver, Stream: stream, Flags: ConReadOnWriteError}).populated()
		if err != nil {
			return nil, err
		}
		p.cfg = &cfg
	}
	conn, err := newPooledConn(c.base, host, port, p.cfg)
	if err != nil {
		return nil, err
	}
	conn.proxyAuth = route.proxyAuth
	if route.tunnelled() {
		conn.proxyAuth = ""
		conn.tunnel = &tunnel{to: withPort(route.host, route.port), auth: route.proxyAuth}
		conn.tunnel.secure = func(under *bufferevent.Bufferevent) (*bufferevent.Bufferevent, error) {
			return c.secure(c.base, under, route.host)
		}
	}
	if c.cfg.SetUp != nil {
		if err := c.cfg.SetUp(conn); err != nil {
			conn.Free()
			return nil, err
		}
	}
	return conn, nil
}

func (c *Client) secure(base *event.Base, under *bufferevent.Bufferevent, host string) (*bufferevent.Bufferevent, error) {
	if c.cfg.Secure == nil {
		return nil, errNoTLS
	}
	return c.cfg.Secure(base, under, host)
}

// oldestIdle returns the connection that has had nothing to do for longest.
func (c *Client) oldestIdle() (oldest *ClientConn) {
	for _, p := range c.pools { // in any order: no two connections have the same turn
		if len(p.idle) > 0 && (oldest == nil || p.idle[0].idleSince < oldest.idleSince) {
			oldest = p.idle[0]
		}
	}
	return oldest
}

// IdleConnections returns how many connections are kept without a request.
func (c *Client) IdleConnections() int { return c.idle }

// CloseIdleConnections closes the connections that have no request.
func (c *Client) CloseIdleConnections() {
	for c.idle > 0 {
		c.oldestIdle().Free()
	}
}

// Free closes all connections; the requests that are waiting or under way fail.
func (c *Client) Free() {
	if !c.freed {
		c.unhook()
		c.end(errClosed)
	}
}

// baseFreed is called when no loop will end the requests any more.
func (c *Client) baseFreed() {
	if !c.freed {
		c.end(event.ErrFreed)
	}
}

// end closes all connections, and has all requests fail.
func (c *Client) end(cause error) {
	c.freed = true
	c.CloseIdleConnections()
	var rest []*clientExchange
	for _, p := range slices.SortedFunc(maps.Values(c.pools), func(a, b *pool) int { return cmp.Compare(a.turn, b.turn) }) {
		for conn := range p.conns.inOrder() {
			rest = append(rest, conn.takeAll()...)
			conn.Free()
		}
		rest = append(rest, p.waiting...)
		p.waiting = nil
	}
	clear(c.pools)
	c.waiting = 0
	failRest(rest, cause)
}
