package evrpc

import (
	"slices"

	"github.com/go-libevent/libevent/http/evhttp"
)

// A ServerConfig is how a server is to be. Its zero value stands for the defaults.
type ServerConfig struct {
	// MaxRequestSize limits requests, in bytes: more is answered with 413. The default is
	// DefaultMaxRequestSize, a negative number stands for no limit.
	MaxRequestSize int64
}

// A Server answers RPCs that come by a server of HTTP, each at a path of its own. It belongs
// to the goroutine of the loop of that server. There may be several for one (struct
// evrpc_base).
type Server struct {
	http    *evhttp.Server
	maxBody int64
	hooks   hooks
	rpcs    []*registration
	calls   exchangeList // under way
	freed   bool
}

// An RPC is what a server knows of one; see [Server.RegisterRPC] (struct evrpc).
type RPC struct {
	// Name is what it is called by.
	Name string
	// NewRequest and NewReply make empty messages, which are used again.
	NewRequest, NewReply func() Message
	// Handler answers a call, at once or later, by its Done.
	Handler func(c *ServerCall)
}

// A registration is an RPC of a server.
type registration struct {
	RPC
	server *Server
	spare  []*ServerCall
}

// NewServer makes a server that has no RPCs yet, on one of HTTP, whose other handlers do not
// matter; cfg may be nil. The error is ErrInvalid if there is no server (evrpc_init).
func NewServer(http *evhttp.Server, cfg *ServerConfig) (*Server, error) {
	if http == nil {
		return nil, opError("new server", "", ErrInvalid)
	}
	s := &Server{http: http, maxBody: DefaultMaxRequestSize}
	if cfg != nil {
		s.maxBody = limit(cfg.MaxRequestSize, DefaultMaxRequestSize, -1)
	}
	return s, nil
}

// HTTP returns the server of HTTP.
func (s *Server) HTTP() *evhttp.Server { return s.http }

// SetMaxRequestSize sets ServerConfig.MaxRequestSize, for RPCs that are registered from now
// on.
func (s *Server) SetMaxRequestSize(n int64) { s.maxBody = limit(n, DefaultMaxRequestSize, -1) }

// MaxRequestSize returns the limit of requests in bytes, or -1 if there is none.
func (s *Server) MaxRequestSize() int64 { return s.maxBody }

// AddHook adds a hook behind those that there are: for requests before they are decoded, or
// for replies. The error is ErrInvalid for a type or function that cannot be
// (evrpc_add_hook).
func (s *Server) AddHook(t HookType, fn HookFunc) (*Hook, error) { return s.hooks.add(t, fn) }

// Register has an RPC answered by fn, which gets the request and fills in the reply, and
// then calls Done, at once or later. The errors are those of [Server.RegisterRPC]. Request
// and Reply are inferred from fn (EVRPC_REGISTER).
func Register[Request, Reply any, PRequest MessageOf[Request], PReply MessageOf[Reply]](
	s *Server, name string, fn func(c *Call[Request, Reply]),
) error {
	if fn == nil {
		return opError("register", name, ErrInvalid)
	}
	return s.RegisterRPC(&RPC{
		Name:       name,
		NewRequest: func() Message { return PRequest(new(Request)) },
		NewReply:   func() Message { return PReply(new(Reply)) },
		Handler: func(c *ServerCall) {
			typed, ok := c.typed.(*Call[Request, Reply])
			if !ok {
				typed = &Call[Request, Reply]{c, c.request.(PRequest), c.reply.(PReply)}
				c.typed = typed
			}
			fn(typed)
		},
	})
}

// RegisterRPC has requests for an RPC, of which a copy is kept, answered. The error is
// ErrTaken if there is one of that name, ErrInvalid for a name that cannot be or if a
// function is missing, ErrFreed after Free (evrpc_register_rpc, evrpc_register_generic).
func (s *Server) RegisterRPC(r *RPC) error {
	const op = "register"
	if r == nil {
		return opError(op, "", ErrInvalid)
	}
	err := checkName(r.Name)
	switch {
	case err != nil:
		return opError(op, "", err)
	case r.NewRequest == nil || r.NewReply == nil || r.Handler == nil:
		return opError(op, r.Name, ErrInvalid)
	case s.freed:
		return opError(op, r.Name, ErrFreed)
	}
	g := &registration{RPC: *r, server: s}
	// Clients of libevent's evrpc send no Host field.
	options := evhttp.HandleOptions{AllowNoHost: true, MaxBodySize: s.maxBody}
	if err := s.http.HandleWith(pathPrefix+r.Name, g.handle, options); err != nil {
		return opError(op, r.Name, err)
	}
	s.rpcs = append(s.rpcs, g)
	return nil
}

// Unregister undoes Register. Calls that are under way go on. The error is ErrNotFound
// (evrpc_unregister_rpc, EVRPC_UNREGISTER).
func (s *Server) Unregister(name string) error {
	i := slices.IndexFunc(s.rpcs, func(g *registration) bool { return g.Name == name })
	if i < 0 {
		return opError("unregister", name, ErrNotFound)
	}
	s.rpcs[i].unhandle()
	s.rpcs = slices.Delete(s.rpcs, i, i+1)
	return nil
}

// unhandle removes the handler of the RPC.
func (g *registration) unhandle() {
	_ = g.server.http.Unhandle(pathPrefix + g.Name) // fails if it was removed there
}

// Pending returns how many calls are under way.
func (s *Server) Pending() int { return s.calls.count }

// Free unregisters all RPCs, and answers those that are under way with 503. The server of
// HTTP stays. In C no call may be under way (evrpc_free).
func (s *Server) Free() {
	if s.freed {
		return
	}
	s.freed = true
	for _, g := range s.rpcs {
		g.unhandle()
	}
	s.rpcs = nil
	s.calls.giveUpAll(ErrFreed)
}
