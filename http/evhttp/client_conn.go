package evhttp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/internal/message"
)

// Defaults of a client's connection.
const (
	DefaultConnectTimeout  = 45 * time.Second
	DefaultResponseTimeout = 50 * time.Second
	DefaultContinueTimeout = time.Second
	DefaultInitialRetry    = 2 * time.Second
	DefaultMaxResponse     = 64 << 20 // of a body that is not taken as it comes
	DefaultMaxQueue        = 4096

	maxRetryDelay = time.Hour
)

// A DialFunc makes a bufferevent for a client: without a descriptor, and not
// connected.
type DialFunc func(base *event.Base) (*bufferevent.Bufferevent, error)

// ConnFlags change what a client's connection does.
type ConnFlags uint32

const (
	// ConReuseConnectedAddr connects again to the address that the host had
	// when it was connected to, without looking it up again
	// (EVHTTP_CON_REUSE_CONNECTED_ADDR).
	ConReuseConnectedAddr ConnFlags = 1 << iota
	// ConReadOnWriteError reads what a server may have answered before it
	// stopped to listen, when a request could not be sent completely
	// (EVHTTP_CON_READ_ON_WRITE_ERROR).
	ConReadOnWriteError
	// ConLingeringClose reads and drops the rest of a body that is too large, up
	// to DefaultMaxResponse, before the request fails for that
	// (EVHTTP_CON_LINGERING_CLOSE).
	ConLingeringClose

	allConnFlags = ConReuseConnectedAddr | ConReadOnWriteError | ConLingeringClose
)

// NewConn makes a connection to a host, which a resolver looks up; nil stands for
// Go's. It connects when there is a request, and again when there is one after
// it was closed. The error is ErrInvalid for a host or port that cannot be
// (evhttp_connection_base_new).
func NewConn(base *event.Base, resolver bufferevent.Resolver, host string, port int) (*Conn, error) {
	return NewConnFunc(base, resolver, host, port, nil)
}

// NewConnFunc is NewConn with streams of another kind, such as TLS; nil stands for
// plain sockets (evhttp_connection_base_bufferevent_new).
func NewConnFunc(base *event.Base, resolver bufferevent.Resolver, host string, port int, stream DialFunc) (*Conn, error) {
	o, err := newOutgoing(base, resolver, host, port, stream)
	if err != nil {
		return nil, err
	}
	return &o.Conn, nil
}

func newOutgoing(base *event.Base, resolver bufferevent.Resolver, host string, port int, stream DialFunc) (*outgoing, error) {
	o := &outgoing{resolver: resolver, host: host, port: port, newStream: stream, hostField: hostField(host, port)}
	if port < 1 || port > 65535 || host == "" || !message.ValidValue(host) {
		return nil, fmt.Errorf("new connection to %q port %d: %w", host, port, ErrInvalid)
	}
	return o, o.prepare(base)
}

// NewConnUnix is NewConnFunc for a Unix socket. The Host field is empty unless
// the request has one (evhttp_connection_base_bufferevent_unix_new).
func NewConnUnix(base *event.Base, path string, stream DialFunc) (*Conn, error) {
	if path == "" {
		return nil, fmt.Errorf("new connection to a Unix socket: %w", ErrInvalid)
	}
	o := &outgoing{unix: path, newStream: stream}
	if err := o.prepare(base); err != nil {
		return nil, err
	}
	return &o.Conn, nil
}

// NewConnReuse makes a connection of a bufferevent that is connected, or will be,
// and belongs to the connection from now on. host is for the Host field. Once it
// is closed, requests fail (evhttp_connection_base_bufferevent_reuse_new).
func NewConnReuse(b *bufferevent.Bufferevent, host string) (*Conn, error) {
	if !message.ValidValue(host) {
		return nil, fmt.Errorf("new connection to %q: %w", host, ErrInvalid)
	}
	o := &outgoing{hostField: host}
	if err := o.prepare(b.Base()); err != nil {
		return nil, err
	}
	o.attach(b)
	if b.Connected() {
		o.established()
	} else {
		o.state = connecting
		o.expect(o.connectTimeout)
	}
	return &o.Conn, nil
}

func (o *outgoing) prepare(base *event.Base) error {
	if o.newStream == nil {
		o.newStream = plainClient
	}
	o.limits, o.maxBody = new(message.Limits), -1
	o.connectTimeout, o.readTimeout, o.writeTimeout = DefaultConnectTimeout, DefaultResponseTimeout, DefaultResponseTimeout
	o.continueTimeout, o.initialRetry, o.maxQueue = DefaultContinueTimeout, DefaultInitialRetry, DefaultMaxQueue
	return o.init(base, o)
}

func plainClient(base *event.Base) (*bufferevent.Bufferevent, error) {
	return bufferevent.NewSocket(base, evutil.InvalidSocket, bufferevent.CloseOnFree)
}

// hostField returns the value of a Host field: without the port if it is that
// of the scheme, which is taken to be HTTP's or HTTPS's by the number.
func hostField(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == 80 || port == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}

// client returns the client's side of c, on which what needs one.
func (c *Conn) client(op string) (*outgoing, error) {
	o, ok := c.side.(*outgoing)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", op, ErrNotClient)
	case c.freed:
		return nil, fmt.Errorf("%s: %w", op, ErrDone)
	}
	return o, nil
}

