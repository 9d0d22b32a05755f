package evhttp

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/go-libevent/libevent/core/listener"
)

// Bound is a place that a server listens at (struct evhttp_bound_socket).
type Bound struct {
	server    *Server
	listener  *listener.Listener
	newStream StreamFunc
}

// Bind listens at a TCP address. Port 0 asks for a free one
// (evhttp_bind_socket_with_handle).
func (s *Server) Bind(addr netip.AddrPort) (*Bound, error) {
	l, err := listener.NewBind(s.base, addr, listener.CloseOnFree|listener.CloseOnExec|listener.Reuseable, listener.DefaultBacklog, nil)
	if err != nil {
		return nil, opError("bind", err)
	}
	return s.BindListener(l)
}

// Listen listens at an address as people write it, in one of the forms of
// [evutil.ParseAddress]: ":8080", "localhost:8080", "[::1]:0", "unix:/path". A host
// name is looked up, which blocks; see [listener.Listen].
func (s *Server) Listen(address string) (*Bound, error) {
	l, err := listener.Listen(s.base, address, listener.CloseOnFree|listener.CloseOnExec|listener.Reuseable, listener.DefaultBacklog, nil)
	if err != nil {
		return nil, opError("bind", err)
	}
	return s.BindListener(l)
}

// BindUnix listens at a Unix socket, whose file it makes at path; on Linux a name
// that begins with @ is one without a file. A file at which no process listens any
// more is replaced.
func (s *Server) BindUnix(path string) (*Bound, error) {
	l, err := listener.NewUnix(s.base, path, listener.CloseOnFree|listener.CloseOnExec|listener.Reuseable, listener.DefaultBacklog, nil)
	if err != nil {
		return nil, opError("bind", err)
	}
	return s.BindListener(l)
}

// AcceptSocket accepts connections from a socket that listens, or is bound, and
// belongs to the server from the call on: if AcceptSocket fails, it is closed
// (evhttp_accept_socket_with_handle).
func (s *Server) AcceptSocket(fd int) (*Bound, error) {
	l, err := listener.New(s.base, fd, listener.CloseOnFree, 0, nil)
	if err != nil {
		return nil, opError("accept", err)
	}
	return s.BindListener(l)
}

// BindListener takes the connections of a listener, which becomes the server's: if
// BindListener fails, it has freed it (evhttp_bind_listener).
func (s *Server) BindListener(l *listener.Listener) (*Bound, error) {
	b := &Bound{server: s, listener: l}
	err := l.SetCallback(func(_ *listener.Listener, fd int, peer netip.AddrPort) { s.accept(b, fd, peer) })
	if err != nil {
		l.Free()
		return nil, opError("bind", err)
	}
	s.bounds = append(s.bounds, b)
	return b, nil
}

// Bounds yields what the server listens at (evhttp_foreach_bound_socket).
func (s *Server) Bounds() iter.Seq[*Bound] { return slices.Values(slices.Clone(s.bounds)) }

func (s *Server) closeBounds() {
	for _, b := range s.bounds {
		b.close()
	}
	s.bounds = nil
}

// RemoveBound stops listening there (evhttp_del_accept_socket).
func (s *Server) RemoveBound(b *Bound) {
	if i := slices.Index(s.bounds, b); i >= 0 {
		s.bounds = slices.Delete(s.bounds, i, i+1)
		b.close()
	}
}

func (b *Bound) close() { b.listener.Free() }

// FD returns the descriptor (evhttp_bound_socket_get_fd).
func (b *Bound) FD() int { return b.listener.FD() }

// Listener returns the listener (evhttp_bound_socket_get_listener).
func (b *Bound) Listener() *listener.Listener { return b.listener }

// AddrPort returns the address that is listened at.
func (b *Bound) AddrPort() netip.AddrPort { return b.listener.AddrPort() }

// SetStreamFunc sets what makes a stream of a socket that was accepted here,
// instead of the server's (evhttp_bound_set_bevcb).
func (b *Bound) SetStreamFunc(fn StreamFunc) { b.newStream = fn }
