package evhttp

import (
	"net/http"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/cond"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/route"
)

// A Server accepts connections and has requests answered (struct evhttp).
//
// It belongs to the goroutine that runs the loop of its base. Callbacks may do
// anything to it, and free it. When the base is freed, the requests under way fail with
// [event.ErrFreed], and the connections are closed, on the goroutine that frees it; in
// C they are forgotten.
type Server struct {
	base *event.Base

	bounds    []*Bound
	protocols []serverProtocol
	conns     []*ServerConn
	leaving   map[*bufferevent.Bufferevent]struct{} // streams that end in order, without a connection any more

	exact     map[string]handler
	routes    route.Router[handler]
	generic   handler
	hosts     route.Hosts[*Server]
	anyMethod bool // some handlers get requests of every method

	cfg        ServerConfig   // with the defaults filled in
	limits     message.Limits // of cfg
	extensions []extension
	losses     event.LogLimiter // of connections
	unhook     func() bool      // from the freeing of the base

	freed    bool
	draining bool
	deadline event.Event
	onEmpty  func(err error)

	scratch []byte // for what is sent next
	path    []byte // of the request that is looked up
	date    cond.DateCache
}

// StreamFunc makes a bufferevent for an accepted socket: of TLS, for example. The
// socket is its own, also if it fails: bufferevent.NewSocket and evtls.NewSocket with
// CloseOnFree have closed it then. A stream that may agree on
// protocols with its peer must not offer "h2"; connections that do are closed.
type StreamFunc func(base *event.Base, fd int) (*bufferevent.Bufferevent, error)

// NewServer makes a server with the defaults, which listens nowhere yet
// (evhttp_new).
func NewServer(base *event.Base) *Server {
	s, _ := NewServerWithConfig(base, nil) // the defaults are valid
	return s
}

// NewServerWithConfig is NewServer for another configuration, of which it keeps a
// copy; nil stands for the defaults. The error is ErrInvalid for flags or a content
// type that cannot be.
func NewServerWithConfig(base *event.Base, cfg *ServerConfig) (*Server, error) {
	c, err := cfg.populated()
	if err != nil {
		return nil, opError("new server", err)
	}
	s := &Server{base: base, protocols: newServerProtocols(), exact: make(map[string]handler), cfg: c, limits: c.Limits.message()}
	s.hosts.Server = s
	s.unhook = base.AfterFree(s.baseFreed)
	return s, nil
}

// Free closes everything at once. Streams of connections without a request still
// say that they have ended, if that can be said without waiting (evhttp_free).
func (s *Server) Free() {
	s.unhook()
	s.freed = true
	s.closeBounds()
	if s.deadline.Initialized() {
		s.deadline.Del()
	}
	s.onEmpty = nil
	for len(s.conns) > 0 {
		s.conns[len(s.conns)-1].Free()
	}
	s.cutLeaving()
}

// baseFreed is called when no loop will end anything any more.
func (s *Server) baseFreed() {
	s.freed = true
	s.closeBounds()
	done := s.onEmpty
	s.onEmpty = nil
	for len(s.conns) > 0 {
		s.conns[len(s.conns)-1].session().fail(event.ErrFreed)
	}
	s.cutLeaving()
	if done != nil {
		done(event.ErrFreed)
	}
}

// closeGracefully ends a stream in order. It is in leaving until it has ended.
func (s *Server) closeGracefully(b *bufferevent.Bufferevent) {
	if b.Underlying() == nil && b.FD() >= 0 && b.Output().Len() == 0 { // a socket that is closed says all there is to say
		b.Free()
		return
	}
	over := false
	b.FreeWhenWrittenFunc(s.cfg.Timeouts.Write, func(error) {
		over = true
		if _, left := s.leaving[b]; left {
			delete(s.leaving, b)
			s.gone()
		}
	})
	if over {
		return
	}
	if s.leaving == nil {
		s.leaving = make(map[*bufferevent.Bufferevent]struct{})
	}
	s.leaving[b] = struct{}{}
}

// cutLeaving ends at once what is to end in order.
func (s *Server) cutLeaving() {
	for b := range s.leaving {
		b.Free()
	}
	clear(s.leaving)
}

// gone is called when a connection or stream has gone.
func (s *Server) gone() {
	if s.onEmpty != nil && s.unused() {
		// The error is that the base was freed, and nothing is told any more.
		_ = s.base.Post(func() { s.empty(nil) })
	}
}

// unused reports whether nothing is left of any connection.
func (s *Server) unused() bool { return len(s.conns)+len(s.leaving) == 0 }

// Shutdown accepts nothing any more, closes the connections that have no request,
// and the others when they have answered theirs. What is left after a time is
// closed as it is; 0 is to wait as long as it takes. done, which may be nil, is
// called on the loop when there is no connection left, with ErrDeadline if some
// had to be closed; or when the base is freed before that, with [event.ErrFreed]. Free is
// still to be called.
func (s *Server) Shutdown(after time.Duration, done func(err error)) error {
	s.draining = true
	s.onEmpty = done
	if s.onEmpty == nil {
		s.onEmpty = func(error) {}
	}
	s.closeBounds()
	for _, c := range slices.Clone(s.conns) {
		if !c.freed { // by the end of another one
			c.session().drain()
		}
	}
	if s.unused() {
		return s.base.Post(func() { s.empty(nil) })
	}
	if after <= 0 {
		return nil
	}
	if !s.deadline.Initialized() {
		s.deadline.Data = s
		if err := s.deadline.AssignTimer(s.base, onDeadline); err != nil {
			return err
		}
	}
	return s.deadline.AddTimeout(after)
}

func onDeadline(ev *event.Event, _ event.What) { ev.Data.(*Server).cutOff() }

// cutOff ends a shutdown by closing the connections that are left.
func (s *Server) cutOff() {
	done := s.onEmpty
	s.onEmpty = nil
	for len(s.conns) > 0 {
		c := s.conns[len(s.conns)-1]
		c.shut(c.role.betweenMessages())
	}
	s.cutLeaving()
	if done != nil {
		done(ErrDeadline)
	}
}

// empty calls the callback of Shutdown when there is no connection left.
func (s *Server) empty(err error) {
	if fn := s.onEmpty; fn != nil && s.unused() {
		s.onEmpty = nil
		if s.deadline.Initialized() {
			s.deadline.Del()
		}
		fn(err)
	}
}

// find selects the handler of a request, or returns the status code to refuse it with.
func (s *Server) find(r *Request) int {
	code := s.route(r)
	if r.method&s.cfg.AllowedMethods == 0 && s.cfg.AllowedMethods != AnyMethod && !r.handler.anyMethod {
		code = s.disallow(r, code)
	}
	if code == 0 && r.asked.Expect == message.ExpectOther {
		code = http.StatusExpectationFailed
	}
	return code
}

// disallow turns a request away whose method is not allowed, and which route has
// answered with code.
func (s *Server) disallow(r *Request, code int) int {
	r.handler = handler{}
	switch {
	case r.method == 0:
		r.header.Remove("Allow")
		return http.StatusNotImplemented
	case code != http.StatusMethodNotAllowed: // otherwise Allow is that of the resource
		_ = r.header.Set("Allow", s.allowedNames()) // a field that is valid
	}
	return http.StatusMethodNotAllowed
}

func (s *Server) closesAfter(count int) bool {
	return s.draining || s.cfg.MaxRequests > 0 && count >= s.cfg.MaxRequests
}

// ConnectionCount returns the number of connections
// (evhttp_get_connection_count).
func (s *Server) ConnectionCount() int { return len(s.conns) }
