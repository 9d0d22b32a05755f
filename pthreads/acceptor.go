package pthreads

import (
	"net"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
)

// shortageEnd is after how long without failures to accept a new one is news.
const shortageEnd = 10 * listener.DefaultPause

// An acceptor accepts connections on its home loop, for this loop alone if they
// are spread over several acceptors, or else for all loops of the group.
type acceptor struct {
	home   *loop
	spread bool
	accept AcceptFunc
	addr   net.Addr
	ln     *listener.Listener
	failed time.Time // when it failed to accept last; the home loop's own

	// watched gets, once, whether the home loop watches the listener, if Listen
	// waits for that.
	watched chan error
}

// watch is posted to the home loop.
func (a *acceptor) watch() {
	err := a.ln.Enable()
	if err != nil {
		err = &net.OpError{Op: "listen", Net: a.addr.Network(), Addr: a.addr, Err: err}
	}
	if a.watched != nil {
		a.tell(err)
	} else if err != nil {
		a.home.group.exit(err) // it lacks a listener from now on
	}
}

// tell ends the waiting for watch, unless it has ended.
func (a *acceptor) tell(err error) {
	select {
	case a.watched <- err:
	default:
	}
}

func (a *acceptor) onConnection(_ *listener.Listener, fd int, peer netip.AddrPort) {
	target := a.home
	if !a.spread {
		target = a.home.group.nextLoop()
	}
	if target == a.home {
		a.accept(target.base, fd, peer)
	} else if !target.give(arrival{a.accept, fd, peer}) {
		evutil.CloseSocket(fd)
	}
}

// onError logs the first of many failures.
func (a *acceptor) onError(_ *listener.Listener, err error) {
	now := time.Now()
	if now.Sub(a.failed) > shortageEnd {
		event.Logger().Warn("pthreads: cannot accept connections, trying again",
			"address", a.addr, "interval", listener.DefaultPause, "error", err)
	}
	a.failed = now
}
