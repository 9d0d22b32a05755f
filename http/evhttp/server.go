package evhttp

import (
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
	leaving   turns[*bufferevent.Bufferevent] // streams that end in order, without a connection any more
	turn      uint64                          // of the latest of them

	exact     map[string]handler
	routes    route.Router[handler]
	generic   handler
	hosts     route.Hosts[*Server]
	anyMethod bool // some handlers get requests of every method

	hostOptional bool // some handlers get requests without a Host field

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
//
// The callbacks of a stream that come within the calls that write, as those of a
// [bufferevent.NewFilter], come from the loop once a server or client has it, as with
// [bufferevent.DeferCallbacks], and do so after [Request.Hijack], too.
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

// ConnectionCount returns the number of connections
// (evhttp_get_connection_count).
func (s *Server) ConnectionCount() int { return len(s.conns) }
