package evhttp

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// Servers is a server on each of several loops, so that HTTP is served on all
// cores. Its methods are what a group of loops asks of a service, as
// pthreads.Serve does:
//
//	servers := evhttp.NewServers(func(s *evhttp.Server) error {
//		return s.Handle("/hello", hello)
//	})
//	group, addr, err := pthreads.Serve(nil, ":8080", servers)
//
// Each connection belongs to one loop for all its life, and handlers run on the
// loop of their connection: several at once, on different loops. There are no
// locks in the way of a request.
type Servers struct {
	setup func(s *Server) error
	loops sync.Map // of *event.Base to *loopServer
}

// A loopServer is the server of one loop.
type loopServer struct {
	*Server
	loop   int // its number
	unhook func() bool

	mu    sync.Mutex
	over  bool     // nothing is left of the server
	waits []func() // of Shutdown
}

// whenGone has fn called when no connection is left, at once if none is.
func (l *loopServer) whenGone(fn func()) {
	l.mu.Lock()
	over := l.over
	if !over {
		l.waits = append(l.waits, fn)
	}
	l.mu.Unlock()
	if over {
		fn()
	}
}

// end is called when no connection is left, and none will come.
func (l *loopServer) end() {
	l.mu.Lock()
	waits := l.waits
	l.over, l.waits = true, nil
	l.mu.Unlock()
	for _, fn := range waits {
		fn()
	}
}

// NewServers makes servers that setup prepares, several at once perhaps, each on
// the goroutine of its loop. setup may be nil.
func NewServers(setup func(s *Server) error) *Servers { return &Servers{setup: setup} }

// Setup makes the server of a loop. It is called on the loop's goroutine before
// the loop runs. The error is that of the function that prepares it.
func (s *Servers) Setup(loop int, base *event.Base) error {
	server := NewServer(base)
	if s.setup != nil {
		if err := s.setup(server); err != nil {
			server.Free()
			return err
		}
	}
	l := &loopServer{Server: server, loop: loop}
	l.unhook = base.AfterFree(func() { s.drop(base) })
	s.loops.Store(base, l)
	return nil
}

// Accept serves a connection on the loop that it is called on, as
// [Server.ServeFD]. What fails is logged. After Shutdown, connections are closed.
func (s *Servers) Accept(base *event.Base, fd int, peer netip.AddrPort) {
	server := s.On(base)
	if server == nil {
		event.Logger().Error("evhttp: connection on a loop without a server", "client", peer)
		_ = evutil.CloseSocket(fd) // nothing was sent that could be lost
		return
	}
	if err := server.serveFD(server.cfg.Stream, fd); err != nil && !errors.Is(err, ErrServerClosed) {
		server.logFailure("evhttp: connection refused", peer, err)
	}
}

// Teardown frees the server of a loop, and with it all of its connections. It is
// called on the loop's goroutine, after the loop has ended.
func (s *Servers) Teardown(_ int, base *event.Base) {
	if l := s.drop(base); l != nil {
		l.unhook()
		l.Free()
	}
}

// drop forgets a loop, which ends or has ended.
func (s *Servers) drop(base *event.Base) *loopServer {
	found, ok := s.loops.LoadAndDelete(base)
	if !ok {
		return nil
	}
	l := found.(*loopServer)
	l.end()
	return l
}

// On returns the server of a loop, or nil if there is none. It may be called from
// any goroutine, but the server belongs to the loop's.
func (s *Servers) On(base *event.Base) *Server {
	if found, ok := s.loops.Load(base); ok {
		return found.(*loopServer).Server
	}
	return nil
}

// Shutdown has all servers answer what is under way, as [Server.Shutdown], and
// waits until no connection is left. Connections that are accepted from now on are
// closed. When ctx is done, those that are left are closed as they are, and the
// error wraps ctx's cause. It may be called from any goroutine but the loops', which
// it waits for.
func (s *Servers) Shutdown(ctx context.Context) error {
	var waiting sync.WaitGroup
	for _, l := range s.all() {
		waiting.Add(1)
		l.whenGone(waiting.Done)
		// The error is that the base was freed; then the server is gone.
		_ = l.base.Post(func() {
			if l.Shutdown(0, func(error) { l.end() }) != nil {
				l.end() // the base was freed
			}
		})
	}
	gone := make(chan struct{})
	go func() { waiting.Wait(); close(gone) }()
	select { // in any order: which of them it was is asked again
	case <-gone:
	case <-ctx.Done():
	}
	select {
	case <-gone:
		return nil
	default:
	}
	for _, l := range s.all() {
		_ = l.base.Post(l.cutOff) // fails if it was freed
	}
	return opError("shut down", context.Cause(ctx))
}

// all returns the servers in the order of their loops.
func (s *Servers) all() []*loopServer {
	var all []*loopServer
	s.loops.Range(func(_, l any) bool { // in any order: they are sorted
		all = append(all, l.(*loopServer))
		return true
	})
	slices.SortFunc(all, func(a, b *loopServer) int { return cmp.Compare(a.loop, b.loop) })
	return all
}
