package pthreads

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

const (
	// acceptBurst bounds how many connections a listener accepts before the
	// other events of its loop get their turn.
	acceptBurst = 64
	// acceptPause is how long a listener waits after it failed to accept.
	acceptPause = 100 * time.Millisecond
)

// A listener accepts connections on its home loop, for this loop alone if they
// are spread over several listeners, or else for all loops of the group.
type listener struct {
	home   *loop
	spread bool
	accept AcceptFunc

	// The home loop's own.
	readable event.Event
	retry    event.Event
	failing  bool // it has logged that it cannot accept

	// mu is held to use the socket, so that another goroutine can close it.
	mu     sync.Mutex
	socket *socket
	closed bool
}

// watch is posted to the home loop.
func (ln *listener) watch() {
	base := ln.home.base
	err := ln.readable.Assign(base, ln.socket.fd, event.Read|event.Persist, ln.onReadable)
	if err == nil {
		err = ln.retry.AssignTimer(base, ln.onRetry)
	}
	if err == nil {
		err = ln.readable.Add()
	}
	if err != nil {
		ln.fail(err)
	}
}

// fail ends the group, which lacks a listener from now on.
func (ln *listener) fail(err error) {
	ln.home.group.exit(&net.OpError{Op: "listen", Net: ln.socket.addr.Network(), Addr: ln.socket.addr, Err: err})
}

func (ln *listener) onReadable(*event.Event, event.What) {
	for range acceptBurst {
		fd, peer, err := ln.next()
		if err != nil {
			ln.onError(err)
			return
		}
		ln.deliver(arrival{ln.accept, fd, peer})
		if ln.home.base.GotBreak() {
			return
		}
	}
}

// next accepts a connection.
func (ln *listener) next() (fd int, peer netip.AddrPort, err error) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.closed {
		return evutil.InvalidSocket, peer, syscall.EAGAIN
	}
	fd, sa, err := accept(ln.socket.fd)
	if err != nil {
		return evutil.InvalidSocket, peer, err
	}
	return fd, addrPort(sa), nil
}

// addrPort converts the address of a peer; that of a Unix socket is lost.
func addrPort(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *syscall.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr).Unmap().WithZone(evutil.ScopeZone(sa.ZoneId))
		return netip.AddrPortFrom(addr, uint16(sa.Port))
	default:
		return netip.AddrPort{}
	}
}

func (ln *listener) deliver(a arrival) {
	target := ln.home
	if !ln.spread {
		target = ln.home.group.nextLoop()
	}
	if target == ln.home {
		a.accept(target.base, a.fd, a.peer)
	} else if !target.give(a) {
		evutil.CloseSocket(a.fd)
	}
}

// onError goes on waiting if there was merely no connection, and otherwise
// stops for a while: a connection that cannot be accepted stays where it is,
// and would call the listener again at once.
func (ln *listener) onError(err error) {
	if evutil.IsAcceptRetriable(err) {
		ln.failing = false
		return
	}
	if !ln.failing {
		ln.failing = true
		ln.home.group.logger().Warn("cannot accept connections, trying again",
			"address", ln.socket.addr, "interval", acceptPause, "error", err)
	}
	ln.readable.Del()
	ln.retry.AddTimeout(acceptPause)
}

func (ln *listener) onRetry(*event.Event, event.What) {
	if err := ln.readable.Add(); err != nil {
		ln.fail(err)
	}
}

// end is called by the home loop's goroutine.
func (ln *listener) end() {
	ln.readable.Free()
	ln.retry.Free()
	ln.close()
}

// close is for any goroutine. If the loop still runs then it knows nothing of
// it, but it accepts no more.
func (ln *listener) close() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if !ln.closed {
		ln.closed = true
		ln.socket.close()
	}
}
