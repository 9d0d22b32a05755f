package pthreads

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
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
// address at which somebody listens already is an error in both cases,
// listener.ErrAddrInUse.
//
// When connections cannot be accepted, as for want of descriptors, the listener
// logs that once and tries again at intervals. See the package listener, which
// does the work, for this and for what connections inherit.
//
// Listen returns when the loops watch their listeners, or with the reason why one
// of them cannot: nothing listens then. On a goroutine of the group, which the
// others may be waiting for, it does not wait, and a loop that cannot watch its
// listener ends the group. The error is ErrStopped, wrapped, when the group is
// stopping, and event.ErrNil for a nil accept.
func (g *Group) Listen(network, address string, accept AcceptFunc) (net.Addr, error) {
	if accept == nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, event.ErrNil)
	}
	if len(g.loops) == 0 {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, ErrStopped)
	}
	places, err := resolve(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, err)
	}
	acceptors, err := g.openFirst(places, accept)
	if err != nil {
		return nil, err
	}
	if err := g.watch(acceptors); err != nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, err)
	}
	return acceptors[0].addr, nil
}

// watch has the loops watch the listeners of acceptors, all or none of them.
func (g *Group) watch(acceptors []*acceptor) error {
	waits := !g.onLoop()
	for i, a := range acceptors {
		if waits {
			a.watched = make(chan error, 1)
		}
		if !a.home.listen(a) {
			dropAll(acceptors[:i])
			freeAll(acceptors[i:])
			return ErrStopped
		}
	}
	if !waits {
		return nil
	}
	var failures []error
	for _, a := range acceptors {
		failures = append(failures, <-a.watched)
	}
	if err := errors.Join(failures...); err != nil {
		dropAll(acceptors)
		return err
	}
	return nil
}

// onLoop reports whether the calling goroutine is that of a loop of the group.
func (g *Group) onLoop() bool {
	self := threadID()
	return slices.ContainsFunc(g.loops, func(l *loop) bool { return l.thread == self })
}

// A place is where to listen.
type place struct {
	path  string         // of a Unix socket, or
	addr  netip.AddrPort // for TCP
	flags listener.Flag
}

// resolve returns the places that an address stands for, the best first.
func resolve(network, address string) ([]place, error) {
	switch network {
	case "unix":
		return []place{{path: address}}, nil
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	a, err := net.ResolveTCPAddr(network, address)
	if err != nil {
		return nil, err
	}
	port := uint16(a.Port)
	if a.IP != nil && !a.IP.IsUnspecified() {
		ip := a.AddrPort().Addr().Unmap()
		return []place{{addr: netip.AddrPortFrom(ip, port)}}, nil
	}
	four := place{addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port)}
	six := netip.AddrPortFrom(netip.IPv6Unspecified(), port)
	switch network {
	case "tcp4":
		return []place{four}, nil
	case "tcp6":
		return []place{{addr: six, flags: listener.BindIPv6Only}}, nil
	default: // not all systems have IPv6, or sockets for both
		return []place{{addr: six, flags: listener.BindIPv4AndIPv6}, four}, nil
	}
}

// openFirst listens at the first place at which that is possible. One that
// somebody has taken is not passed over.
func (g *Group) openFirst(places []place, accept AcceptFunc) (acceptors []*acceptor, err error) {
	for _, p := range places {
		acceptors, err = g.open(p, accept)
		if err == nil || errors.Is(err, listener.ErrAddrInUse) {
			break
		}
	}
	return acceptors, err
}

// open makes an acceptor for each loop, or only one if its connections are to
// be handed off.
func (g *Group) open(p place, accept AcceptFunc) ([]*acceptor, error) {
	if len(g.loops) > 1 && p.path == "" && !g.config.HandOff {
		acceptors, err := g.openShared(p, accept)
		if !errors.Is(err, errors.ErrUnsupported) {
			return acceptors, err
		}
	}
	a := &acceptor{home: g.nextLoop(), accept: accept}
	if err := a.open(p); err != nil {
		return nil, err
	}
	return []*acceptor{a}, nil
}

// openShared makes an acceptor for each loop at one address. Any number of
// programs could do that side by side, and share the connections unknowingly;
// so the first to come is one that shares with nobody.
func (g *Group) openShared(p place, accept AcceptFunc) (acceptors []*acceptor, err error) {
	alone := &acceptor{home: g.loops[0]}
	if err := alone.open(p); err != nil {
		return nil, err
	}
	alone.ln.Free()
	p.flags |= listener.ReuseablePort
	for _, l := range g.loops {
		a := &acceptor{home: l, spread: true, accept: accept}
		if err := a.open(p); err != nil {
			freeAll(acceptors)
			return nil, err
		}
		acceptors = append(acceptors, a)
		p.addr = a.ln.AddrPort() // with the port, if it was 0
	}
	return acceptors, nil
}

// open makes the listener. It is disabled, so that any goroutine may do this.
func (a *acceptor) open(p place) (err error) {
	flags := p.flags | listener.CloseOnFree | listener.Disabled
	if p.path != "" {
		a.ln, err = listener.NewUnix(a.home.base, p.path, flags, listener.DefaultBacklog, a.onConnection)
	} else {
		a.ln, err = listener.NewBind(a.home.base, p.addr, flags|listener.Reuseable, listener.DefaultBacklog, a.onConnection)
	}
	if err != nil {
		return err
	}
	a.ln.SetErrorCallback(a.onError)
	a.addr = a.ln.Addr()
	return nil
}

func dropAll(acceptors []*acceptor) {
	for _, a := range acceptors {
		a.home.drop(a)
	}
}

func freeAll(acceptors []*acceptor) {
	for _, a := range acceptors {
		a.ln.Free()
	}
}
