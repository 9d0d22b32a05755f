package evdnsserver

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A Config is the settings of a Server. The zero value of each field is its default.
type Config struct {
	// RequestTimeout is how long requests may wait for their answers; 0 is
	// DefaultRequestTimeout. A request that is neither answered nor dropped by then is
	// answered with SERVFAIL, and does not count against the limits any more.
	RequestTimeout time.Duration

	// MaxRequests is how many requests by UDP may wait for their answers; more are
	// ignored, for their clients to ask again; 0 is DefaultMaxRequests. Of each TCP
	// connection, 128 may.
	MaxRequests int
	// MaxUDPSize is how many bytes an answer by UDP may have, 512 to 65,507; 0 is
	// DefaultMaxUDPSize. Clients that say so with EDNS get as many; what does not fit
	// they ask for by TCP. The address of a request may be forged, and large answers
	// would flood whose it is.
	MaxUDPSize int

	// MaxClients is how many TCP connections there are at a time; more are closed as
	// soon as they are accepted; 0 is DefaultMaxClients, negative is none.
	MaxClients int
	// IdleTimeout is how long a TCP connection may go without a request, and without
	// taking any of its answers, before it is closed; 0 is DefaultIdleTimeout. It is
	// for connections yet to come.
	IdleTimeout time.Duration
}

// complete checks a config and fills in its defaults. A setting of UDP in a server for
// TCP, or the other way round, is errors.ErrUnsupported.
func (c *Config) complete(udp bool) error {
	for _, f := range []struct {
		name           string
		field          *int
		def, low, high int
		used           bool
	}{
		{"MaxRequests", &c.MaxRequests, DefaultMaxRequests, 1, math.MaxInt, udp},
		{"MaxUDPSize", &c.MaxUDPSize, DefaultMaxUDPSize, dnswire.MinUDPSize, maxDatagram, udp},
		{"MaxClients", &c.MaxClients, DefaultMaxClients, math.MinInt, math.MaxInt, !udp},
	} {
		if err := complete(f.field, f.def, f.low, f.high, f.used); err != nil {
			return fmt.Errorf("%s %d: %w", f.name, *f.field, err)
		}
	}
	if err := complete(&c.RequestTimeout, DefaultRequestTimeout, 1, math.MaxInt64, true); err != nil {
		return fmt.Errorf("RequestTimeout %v: %w", c.RequestTimeout, err)
	}
	if err := complete(&c.IdleTimeout, DefaultIdleTimeout, 1, math.MaxInt64, !udp); err != nil {
		return fmt.Errorf("IdleTimeout %v: %w", c.IdleTimeout, err)
	}
	return nil
}

// complete checks a field, or fills in its default. One that is not used must be zero.
func complete[T int | time.Duration](field *T, def, low, high T, used bool) error {
	switch {
	case !used && *field != 0:
		return errors.ErrUnsupported
	case !used:
	case *field == 0:
		*field = def
	case *field < low || *field > high:
		return ErrValue
	}
	return nil
}

// Config returns the settings, with the defaults filled in.
func (s *Server) Config() Config {
	s.lock()
	defer s.unlock()
	return s.config
}

// SetConfig sets all settings. The error wraps ErrValue if a field is out of its range,
// and errors.ErrUnsupported if a field is set that is not for the protocol of the
// server; nothing has changed then.
func (s *Server) SetConfig(c Config) error {
	return s.configure("set config", func(config *Config) { *config = c })
}

// SetRequestTimeout sets Config.RequestTimeout.
func (s *Server) SetRequestTimeout(d time.Duration) error {
	return s.configure("set request timeout", func(c *Config) { c.RequestTimeout = orInvalid(d) })
}

// SetMaxRequests sets Config.MaxRequests.
func (s *Server) SetMaxRequests(n int) error {
	return s.configure("set max requests", func(c *Config) { c.MaxRequests = orInvalid(n) })
}

// SetMaxUDPSize sets Config.MaxUDPSize.
func (s *Server) SetMaxUDPSize(n int) error {
	return s.configure("set max UDP size", func(c *Config) { c.MaxUDPSize = orInvalid(n) })
}

// SetMaxClients sets Config.MaxClients; here 0 is none, and a negative number ErrValue.
// Connections that are there stay (evdns_server_port_set_option,
// EVDNS_SOPT_TCP_MAX_CLIENTS).
func (s *Server) SetMaxClients(n int) error {
	if n < 0 {
		return fmt.Errorf("evdnsserver: set max clients: %d: %w", n, ErrValue)
	}
	return s.configure("set max clients", func(c *Config) { c.MaxClients = orInvalid(n) })
}

// SetIdleTimeout sets Config.IdleTimeout (evdns_server_port_set_option,
// EVDNS_SOPT_TCP_IDLE_TIMEOUT).
func (s *Server) SetIdleTimeout(d time.Duration) error {
	return s.configure("set idle timeout", func(c *Config) { c.IdleTimeout = orInvalid(d) })
}

// orInvalid returns a value of a setter, where 0 is not the default.
func orInvalid[T int | time.Duration](value T) T {
	if value == 0 {
		return -1
	}
	return value
}

// configure changes the settings, unless the result is not valid.
func (s *Server) configure(op string, change func(c *Config)) error {
	s.lock()
	defer s.unlock()
	c := s.config
	change(&c)
	if err := c.complete(s.udp != nil); err != nil {
		return fmt.Errorf("evdnsserver: %s: %w", op, err)
	}
	s.config = c
	s.expire()
	return nil
}
