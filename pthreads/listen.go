package pthreads

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// AcceptFunc gets a connection that was accepted. It runs on the loop of b,
// which is to serve it. fd is non-blocking and close-on-exec, and the callee's
// to close. peer is the other end, as IPv4 if it is IPv4; for a Unix socket it
// is zero.
type AcceptFunc func(b *event.Base, fd int, peer netip.AddrPort)

// Listen accepts connections and calls accept for each, on the loop that is to
// own it. network is tcp, tcp4, tcp6 or unix, and address is what net.Listen
// takes. The result is the address that is listened at; port 0 becomes a port
// that all loops share. A group can have any number of listeners.
//
// Where the system spreads connections over listeners on one port
// (SO_REUSEPORT on Linux and DragonFly BSD, SO_REUSEPORT_LB on FreeBSD) each
// loop has a TCP listener of its own. Elsewhere, for Unix sockets, and with
// HandOff, one loop accepts and hands the connections to all loops in turn. An
// address at which somebody listens already is an error in both cases.
//
// When connections cannot be accepted, as for want of descriptors, the listener
// logs that once and tries again at intervals.
//
// Listen is ready when it returns, though it does not wait for the loops. The
// error is ErrStopped, wrapped, when the group is stopping.
func (g *Group) Listen(network, address string, accept AcceptFunc) (net.Addr, error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, fmt.Errorf("listen %s: %w", network, net.UnknownNetworkError(network))
	}
	sockets, err := g.open(network, address)
	if err != nil {
		return nil, err
	}
	for i, s := range sockets {
		ln := &listener{home: g.loops[i], spread: true, accept: accept, socket: s}
		if len(sockets) < len(g.loops) {
			ln.home, ln.spread = g.nextLoop(), false
		}
		if !ln.home.listen(ln) {
			closeAll(sockets[i:])
			return nil, fmt.Errorf("listen %s %s: %w", network, address, ErrStopped)
		}
	}
	return sockets[0].addr, nil
}

// open opens a socket for each loop, or only one if its connections are to be
// handed off.
func (g *Group) open(network, address string) ([]*socket, error) {
	n := len(g.loops)
	if n > 1 && network != "unix" && !g.config.HandOff {
		sockets, err := openShared(network, address, n)
		if !errors.Is(err, errors.ErrUnsupported) {
			return sockets, err
		}
	}
	s, err := openSocket(network, address, nil)
	if err != nil {
		return nil, err
	}
	return []*socket{s}, nil
}

// openShared opens n sockets at one address. Any number of programs could do
// that side by side, and share the connections unknowingly; so the first to
// come is one that shares with nobody.
func openShared(network, address string, n int) ([]*socket, error) {
	alone, err := openSocket(network, address, nil)
	if err != nil {
		return nil, err
	}
	if err := alone.close(); err != nil {
		return nil, err
	}
	var sockets []*socket
	for range n {
		s, err := openSocket(network, address, evutil.SetListenReusePort)
		if err != nil {
			closeAll(sockets)
			return nil, err
		}
		sockets = append(sockets, s)
		address = s.addr.String() // with the port, if it was 0
	}
	return sockets, nil
}

// A socket listens. It is non-blocking.
type socket struct {
	fd    int
	addr  net.Addr
	close func() error
}

// openSocket opens a socket. If option is not nil, it is called with the
// descriptor before that is bound.
func openSocket(network, address string, option func(fd int) error) (*socket, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // connections shall be what every socket option is for
	if option != nil {
		config.Control = func(_, _ string, c syscall.RawConn) error { return control(c, option) }
	}
	l, err := config.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	s, err := adopt(l)
	if err != nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, err)
	}
	return s, nil
}

// control calls fn with the descriptor of c.
func control(c syscall.RawConn, fn func(fd int) error) error {
	var result error
	if err := c.Control(func(fd uintptr) { result = fn(int(fd)) }); err != nil {
		return err
	}
	return result
}

func closeAll(sockets []*socket) {
	for _, s := range sockets {
		s.close()
	}
}
