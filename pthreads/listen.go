package pthreads

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
)

// AcceptFunc gets a connection that was accepted. It runs on the loop of b,
// which is to serve it. fd is non-blocking and close-on-exec, and the callee's
// to close. peer is the other end, as IPv4 if it is IPv4; for a Unix socket it
// is zero.
type AcceptFunc func(b *event.Base, fd int, peer netip.AddrPort)

// Listen accepts connections and calls accept for each, on the loop that is to
// own it. address is one as people write it, in one of the forms of
// evutil.ParseAddress: ":7777", "localhost:7777", "[::1]:0", "unix:/path"; which IP
// addresses it stands for says listener.Listen. The result is the address that is
// listened at; port 0 becomes a port that all loops share. A group can have any
// number of listeners.
//
// Where the system spreads connections over listeners on one port
// (SO_REUSEPORT on Linux and DragonFly BSD, SO_REUSEPORT_LB on FreeBSD) each
// loop has a TCP listener of its own. Elsewhere, for Unix sockets, and with
// HandOff, one loop accepts and hands the connections to all loops in turn. An
// address that is in use already is an error in both cases,
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
func (g *Group) Listen(address string, accept AcceptFunc) (net.Addr, error) {
	if accept == nil {
		return nil, opError("listen "+address, event.ErrNil)
	}
	if len(g.loops) == 0 {
		return nil, opError("listen "+address, ErrStopped)
	}
	parsed, err := evutil.ParseAddress(address)
	if err != nil {
		return nil, opError("listen", err) // it names the address
	}
	acceptors, err := g.open(parsed, accept)
	if err != nil {
		return nil, opError("listen", err) // the same
	}
	if err := g.watch(acceptors); err != nil {
		return nil, opError("listen "+address, err)
	}
	return acceptors[0].addr, nil
}

// StopListening has all listeners of the group closed, each by its loop. What was
// accepted is served on, until Stop: this is how a service ends that lets its
// connections finish. It may be called from any goroutine, and does not wait; a
// connection may still be accepted by a loop that is busy.
func (g *Group) StopListening() {
	for _, l := range g.loops {
		l.mu.Lock()
		acceptors := slices.Clone(l.acceptors)
		l.mu.Unlock()
		dropAll(acceptors)
	}
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

// open makes an acceptor for each loop, or only one if its connections are to
// be handed off.
func (g *Group) open(address evutil.Address, accept AcceptFunc) ([]*acceptor, error) {
	if len(g.loops) > 1 && address.Network != "unix" && !g.config.HandOff {
		acceptors, err := g.openShared(address, accept)
		if !errors.Is(err, errors.ErrUnsupported) {
			return acceptors, err
		}
	}
	a := &acceptor{home: g.nextLoop(), accept: accept}
	if err := a.open(address, 0); err != nil {
		return nil, err
	}
	return []*acceptor{a}, nil
}

// openShared makes an acceptor for each loop at one address. Any number of
// programs could do that side by side, and share the connections unknowingly;
// so the first listener is one that does not share. It also finds out which IP
// address it is.
func (g *Group) openShared(address evutil.Address, accept AcceptFunc) (acceptors []*acceptor, err error) {
	alone := &acceptor{home: g.loops[0]}
	if err := alone.open(address, 0); err != nil {
		return nil, err
	}
	address.Host = alone.ln.AddrPort().Addr().String()
	alone.ln.Free()
	for _, l := range g.loops {
		a := &acceptor{home: l, spread: true, accept: accept}
		if err := a.open(address, listener.ReuseablePort); err != nil {
			freeAll(acceptors)
			return nil, err
		}
		acceptors = append(acceptors, a)
		address.Service = strconv.Itoa(int(a.ln.AddrPort().Port())) // if it was 0
	}
	return acceptors, nil
}

// open makes the listener. It is disabled, so that any goroutine may do this.
func (a *acceptor) open(address evutil.Address, flags listener.Flag) (err error) {
	flags |= listener.CloseOnFree | listener.Disabled
	if address.Network != "unix" {
		flags |= listener.Reuseable
	}
	a.ln, err = listener.Listen(a.home.base, address.String(), flags, listener.DefaultBacklog, a.onConnection)
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
