package evhttp

import (
	"fmt"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// SetFlags sets flags, in place of those there are. The error is ErrInvalid if
// there is no such flag (evhttp_set_flags).
func (s *Server) SetFlags(flags ServerFlags) error {
	if err := validServerFlags(flags); err != nil {
		return fmt.Errorf("evhttp: set %w", err)
	}
	s.cfg.Flags = flags
	return nil
}

// SetTimeouts sets the timeouts of all that is waited for from now on, but Write, which is
// for connections that are accepted from now on. What is waited for already goes on
// (evhttp_set_timeout_tv, evhttp_set_read_timeout_tv, evhttp_set_write_timeout_tv).
func (s *Server) SetTimeouts(t Timeouts) { s.cfg.Timeouts = t.populated() }

// Timeouts returns what is set, with the defaults filled in.
func (s *Server) Timeouts() Timeouts { return s.cfg.Timeouts }

// SetLimits sets what requests may have, besides the body.
func (s *Server) SetLimits(l Limits) { s.cfg.Limits, s.limits = l, l.message() }

// SetMaxHeadersSize limits the header of a request, in bytes; 0 stands for the
// default (evhttp_set_max_headers_size).
func (s *Server) SetMaxHeadersSize(n int) {
	l := s.cfg.Limits
	l.Header = n
	s.SetLimits(l)
}

// SetMaxBodySize limits the body of requests of connections that are accepted
// from now on, in bytes: more is 413. Zero stands for the default, which is
// DefaultMaxBodySize for bodies that are kept until they are complete, and no
// limit for those that a callback takes as they come. A negative number is no
// limit at all (evhttp_set_max_body_size).
func (s *Server) SetMaxBodySize(n int64) { s.cfg.MaxBodySize = n }

// SetMaxConnections limits the number of connections; those beyond get 503. Zero
// is no limit (evhttp_set_max_connections).
func (s *Server) SetMaxConnections(n int) { s.cfg.MaxConnections = n }

// SetMaxRequests limits how many requests a connection may have; after the last
// one it is closed. Zero is no limit.
func (s *Server) SetMaxRequests(n int) { s.cfg.MaxRequests = n }

// SetDefaultContentType sets the type of answers with a body that have none; ""
// or NoContentType leaves them without. The error is ErrInvalid if it cannot be a
// field (evhttp_set_default_content_type).
func (s *Server) SetDefaultContentType(t string) error {
	if t == "" {
		t = NoContentType
	}
	if err := validContentType(t); err != nil {
		return opError("set default content type", err)
	}
	s.cfg.ContentType = t
	return nil
}

// SetNewRequestCallback sets what is called for each request whose header has
// come, before anything else: it can set callbacks, or answer. If it returns
// false the connection is closed. In C it is called before the header has come
// (evhttp_set_newreqcb).
func (s *Server) SetNewRequestCallback(fn func(r *Request) bool) { s.cfg.OnRequest = fn }

// SetErrorCallback sets what makes the pages that are sent with errors
// (evhttp_set_errorcb).
func (s *Server) SetErrorCallback(fn ErrorPage) { s.cfg.OnError = fn }

// SetStreamFunc sets what makes a stream of a socket that was accepted; nil
// stands for plain sockets (evhttp_set_bevcb).
func (s *Server) SetStreamFunc(fn StreamFunc) {
	if fn == nil {
		fn = plain
	}
	s.cfg.Stream = fn
}

// SetAllowedMethods sets the methods that there may be; others are answered with
// 405, and those that are not known with 501. In C it is 501 for all. A pattern that
// names its method allows that as well, and handlers made by [AllMethods] get every
// method (evhttp_set_allowed_methods).
func (s *Server) SetAllowedMethods(m Method) { s.cfg.AllowedMethods = m }

// DisableGeneralOptionsHandler passes "OPTIONS *" to the handlers made by [AllMethods].
// Where there are any it is otherwise answered with 200, as by [http.Server], whose field
// of the same name this is.
func (s *Server) DisableGeneralOptionsHandler(disable bool) { s.cfg.NoGeneralOptions = disable }

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
		return fmt.Errorf("evhttp: add method %q as %#x: %w", name, uint32(m), ErrInvalid)
	case methodOf([]byte(name)) != 0:
		return fmt.Errorf("evhttp: add method %s: %w", name, ErrTaken)
	}
	for _, e := range s.extensions {
		if e.name == name || e.method == m {
			return fmt.Errorf("evhttp: add method %s: %w", name, ErrTaken)
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
	names := s.cfg.AllowedMethods.String()
	for _, e := range s.extensions {
		if s.cfg.AllowedMethods&e.method == 0 {
			continue
		}
		if names != "" {
			names += ", "
		}
		names += e.name
	}
	return names
}
