package evhttp

import (
	"fmt"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A ServerConfig is how a server is to be. Its zero value stands for the defaults.
// Every setting can be changed later by the method that bears its name.
type ServerConfig struct {
	// Timeouts bound how long the server waits for a client.
	Timeouts Timeouts
	// Limits bound what a request may have, besides its body.
	Limits Limits
	// MaxBodySize limits the body of a request, in bytes: more is 413. The default
	// is DefaultMaxBodySize for bodies that are kept until they are complete, and
	// no limit for those that a callback takes as they come. A negative number is
	// no limit at all.
	MaxBodySize int64
	// MaxConnections limits the number of connections; those beyond get 503. There
	// is no limit by default.
	MaxConnections int
	// MaxRequests limits how many requests a connection may have; after the last
	// one it is closed. There is no limit by default.
	MaxRequests int

	// Stream makes the stream of a socket that was accepted; by default plain ones.
	Stream StreamFunc
	// AllowedMethods are the methods that there may be; by default DefaultMethods.
	// See [Server.SetAllowedMethods].
	AllowedMethods Method
	// ContentType is the type of answers with a body that have none. The default is
	// DefaultContentType; NoContentType leaves them without.
	ContentType string
	// Flags change what the server does.
	Flags ServerFlags
	// NoGeneralOptions passes "OPTIONS *" to the handlers of net/http. See
	// [Server.DisableGeneralOptionsHandler].
	NoGeneralOptions bool

	// OnRequest is called for each request whose header has come; see
	// [Server.SetNewRequestCallback].
	OnRequest func(r *Request) bool
	// OnError makes the pages that are sent with errors.
	OnError ErrorPage
	// OnAnswer is called for each request that is over and had an answer; see
	// [Server.SetLogCallback].
	OnAnswer func(r *Request)
	// OnPanic is called with what a callback has panicked with; see
	// [Server.SetPanicCallback].
	OnPanic PanicFunc
}

// Timeouts bound how long a server waits for a client. A field that is 0 stands for
// its default, a negative one for no bound.
type Timeouts struct {
	// Idle is how long a connection may wait for its next request. The default is
	// DefaultIdleTimeout.
	Idle time.Duration
	// Header is how long a connection may take for its first request's header,
	// TLS included, and each later one from its first byte on; then it gets 408.
	// The default is DefaultHeaderTimeout.
	Header time.Duration
	// Body is how long nothing of a body may come; the default is
	// DefaultBodyTimeout. So that a client cannot send a byte now and then for
	// ever, all of it together must come at MinBodyRate, in bytes a second, after
	// that time; the default is DefaultMinBodyRate. If there is none, only Body
	// counts.
	Body        time.Duration
	MinBodyRate int
	// Write is how long a client may take none of what it is sent. The default is
	// DefaultWriteTimeout.
	Write time.Duration
}

// populated returns a copy with the defaults filled in.
func (t Timeouts) populated() Timeouts {
	for _, d := range []struct {
		bound     *time.Duration
		otherwise time.Duration
	}{
		{&t.Idle, DefaultIdleTimeout}, {&t.Header, DefaultHeaderTimeout}, {&t.Body, DefaultBodyTimeout}, {&t.Write, DefaultWriteTimeout},
	} {
		if *d.bound == 0 {
			*d.bound = d.otherwise
		}
	}
	if t.MinBodyRate == 0 {
		t.MinBodyRate = DefaultMinBodyRate
	}
	return t
}

// Limits bound what a server takes from a client. A field that is 0 or less
// stands for its default.
type Limits struct {
	Line       int // bytes of a request line: 16 kB; more is 414
	Header     int // bytes of a header: 64 kB; more is 431
	Fields     int // fields in it: 256; more is 431
	Trailer    int // bytes of a trailer: 16 kB; more is 431
	Extensions int // bytes of chunk extensions in a body: 4 kB; more is 413
}

// message returns the limits as parsers take them.
func (l Limits) message() message.Limits {
	return message.Limits{Line: l.Line, Header: l.Header, Fields: l.Fields, Trailer: l.Trailer, Extensions: l.Extensions}
}

// ServerFlags change what a server does.
type ServerFlags uint32

// ServerLingeringClose reads and drops what a client still sends when its last
// answer has gone, for all clients; otherwise that is done where it is known to
// be needed (EVHTTP_SERVER_LINGERING_CLOSE).
const ServerLingeringClose ServerFlags = 1

// populated returns a copy with the defaults filled in. The error is ErrInvalid.
// cfg may be nil.
func (cfg *ServerConfig) populated() (ServerConfig, error) {
	var c ServerConfig
	if cfg != nil {
		c = *cfg
	}
	if err := validServerFlags(c.Flags); err != nil {
		return c, err
	}
	if c.ContentType == "" {
		c.ContentType = DefaultContentType
	}
	if err := validContentType(c.ContentType); err != nil {
		return c, err
	}
	c.Timeouts = c.Timeouts.populated()
	if c.AllowedMethods == 0 {
		c.AllowedMethods = DefaultMethods
	}
	if c.Stream == nil {
		c.Stream = plain
	}
	return c, nil
}

func validServerFlags(flags ServerFlags) error {
	if flags&^ServerLingeringClose != 0 {
		return fmt.Errorf("flags %#x: %w", uint32(flags), ErrInvalid)
	}
	return nil
}

// validContentType returns an error unless t can be a field, or stands for none.
func validContentType(t string) error {
	if t == NoContentType {
		return nil
	}
	var check Header
	return check.Add("Content-Type", t)
}

// plain makes a bufferevent without TLS.
func plain(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
	return bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
}
