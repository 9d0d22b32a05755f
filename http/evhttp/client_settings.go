package evhttp

import (
	"fmt"
	"net/netip"
	"time"
)

// set changes a setting. The error is ErrDone after Free.
func (c *ClientConn) set(what string, change func(cfg *ConnConfig)) error {
	if c.freed {
		return opError("set "+what, ErrDone)
	}
	own := *c.cfg // which others may share
	change(&own)
	c.cfg = &own
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
		return fmt.Errorf("evhttp: set %w", err)
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
		if cfg.WriteTimeout = d; c.state == open {
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
		if cfg.IdleTimeout = d; c.state == open && c.pending() == 0 {
			c.expect(d)
		}
	})
}

// SetMaxQueue sets ConnConfig.MaxQueue. Requests beyond it that wait already stay.
func (c *ClientConn) SetMaxQueue(n int) error {
	return c.set("queue limit", func(cfg *ConnConfig) { cfg.MaxQueue = n })
}

// SetFlags sets the flags, and clears those that are not in flags. The error can be
// ErrInvalid, too (evhttp_connection_set_flags).
func (c *ClientConn) SetFlags(flags ConnFlags) error {
	if err := validFlags(flags); err != nil {
		return fmt.Errorf("evhttp: set %w", err)
	}
	return c.set("flags", func(cfg *ConnConfig) { cfg.Flags = flags })
}

// FreeOnCompletion frees the connection when the last of its requests is over
// and its callback has not made another one
// (evhttp_connection_free_on_completion).
func (c *ClientConn) FreeOnCompletion() error {
	return c.set("free on completion", func(*ConnConfig) { c.freeWhenDone = true })
}
