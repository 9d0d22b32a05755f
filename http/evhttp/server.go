package evhttp

import (
	"bytes"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// Defaults of a server.
const (
	DefaultMaxBodySize    = 16 << 20
	DefaultMaxHeadersSize = wire.DefaultMaxHeader
	DefaultIdleTimeout    = 50 * time.Second
	DefaultHeaderTimeout  = 20 * time.Second
	DefaultBodyTimeout    = 20 * time.Second
	DefaultMinBodyRate    = 500
	DefaultWriteTimeout   = 50 * time.Second
	DefaultContentType    = "text/html; charset=ISO-8859-1"
)

// ServerFlags change what a server does.
type ServerFlags uint32

// ServerLingeringClose reads and drops what a client still sends when its last
// answer has gone, for all clients; otherwise that is done where it is known to
// be needed (EVHTTP_SERVER_LINGERING_CLOSE).
const ServerLingeringClose ServerFlags = 1

// Handler answers a request, at once or later.
type Handler func(r *Request)

// handler is who answers a request.
type handler struct {
	fn     Handler
	stream bool // called when the header has come, before the body
}

// A Server accepts connections and has requests answered (struct evhttp).
//
// It belongs to the goroutine that runs the loop of its base. Callbacks may do
// anything to it, and free it.
type Server struct {
	base *event.Base

	bounds   []*Bound
	conns    []*served
	requests []*Request // to be used again
	exact    map[string]handler
	generic  handler

	allowed      Method
	flags        ServerFlags
	limits       wire.Limits
	maxBody      int64
	maxConns     int
	maxRequests  int
	draining     bool
	freed        bool
	contentType  string
	onNewRequest func(r *Request) bool
	onError      ErrorPage
	newStream    StreamFunc

	idleTimeout, headerTimeout, bodyTimeout, writeTimeout time.Duration
	minBodyRate                                           int

	scratch  []byte // for what is sent next
	path     []byte // of the request that is looked up
	dateText []byte
	dateUnix int64
}

// StreamFunc makes a bufferevent for an accepted socket: of TLS, for example. It
// is responsible for the socket, also if it fails.
type StreamFunc func(base *event.Base, fd int) (*bufferevent.Bufferevent, error)

// ErrorPage fills in what is sent with an error: the body, and header fields. It
// returns false to leave that to the server.
type ErrorPage func(r *Request, code int, reason string) bool

// NewServer makes a server that listens nowhere yet (evhttp_new).
func NewServer(base *event.Base) *Server {
	return &Server{
		base: base, exact: make(map[string]handler),
		allowed: DefaultMethods, maxBody: DefaultMaxBodySize, contentType: DefaultContentType,
		idleTimeout: DefaultIdleTimeout, headerTimeout: DefaultHeaderTimeout,
		bodyTimeout: DefaultBodyTimeout, writeTimeout: DefaultWriteTimeout,
		minBodyRate: DefaultMinBodyRate, newStream: plain,
	}
}

// Free closes everything at once (evhttp_free).
func (s *Server) Free() {
	s.freed = true
	for _, b := range s.bounds {
		b.close()
	}
	s.bounds = nil
	for len(s.conns) > 0 {
		s.conns[len(s.conns)-1].Free()
	}
}

// Handle has requests for a path answered by fn. The path is as it is after
// decoding, without the query. The error is ErrTaken if there is somebody
// (evhttp_set_cb).
func (s *Server) Handle(path string, fn Handler) error { return s.handle(path, handler{fn: fn}) }

// HandleStream is Handle for a function that is called before the body has come.
// The function sets a chunk callback to get it, see SetChunkCallback.
func (s *Server) HandleStream(path string, fn Handler) error {
	return s.handle(path, handler{fn: fn, stream: true})
}

func (s *Server) handle(path string, h handler) error {
	if _, taken := s.exact[path]; taken {
		return fmt.Errorf("handle %s: %w", path, ErrTaken)
	}
	s.exact[path] = h
	return nil
}

// Unhandle undoes Handle. The error is ErrNotFound if there is nothing to undo
// (evhttp_del_cb).
func (s *Server) Unhandle(path string) error {
	if _, taken := s.exact[path]; !taken {
		return fmt.Errorf("unhandle %s: %w", path, ErrNotFound)
	}
	delete(s.exact, path)
	return nil
}

// SetGenericCallback has all requests answered by fn that nobody else answers;
// nil stands for 404 (evhttp_set_gencb).
func (s *Server) SetGenericCallback(fn Handler) { s.generic = handler{fn: fn} }

// find returns who answers a request.
func (s *Server) find(r *Request) handler {
	path := r.reqHead.Path()
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	if bytes.IndexByte(path, '%') >= 0 {
		s.path = appendUnescaped(s.path[:0], path)
		path = s.path
	}
	if h, ok := s.exact[string(path)]; ok {
		return h
	}
	if s.generic.fn != nil {
		return s.generic
	}
	return handler{fn: notFound}
}

func notFound(r *Request) { r.SendError(http.StatusNotFound, "") }

// admit returns the status code to refuse a request with, or 0.
func (s *Server) admit(r *Request) int {
	switch {
	case r.method == 0:
		return http.StatusNotImplemented
	case r.method&s.allowed == 0:
		r.header.Set("Allow", s.allowed.String())
		return http.StatusMethodNotAllowed
	case r.reqHead.Expect == wire.ExpectOther:
		return http.StatusExpectationFailed
	}
	return 0
}

func (s *Server) closesAfter(count int) bool {
	return s.draining || s.maxRequests > 0 && count >= s.maxRequests
}

// maxSpare is how many requests are kept to be used again.
const maxSpare = 256

func (s *Server) takeRequest() *Request {
	r := (*Request)(nil)
	if n := len(s.requests); n > 0 {
		r, s.requests = s.requests[n-1], s.requests[:n-1]
	} else {
		r = new(Request)
	}
	r.input.SetObserver(r)
	return r
}

// putRequest keeps a request to be used again, if nobody else has it.
func (s *Server) putRequest(r *Request) {
	if r.kept || len(s.requests) >= maxSpare {
		return
	}
	r.reset()
	s.requests = append(s.requests, r)
}

// date returns what a Date field says now.
func (s *Server) date() []byte {
	now := s.base.Now()
	if unix := now.Unix(); unix != s.dateUnix {
		s.dateUnix = unix
		s.dateText = now.UTC().AppendFormat(s.dateText[:0], http.TimeFormat)
	}
	return s.dateText
}

// accept serves a connection.
func (s *Server) accept(b *Bound, fd int, peer netip.AddrPort) {
	newStream := s.newStream
	if b != nil && b.newStream != nil {
		newStream = b.newStream
	}
	bev, err := newStream(s.base, fd)
	if err != nil {
		return
	}
	c, err := newServed(s)
	if err == nil {
		c.peer = peer
		s.add(c)
		err = c.start(bev)
	}
	if err != nil {
		c.close()
	}
}

// plain makes a bufferevent without TLS.
func plain(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		evutil.CloseSocket(fd)
	}
	return b, err
}

func (s *Server) add(c *served) {
	c.place = len(s.conns)
	s.conns = append(s.conns, c)
}

func (s *Server) remove(c *served) {
	last := len(s.conns) - 1
	s.conns[c.place] = s.conns[last]
	s.conns[c.place].place = c.place
	s.conns[last] = nil
	s.conns = s.conns[:last]
}

// ConnectionCount returns the number of connections
// (evhttp_get_connection_count).
func (s *Server) ConnectionCount() int { return len(s.conns) }

// Bounds yields what the server listens at (evhttp_foreach_bound_socket).
func (s *Server) Bounds() iter.Seq[*Bound] {
	return func(yield func(*Bound) bool) {
		for _, b := range s.bounds {
			if !yield(b) {
				return
			}
		}
	}
}

func (s *Server) log(*Request) {}
