package evhttp

import (
	"fmt"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A SecureFunc makes the TLS stream of a connection to a host: over a stream that
// is connected already, or if that is nil one that has yet to be connected. With
// the package evtls it is
//
//	func(base *event.Base, under *bufferevent.Bufferevent, host string) (*bufferevent.Bufferevent, error) {
//		cfg := &evtls.Config{TLS: &tls.Config{ServerName: host}}
//		if under != nil {
//			return evtls.NewFilter(under, evtls.Connecting, cfg, bufferevent.CloseOnFree)
//		}
//		return evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
//	}
//
// The stream must not offer protocols but HTTP/1.1 to the host.
type SecureFunc func(base *event.Base, under *bufferevent.Bufferevent, host string) (*bufferevent.Bufferevent, error)

// A ClientConfig is how a [Client] is to be. Its zero value stands for the
// defaults, as does a number or time that is negative.
type ClientConfig struct {
	// Resolver looks up hosts; nil stands for Go's.
	Resolver bufferevent.Resolver
	// Secure makes TLS streams; without it https is an error.
	Secure SecureFunc
	// Proxy returns the URL of the proxy to use for a URL, or nil for none. See
	// [ProxyFromEnvironment]. Proxies are those of HTTP, reached in clear or by
	// TLS: requests for http go to them, those for https through them.
	Proxy func(u *url.URL) (*url.URL, error)

	// MaxPerHost limits the connections to a host; more requests wait. The default
	// is DefaultMaxPerHost.
	MaxPerHost int
	// MaxWaiting limits the requests that wait, for all hosts together; more
	// are ErrQueueFull. The default is DefaultMaxWaiting.
	MaxWaiting int
	// MaxIdle limits the connections that are kept without a request, and
	// MaxIdlePerHost those to one host. The defaults are DefaultMaxIdle and
	// DefaultMaxIdlePerHost.
	MaxIdle, MaxIdlePerHost int
	// IdleTimeout is how long they are kept. The default is
	// DefaultPoolIdleTimeout.
	IdleTimeout time.Duration

	// SetUp is called with every new connection, to set timeouts, limits or
	// retries. An error is that of the request.
	SetUp func(c *ClientConn) error
}

// populated returns a copy with the defaults filled in. cfg may be nil.
func (cfg *ClientConfig) populated() ClientConfig {
	var c ClientConfig
	if cfg != nil {
		c = *cfg
	}
	for _, n := range []struct {
		limit     *int
		otherwise int
	}{
		{&c.MaxPerHost, DefaultMaxPerHost}, {&c.MaxWaiting, DefaultMaxWaiting},
		{&c.MaxIdle, DefaultMaxIdle}, {&c.MaxIdlePerHost, DefaultMaxIdlePerHost},
	} {
		if *n.limit <= 0 {
			*n.limit = n.otherwise
		}
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = DefaultPoolIdleTimeout
	}
	return c
}

// A DialFunc makes a bufferevent for a client: without a descriptor, and not
// connected.
type DialFunc func(base *event.Base) (*bufferevent.Bufferevent, error)

// A ConnConfig is how a client's connection is to be. Its zero value stands for the
// defaults. Every setting can be changed later by the method that bears its name.
type ConnConfig struct {
	// Resolver looks up the host; nil stands for Go's.
	Resolver bufferevent.Resolver
	// Stream makes streams of another kind than plain sockets, such as TLS.
	Stream DialFunc
	// LocalAddr is the address and port to connect from. What is zero of it is left to
	// the system.
	LocalAddr netip.AddrPort
	// Family restricts the addresses of the host to AF_INET or AF_INET6; AF_UNSPEC, the
	// default, allows both.
	Family int

	// ConnectTimeout limits how long connecting may take, TLS and a tunnel included. The
	// default is DefaultConnectTimeout. A negative time is no limit, here and below.
	ConnectTimeout time.Duration
	// ReadTimeout limits how long an answer may take from when the request was sent, and
	// each piece of its body from the one before. The default is DefaultResponseTimeout.
	ReadTimeout time.Duration
	// WriteTimeout limits how long the server may take nothing of a request. The default
	// is DefaultResponseTimeout.
	WriteTimeout time.Duration
	// ContinueTimeout is how long a body waits for the server to say that it is wanted,
	// after "Expect: 100-continue"; then it is sent anyway. The default is
	// DefaultContinueTimeout. Without a limit, a server that does not know of that lets
	// the request fail by the timeout for reading.
	ContinueTimeout time.Duration
	// IdleTimeout is how long a connection is kept that has no request. There is no limit
	// by default.
	IdleTimeout time.Duration

	// Retries is how often connecting is tried again, -1 without end. The default is 0.
	Retries int
	// InitialRetry is how long to wait before the first retry; each after that waits twice
	// as long as the one before, an hour at most. The default is DefaultInitialRetry.
	InitialRetry time.Duration

	// MaxQueue limits how many requests there may be at a time, waiting or under way. The
	// default is DefaultMaxQueue.
	MaxQueue int
	// MaxBody limits the body of an answer, in bytes. The default is DefaultMaxResponse for
	// bodies that are kept until they are complete, and no limit for those that a callback
	// takes as they come. A negative number is no limit at all.
	MaxBody int64
	// MaxHeaders limits the header of an answer, in bytes. The default is
	// DefaultMaxHeadersSize.
	MaxHeaders int

	// Flags change what the connection does.
	Flags ConnFlags
	// OnPanic is called with what a callback has panicked with; see
	// [ClientConn.SetPanicCallback].
	OnPanic PanicFunc

	protocols []clientProtocol // that may be spoken; nil for clientProtocols
}

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

// populated returns a copy with the defaults filled in, where times without a limit are 0.
// The error is ErrInvalid. cfg may be nil.
func (cfg *ConnConfig) populated() (ConnConfig, error) {
	var c ConnConfig
	if cfg != nil {
		c = *cfg
	}
	if err := validFamily(c.Family); err != nil {
		return c, err
	}
	if err := validFlags(c.Flags); err != nil {
		return c, err
	}
	if c.Stream == nil {
		c.Stream = plainClient
	}
	for _, t := range []struct {
		limit     *time.Duration
		otherwise time.Duration
	}{
		{&c.ConnectTimeout, DefaultConnectTimeout},
		{&c.ReadTimeout, DefaultResponseTimeout},
		{&c.WriteTimeout, DefaultResponseTimeout},
		{&c.ContinueTimeout, DefaultContinueTimeout},
		{&c.IdleTimeout, 0},
		{&c.InitialRetry, DefaultInitialRetry},
	} {
		if *t.limit == 0 {
			*t.limit = t.otherwise
		}
		*t.limit = max(*t.limit, 0)
	}
	c.InitialRetry = max(c.InitialRetry, time.Nanosecond)
	if c.MaxQueue <= 0 {
		c.MaxQueue = DefaultMaxQueue
	}
	return c, nil
}

// maxBody returns the limit of bodies as Conn has it.
func (cfg *ConnConfig) maxBody() int64 {
	switch {
	case cfg.MaxBody == 0:
		return defaultMaxBody
	case cfg.MaxBody < 0:
		return 0
	}
	return cfg.MaxBody
}

// defaultMaxBody stands for the default limit of the body of an answer, which depends on
// how it is taken.
const defaultMaxBody = -1

func (cfg *ConnConfig) limits() *message.Limits { return &message.Limits{Header: cfg.MaxHeaders} }

func plainClient(base *event.Base) (*bufferevent.Bufferevent, error) {
	return bufferevent.NewSocket(base, evutil.InvalidSocket, bufferevent.CloseOnFree)
}

func validFamily(family int) error {
	if family != syscall.AF_UNSPEC && family != syscall.AF_INET && family != syscall.AF_INET6 {
		return fmt.Errorf("family %d: %w", family, ErrInvalid)
	}
	return nil
}

func validFlags(flags ConnFlags) error {
	if flags&^allConnFlags != 0 {
		return fmt.Errorf("flags %#x: %w", flags, ErrInvalid)
	}
	return nil
}
