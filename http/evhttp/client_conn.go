package evhttp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// NewClientConn makes a connection to a host; cfg may be nil. It connects when there is a
// request, and again when there is one after it was closed. The error is ErrInvalid for a
// host, port or setting that cannot be (evhttp_connection_base_new,
// evhttp_connection_base_bufferevent_new).
func NewClientConn(base *event.Base, host string, port int, cfg *ConnConfig) (*ClientConn, error) {
	if err := checkHost(host, port); err != nil {
		return nil, fmt.Errorf("new connection: %w", err)
	}
	c := &ClientConn{host: host, port: port, hostField: hostField(host, port)}
	return c.prepare(base, cfg)
}

// NewClientConnUnix is NewClientConn for a Unix socket. The Host field is empty unless
// the request has one (evhttp_connection_base_bufferevent_unix_new).
func NewClientConnUnix(base *event.Base, path string, cfg *ConnConfig) (*ClientConn, error) {
	if path == "" {
		return nil, fmt.Errorf("new connection to a Unix socket: %w", ErrInvalid)
	}
	c := &ClientConn{unix: path}
	return c.prepare(base, cfg)
}

// NewClientConnReuse makes a connection of a bufferevent that is connected, or will be,
// and belongs to the connection from now on. host is for the Host field. Once it
// is closed, requests fail (evhttp_connection_base_bufferevent_reuse_new).
func NewClientConnReuse(b *bufferevent.Bufferevent, host string, cfg *ConnConfig) (*ClientConn, error) {
	if !message.ValidValue(host) {
		return nil, fmt.Errorf("new connection to %q: %w", host, ErrInvalid)
	}
	c, err := (&ClientConn{hostField: host}).prepare(b.Base(), cfg)
	if err != nil {
		return nil, err
	}
	c.attach(b)
	if b.Connected() {
		c.established()
	} else {
		c.state = connecting
		c.expect(c.cfg.ConnectTimeout)
	}
	return c, nil
}

// prepare gives a connection its settings.
func (c *ClientConn) prepare(base *event.Base, cfg *ConnConfig) (_ *ClientConn, err error) {
	if c.cfg, err = cfg.populated(); err != nil {
		return nil, fmt.Errorf("new connection: %w", err)
	}
	c.limits, c.maxBody = c.cfg.limits(), c.cfg.maxBody()
	if err := c.init(base, c); err != nil {
		return nil, err
	}
	return c, nil
}

func checkHost(host string, port int) error {
	if host == "" || !message.ValidValue(host) || port < 1 || port > 65535 {
		return fmt.Errorf("host %q, port %d: %w", host, port, ErrInvalid)
	}
	return nil
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

// Peer returns the host and port that is connected to; the path and 0 for a
// Unix socket (evhttp_connection_get_peer).
func (c *ClientConn) Peer() (host string, port int) { return c.host + c.unix, c.port }

// set changes a setting. The error is ErrDone after Free.
func (c *ClientConn) set(what string, change func(cfg *ConnConfig)) error {
	if c.freed {
		return fmt.Errorf("set %s: %w", what, ErrDone)
	}
	change(&c.cfg)
	return nil
}

// SetLocalAddress sets the address to connect from. The zero Addr leaves it to the
// system. The error, here and below, is ErrDone after Free
// (evhttp_connection_set_local_address).
func (c *ClientConn) SetLocalAddress(addr netip.Addr) error {
	return c.set("local address", func(cfg *ConnConfig) { cfg.LocalAddr = netip.AddrPortFrom(addr, cfg.LocalAddr.Port()) })
}

// SetLocalPort sets the port to connect from, 0 leaves it to the system
// (evhttp_connection_set_local_port).
func (c *ClientConn) SetLocalPort(port uint16) error {
	return c.set("local port", func(cfg *ConnConfig) { cfg.LocalAddr = netip.AddrPortFrom(cfg.LocalAddr.Addr(), port) })
}

// SetFamily sets ConnConfig.Family. The error can be ErrInvalid, too
// (evhttp_connection_set_family).
func (c *ClientConn) SetFamily(family int) error {
	if err := validFamily(family); err != nil {
		return fmt.Errorf("set %w", err)
	}
	return c.set("family", func(cfg *ConnConfig) { cfg.Family = family })
}

// SetRetries sets ConnConfig.Retries (evhttp_connection_set_retries).
func (c *ClientConn) SetRetries(n int) error {
	return c.set("retries", func(cfg *ConnConfig) { cfg.Retries = n })
}

// SetInitialRetry sets ConnConfig.InitialRetry (evhttp_connection_set_initial_retry_tv).
func (c *ClientConn) SetInitialRetry(d time.Duration) error {
	return c.set("initial retry", func(cfg *ConnConfig) { cfg.InitialRetry = max(d, time.Nanosecond) })
}

// SetConnectTimeout sets ConnConfig.ConnectTimeout. Zero stands for no limit, here and
// below (evhttp_connection_set_connect_timeout_tv).
func (c *ClientConn) SetConnectTimeout(d time.Duration) error {
	return c.set("connect timeout", func(cfg *ConnConfig) { cfg.ConnectTimeout = d })
}

// SetReadTimeout sets ConnConfig.ReadTimeout (evhttp_connection_set_read_timeout_tv).
func (c *ClientConn) SetReadTimeout(d time.Duration) error {
	return c.set("read timeout", func(cfg *ConnConfig) { cfg.ReadTimeout = d })
}

// SetWriteTimeout sets ConnConfig.WriteTimeout (evhttp_connection_set_write_timeout_tv).
func (c *ClientConn) SetWriteTimeout(d time.Duration) error {
	return c.set("write timeout", func(cfg *ConnConfig) {
		if cfg.WriteTimeout = d; c.state.established() {
			_ = c.bev.SetTimeouts(0, d) // fails only for one that was freed
		}
	})
}

// SetTimeout sets the timeouts for reading and writing
// (evhttp_connection_set_timeout_tv).
func (c *ClientConn) SetTimeout(d time.Duration) error {
	if err := c.SetReadTimeout(d); err != nil {
		return err
	}
	return c.SetWriteTimeout(d)
}

// SetContinueTimeout sets ConnConfig.ContinueTimeout.
func (c *ClientConn) SetContinueTimeout(d time.Duration) error {
	return c.set("continue timeout", func(cfg *ConnConfig) { cfg.ContinueTimeout = d })
}

// SetIdleTimeout sets ConnConfig.IdleTimeout.
func (c *ClientConn) SetIdleTimeout(d time.Duration) error {
	return c.set("idle timeout", func(cfg *ConnConfig) {
		if cfg.IdleTimeout = d; c.state == idle && len(c.queue) == 0 {
			c.expect(d)
		}
	})
}

// SetMaxQueue sets ConnConfig.MaxQueue.
func (c *ClientConn) SetMaxQueue(n int) error {
	return c.set("queue limit", func(cfg *ConnConfig) { cfg.MaxQueue = n })
}

// SetFlags sets the flags, and clears those that are not in flags. The error can be
// ErrInvalid, too (evhttp_connection_set_flags).
func (c *ClientConn) SetFlags(flags ConnFlags) error {
	if err := validFlags(flags); err != nil {
		return fmt.Errorf("set %w", err)
	}
	return c.set("flags", func(cfg *ConnConfig) { cfg.Flags = flags })
}

// FreeOnCompletion frees the connection when the last of its requests is over
// and its callback has not made another one
// (evhttp_connection_free_on_completion).
func (c *ClientConn) FreeOnCompletion() error {
	return c.set("free on completion", func(*ConnConfig) { c.freeWhenDone = true })
}
