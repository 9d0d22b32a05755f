package evhttp

import (
	"fmt"
	"time"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// ServerFlags change what a server does.
type ServerFlags uint32

// ServerLingeringClose reads and drops what a client still sends when its last
// answer has gone, for all clients; otherwise that is done where it is known to
// be needed (EVHTTP_SERVER_LINGERING_CLOSE).
const ServerLingeringClose ServerFlags = 1

// SetFlags sets flags, in place of those there are. The error is ErrInvalid if
// there is no such flag (evhttp_set_flags).
func (s *Server) SetFlags(flags ServerFlags) error {
	if flags&^ServerLingeringClose != 0 {
		return fmt.Errorf("set flags %#x: %w", uint32(flags), ErrInvalid)
	}
	s.flags = flags
	return nil
}

// Timeouts bound how long a server waits for a client. A field that is 0 or less
// is no bound.
type Timeouts struct {
	// Idle is how long a connection may wait for its next request.
	Idle time.Duration
	// Header is how long a connection may take for its first request's header,
	// TLS included, and each later one from its first byte on; then it gets 408.
	Header time.Duration
	// Body is how long nothing of a body may come. So that a client cannot send
	// a byte now and then for ever, all of it together must come at MinBodyRate,
	// in bytes a second, after that time. If there is none, only Body counts.
	Body        time.Duration
	MinBodyRate int
	// Write is how long a client may take none of what it is sent.
	Write time.Duration
}

// SetTimeouts sets the timeouts of connections that are accepted from now on
// (evhttp_set_timeout_tv, evhttp_set_read_timeout_tv,
// evhttp_set_write_timeout_tv).
func (s *Server) SetTimeouts(t Timeouts) {
	s.idleTimeout, s.headerTimeout, s.bodyTimeout, s.writeTimeout = t.Idle, t.Header, t.Body, t.Write
	s.minBodyRate = t.MinBodyRate
}

// Timeouts returns what is set: by default those of the Default constants.
func (s *Server) Timeouts() Timeouts {
	return Timeouts{s.idleTimeout, s.headerTimeout, s.bodyTimeout, s.minBodyRate, s.writeTimeout}
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

// SetLimits sets what requests may have, besides the body.
func (s *Server) SetLimits(l Limits) {
	s.limits.Line, s.limits.Header, s.limits.Fields = l.Line, l.Header, l.Fields
	s.limits.Trailer, s.limits.Extensions = l.Trailer, l.Extensions
}

// SetMaxHeadersSize limits the header of a request, in bytes; 0 stands for the
// default (evhttp_set_max_headers_size).
func (s *Server) SetMaxHeadersSize(n int) { s.limits.Header = n }

// SetMaxBodySize limits the body of requests of connections that are accepted
// from now on, in bytes: more is 413. Zero stands for the default, which is
// DefaultMaxBodySize for bodies that are kept until they are complete, and no
// limit for those that a callback takes as they come. A negative number is no
// limit at all (evhttp_set_max_body_size).
func (s *Server) SetMaxBodySize(n int64) { s.maxBody = n }

// SetMaxConnections limits the number of connections; those beyond get 503. Zero
// is no limit (evhttp_set_max_connections).
func (s *Server) SetMaxConnections(n int) { s.maxConns = n }

// SetMaxRequests limits how many requests a connection may have; after the last
// one it is closed. Zero is no limit.
func (s *Server) SetMaxRequests(n int) { s.maxRequests = n }

// SetDefaultContentType sets the type of answers with a body that have none;
// nothing stands for none (evhttp_set_default_content_type).
func (s *Server) SetDefaultContentType(t string) error {
	var check Header
	if t != "" {
		if err := check.Add("Content-Type", t); err != nil {
			return err
		}
	}
	s.contentType = t
	return nil
}

// SetNewRequestCallback sets what is called for each request whose header has
// come, before anything else: it can set callbacks, or answer. If it returns
// false the connection is closed. In C it is called before the header has come
// (evhttp_set_newreqcb).
func (s *Server) SetNewRequestCallback(fn func(r *Request) bool) { s.onNewRequest = fn }

// SetErrorCallback sets what makes the pages that are sent with errors
// (evhttp_set_errorcb).
func (s *Server) SetErrorCallback(fn ErrorPage) { s.onError = fn }

// SetStreamFunc sets what makes a stream of a socket that was accepted; nil
// stands for plain sockets (evhttp_set_bevcb).
func (s *Server) SetStreamFunc(fn StreamFunc) {
	if fn == nil {
		fn = plain
	}
	s.newStream = fn
}

// SetAllowedMethods sets the methods that there may be; others are answered with
// 405, and those that nobody knows with 501. In C it is 501 for all. A pattern that
// names its method allows that as well, and handlers made by [AllMethods] get every
// method (evhttp_set_allowed_methods).
func (s *Server) SetAllowedMethods(m Method) { s.allowed = m }

// DisableGeneralOptionsHandler passes "OPTIONS *" to the handlers made by [AllMethods].
// Where there are any it is otherwise answered with 200, as by [http.Server], whose field
// of the same name this is.
func (s *Server) DisableGeneralOptionsHandler(disable bool) { s.noGeneralOptions = disable }

// An extension is a method that has no name here.
type extension struct {
	name   string
	method Method
}

// AddMethod makes a method known that has no name here: m is one bit beyond
// MethodMax. It must still be allowed. The error is ErrInvalid if the name is no
// token, or m is something else; ErrTaken if one of them is known
// (evhttp_set_ext_method_cmp).
func (s *Server) AddMethod(name string, m Method) error {
	switch {
	case !ascii.IsToken(name) || m <= MethodMax || m&(m-1) != 0:
		return fmt.Errorf("add method %q as %#x: %w", name, uint32(m), ErrInvalid)
	case methodOf([]byte(name)) != 0:
		return fmt.Errorf("add method %s: %w", name, ErrTaken)
	}
	for _, e := range s.extensions {
		if e.name == name || e.method == m {
			return fmt.Errorf("add method %s: %w", name, ErrTaken)
		}
	}
	s.extensions = append(s.extensions, extension{name, m})
	return nil
}

// methodOf returns the method of this name, or 0.
func (s *Server) methodOf(name []byte) Method {
	if m := methodOf(name); m != 0 {
		return m
	}
	for i := range s.extensions {
		if e := &s.extensions[i]; e.name == string(name) {
			return e.method
		}
	}
	return 0
}

// allowedNames returns the names of the methods that are allowed.
func (s *Server) allowedNames() string {
	names := s.allowed.String()
	for _, e := range s.extensions {
		if s.allowed&e.method == 0 {
			continue
		}
		if names != "" {
			names += ", "
		}
		names += e.name
	}
	return names
}
