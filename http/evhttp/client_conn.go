package evhttp

import (
	"fmt"
	"math"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A ClientConn is a client's connection. It connects when there is a request, and sends one
// after the other (struct evhttp_connection).
//
// Like everything that belongs to a base it is for the goroutine that runs its loop. When
// the base is freed, so is the connection.
type ClientConn struct {
	Conn
	cfg       *ConnConfig // populated; connections of a pool share it
	host      string      // to connect to, or
	unix      string      // the path of a Unix socket, or neither
	port      int
	hostField string  // once a request was sent
	proxyAuth string  // the value of Proxy-Authorization in requests, or nothing
	tunnel    *tunnel // through a proxy, or nil
	pool      *pool   // that the connection is one of, or nil

	queue   []*clientExchange // that wait to be sent
	session clientSession     // what the connection speaks, if it is open
	h1      h1ClientConn      // the session of HTTP/1.1: it needs no memory of its own
	later   event.Deferred    // for what the loop tells, and not a call of the user's
	failure error             // why it cannot be used, which the loop is to tell, or nil
	retries int               // how often connecting was tried again
	scratch []byte            // for what is sent next
	unhook  func() bool       // from the freeing of the base, unless in a pool

	idleSince    uint64 // in a pool
	state        clientState
	place        poolPlace
	reused       bool // the connection that is open has carried another request before
	freeWhenDone bool
}

// NewClientConn makes a connection to a host; cfg may be nil. It connects when there is a
// request, and again when there is one after it was closed. The error is ErrInvalid for a
// host, port or setting that cannot be (evhttp_connection_base_new,
// evhttp_connection_base_bufferevent_new).
func NewClientConn(base *event.Base, host string, port int, cfg *ConnConfig) (*ClientConn, error) {
	if err := checkHost(host, port); err != nil {
		return nil, fmt.Errorf("evhttp: new connection: %w", err)
	}
	c := &ClientConn{host: host, port: port}
	return c.prepare(base, cfg)
}

// newPooledConn is NewClientConn with settings that are populated, and shared.
func newPooledConn(base *event.Base, host string, port int, cfg *ConnConfig) (*ClientConn, error) {
	c := &ClientConn{host: host, port: port}
	return c.use(base, cfg)
}

// NewClientConnUnix is NewClientConn for a Unix socket. The Host field is empty unless
// the request has one (evhttp_connection_base_bufferevent_unix_new).
func NewClientConnUnix(base *event.Base, path string, cfg *ConnConfig) (*ClientConn, error) {
	if path == "" {
		return nil, fmt.Errorf("evhttp: new connection to a Unix socket: %w", ErrInvalid)
	}
	c := &ClientConn{unix: path}
	return c.prepare(base, cfg)
}

// NewClientConnReuse makes a connection of a bufferevent that is connected, or will be,
// and belongs to the connection from now on. host is for the Host field. Once it
// is closed, requests fail (evhttp_connection_base_bufferevent_reuse_new).
func NewClientConnReuse(b *bufferevent.Bufferevent, host string, cfg *ConnConfig) (*ClientConn, error) {
	if !message.ValidValue(host) {
		return nil, fmt.Errorf("evhttp: new connection to %q: %w", host, ErrInvalid)
	}
	c, err := (&ClientConn{hostField: host}).prepare(b.Base(), cfg)
	if err != nil {
		return nil, err
	}
	c.attach(b)
	if b.Connected() {
		c.established()
	} else {
		clientStates.step(&c.state, connecting)
		c.expect(c.cfg.ConnectTimeout)
	}
	return c, nil
}

// prepare gives a connection its settings.
func (c *ClientConn) prepare(base *event.Base, cfg *ConnConfig) (*ClientConn, error) {
	own, err := cfg.populated()
	if err != nil {
		return nil, fmt.Errorf("evhttp: new connection: %w", err)
	}
	return c.use(base, &own)
}

// use is prepare with settings that are populated.
func (c *ClientConn) use(base *event.Base, cfg *ConnConfig) (*ClientConn, error) {
	c.cfg = cfg
	c.limits, c.maxBody = c.cfg.limits(), c.cfg.maxBody()
	if err := c.init(base, c); err != nil {
		return nil, err
	}
	c.later.Data = c
	c.later.Init(base, base.Priorities()/2, onClientLater)
	return c, nil
}

// Peer returns the host and port that is connected to; the path and 0 for a
// Unix socket (evhttp_connection_get_peer).
func (c *ClientConn) Peer() (host string, port int) { return c.host + c.unix, c.port }

// bodyLimit returns the most bytes that the body of an answer may have.
func (c *ClientConn) bodyLimit(x *clientExchange) int64 {
	switch {
	case c.maxBody > 0:
		return c.maxBody
	case c.maxBody < 0 && !x.stream: // as defaultMaxBody
		return DefaultMaxResponse
	}
	return math.MaxInt64
}

// hostOf returns the value of the Host field, which for CONNECT is the target
// (RFC 9112, section 3.2).
func (c *ClientConn) hostOf(x *clientExchange) string {
	switch {
	case x.host != "":
		return x.host
	case x.method == MethodConnect:
		return x.target
	case c.hostField == "" && c.host != "":
		c.hostField = hostField(c.TLS() != nil, c.host, c.port)
	}
	return c.hostField
}
