package listener

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// onReadable accepts connections until there are no more, or until the other
// events are to have their turn.
func (l *Listener) onReadable(*event.Event, event.What) {
	l.guard.Lock()
	defer l.guard.Unlock()
	accepted := false
	for range l.share() {
		if !l.accepting() {
			return // because of a callback, or another goroutine
		}
		fd, peer, err := l.accept()
		switch {
		case err == nil:
			accepted = true
			l.callback(l, fd, peer)
			if l.base.GotBreak() {
				return
			}
		case err == sysio.ErrAgain:
			l.failing = false
			return
		case evutil.IsAcceptRetriable(err): // that one has gone
		case accepted:
			// Without descriptors left, Linux says so even if no connection
			// waits. If one does, the loop calls again.
			return
		default:
			l.fail(opError("accept", l.fd, err))
			return
		}
	}
	l.failing = false
}

// share returns how many connections to accept in this iteration of the loop. A
// fixed number would be the less of its time the more it has to do: clients
// would wait for as many iterations of a busy loop as they are.
func (l *Listener) share() int {
	if l.acceptLimit > 0 {
		return l.acceptLimit
	}
	return max(DefaultAcceptLimit, l.base.NumReady())
}

func (l *Listener) accept() (fd int, peer netip.AddrPort, err error) {
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed {
		return evutil.InvalidSocket, netip.AddrPort{}, sysio.ErrAgain
	}
	return sysio.Accept(l.fd, l.mode)
}

// fail reports an error and pauses: a connection that cannot be accepted stays
// where it is, and would call the listener again at once.
func (l *Listener) fail(err error) {
	first := !l.failing
	l.failing = true
	l.readable.Del()
	l.retry.AddTimeout(l.pause)
	if l.errorCallback != nil {
		l.errorCallback(l, err)
	} else if first {
		evlog.Logf(evlog.Warn, "%v; trying again every %v", err, l.pause)
	}
}

// onRetry ends a pause.
func (l *Listener) onRetry(*event.Event, event.What) {
	l.guard.Lock()
	defer l.guard.Unlock()
	if l.freed {
		return
	}
	if err := l.watch(); err != nil {
		l.fail(err)
	}
}