// change changes a client's connection. What an error is about is op.
func (c *Conn) change(op string, change func(o *outgoing)) error {
	o, err := c.client(op)
	if err == nil {
		change(o)
	}
	return err
}

// Peer returns the host and port that a client connects to; the path and 0 for a
// Unix socket (evhttp_connection_get_peer).
func (c *Conn) Peer() (host string, port int) {
	if o, ok := c.side.(*outgoing); ok {
		return o.host + o.unix, o.port
	}
	return c.peer.Addr().String(), int(c.peer.Port())
}

// SetLocalAddress sets the address that a client connects from. The zero Addr
// leaves it to the system. The error, here and below, is ErrNotClient for a
// server's connection, ErrDone after Free (evhttp_connection_set_local_address).
func (c *Conn) SetLocalAddress(addr netip.Addr) error {
	return c.change("set local address", func(o *outgoing) { o.local = netip.AddrPortFrom(addr, o.local.Port()) })
}

// SetLocalPort sets the port that a client connects from, 0 leaves it to the
// system (evhttp_connection_set_local_port).
func (c *Conn) SetLocalPort(port uint16) error {
	return c.change("set local port", func(o *outgoing) { o.local = netip.AddrPortFrom(o.local.Addr(), port) })
}

// SetFamily restricts the addresses of the host to a family, AF_INET or
// AF_INET6; AF_UNSPEC, the default, allows both
// (evhttp_connection_set_family).
func (c *Conn) SetFamily(family int) error {
	if family != syscall.AF_UNSPEC && family != syscall.AF_INET && family != syscall.AF_INET6 {
		return fmt.Errorf("set family %d: %w", family, ErrInvalid)
	}
	return c.change("set family", func(o *outgoing) { o.family = family })
}

// SetRetries sets how often connecting is tried again, -1 without end. The
// default is 0 (evhttp_connection_set_retries).
func (c *Conn) SetRetries(n int) error {
	return c.change("set retries", func(o *outgoing) { o.maxRetries = n })
}

// SetInitialRetry sets how long to wait before the first retry; each after that
// waits twice as long as the one before, an hour at most
// (evhttp_connection_set_initial_retry_tv).
func (c *Conn) SetInitialRetry(d time.Duration) error {
	return c.change("set initial retry", func(o *outgoing) { o.initialRetry = max(d, time.Nanosecond) })
}

// SetConnectTimeout limits how long connecting may take, TLS and a tunnel
// included. Zero stands for no limit, here and below
// (evhttp_connection_set_connect_timeout_tv).
func (c *Conn) SetConnectTimeout(d time.Duration) error {
	return c.change("set connect timeout", func(o *outgoing) { o.connectTimeout = d })
}

// SetReadTimeout limits how long an answer may take from when the request was
// sent, and each piece of its body from the one before
// (evhttp_connection_set_read_timeout_tv).
func (c *Conn) SetReadTimeout(d time.Duration) error {
	return c.change("set read timeout", func(o *outgoing) { o.readTimeout = d })
}

// SetWriteTimeout limits how long the server may take nothing of a request
// (evhttp_connection_set_write_timeout_tv).
func (c *Conn) SetWriteTimeout(d time.Duration) error {
	return c.change("set write timeout", func(o *outgoing) {
		if o.writeTimeout = d; o.state >= idle {
			_ = o.bev.SetTimeouts(0, d) // fails only for one that was freed
		}
	})
}

// SetTimeout sets the timeouts for reading and writing
// (evhttp_connection_set_timeout_tv).
func (c *Conn) SetTimeout(d time.Duration) error {
	if err := c.SetReadTimeout(d); err != nil {
		return err
	}
	return c.SetWriteTimeout(d)
}

// SetContinueTimeout sets how long a body waits for the server to say that it is
// wanted, after "Expect: 100-continue"; then it is sent anyway. The default is
// DefaultContinueTimeout; without a limit, a server that does not know of that
// lets the request fail by the timeout for reading.
func (c *Conn) SetContinueTimeout(d time.Duration) error {
	return c.change("set continue timeout", func(o *outgoing) { o.continueTimeout = d })
}

// SetIdleTimeout sets how long a connection is kept that has no request. There
// is no limit by default.
func (c *Conn) SetIdleTimeout(d time.Duration) error {
	return c.change("set idle timeout", func(o *outgoing) {
		if o.idleTimeout = d; o.state == idle && len(o.queue) == 0 {
			o.expect(d)
		}
	})
}

// SetMaxQueue limits how many requests there may be at a time, waiting or under
// way; the default is DefaultMaxQueue.
func (c *Conn) SetMaxQueue(n int) error {
	return c.change("set queue limit", func(o *outgoing) { o.maxQueue = n })
}

// SetFlags sets the flags, and clears those that are not in flags
// (evhttp_connection_set_flags).
func (c *Conn) SetFlags(flags ConnFlags) error {
	if flags&^allConnFlags != 0 {
		return fmt.Errorf("set flags %#x: %w", flags, ErrInvalid)
	}
	return c.change("set flags", func(o *outgoing) { o.flags = flags })
}

// FreeOnCompletion frees the connection when the last of its requests is over
// and its callback has not made another one
// (evhttp_connection_free_on_completion).
func (c *Conn) FreeOnCompletion() error {
	return c.change("free on completion", func(o *outgoing) { o.freeWhenDone = true })
}
