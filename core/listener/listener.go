package listener

import (
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Callback gets an accepted connection. It runs on the base's loop, and fd is
// its to close. fd is non-blocking and close-on-exec, unless the listener's
// flags say otherwise. peer is the other end: IPv4 if it is IPv4, also on a
// socket for IPv6, and zero for a Unix socket. The callback may do anything to
// l, including to free it (evconnlistener_cb).
type Callback func(l *Listener, fd int, peer netip.AddrPort)

// ErrorCallback is told on the base's loop that connections could not be
// accepted, and why; the listener tries again after its pause. The callback may
// do anything to l, including to free it (evconnlistener_errorcb).
type ErrorCallback func(l *Listener, err error)

// DefaultBacklog asks for the longest queue of connections that are not
// accepted yet that the system allows. Any negative backlog does; in C it is
// 128.
const DefaultBacklog = -1

// DefaultAcceptLimit is how many connections a listener accepts in one go if
// nothing else was set and the loop has nothing else to do. While other
// descriptors are ready it accepts as many as these, if that is more: new
// connections get the same share of a busy loop as those that there are.
const DefaultAcceptLimit = 64

// DefaultPause is how long a listener waits after it failed to accept if
// nothing else was set.
const DefaultPause = 100 * time.Millisecond

// A Listener accepts connections on a socket and hands them to a callback.
//
// It belongs to the goroutine that runs the loop of its base. If it was made
// with ThreadSafe and the base has a lock, any goroutine may use it; then no
// callback runs any more once Free or Disable has returned to another
// goroutine than the loop's (struct evconnlistener).
type Listener struct {
	// Data is for the user: one callback function can serve any number of
	// listeners and find here what each is about. To set it while the loop
	// runs in another goroutine, make the listener Disabled.
	Data any

	base  *event.Base
	fd    int
	mode  sysio.Mode // of accepted sockets
	flags Flag
	file  *sysio.SocketFile // to be removed with the socket, or nil

	guard         evthread.Guard // of what follows
	readable      event.Event
	retry         event.Event
	assigned      bool // the events are
	enabled       bool
	freed         bool
	failing       bool // it has failed to accept, and not got through a turn since
	callback      Callback
	errorCallback ErrorCallback
	acceptLimit   int // 0: by what the loop has to do
	pause         time.Duration

	// closing is held to use the socket, so that CloseNow can close it.
	closing sync.Mutex
	closed  bool
	name    evutil.Sockaddr // what the socket is bound to
}

// New makes a listener for a stream socket that is bound. A backlog of zero is
// for one that listens already. New makes the socket non-blocking. With
// CloseOnFree the socket belongs to New from the call on, which has closed it if it
// fails; otherwise it is the caller's to close. With a nil callback, connections
// wait until SetCallback (evconnlistener_new, which never closes it).
func New(b *event.Base, fd int, flags Flag, backlog int, cb Callback) (*Listener, error) {
	l, err := listenAt(b, fd, flags, backlog, cb)
	if err != nil && fd >= 0 && flags&CloseOnFree != 0 {
		_ = evutil.CloseSocket(fd) // why there is no listener is what the caller has to know
	}
	return l, err
}

func listenAt(b *event.Base, fd int, flags Flag, backlog int, cb Callback) (*Listener, error) {
	l := newListener(b, fd, flags, cb)
	err := flags.check(bindFlags | Reuseable)
	if err == nil {
		err = sysio.SetNonblock(fd) // the error names fd once
	}
	if err == nil && flags&CloseOnExec != 0 {
		err = sysio.SetCloseOnExec(fd)
	}
	if err == nil {
		err = l.start(backlog)
	}
	if err != nil {
		return nil, opError("listen", fd, err)
	}
	return l, nil
}

func newListener(b *event.Base, fd int, flags Flag, cb Callback) *Listener {
	return &Listener{
		base:     b,
		fd:       fd,
		mode:     sysio.Mode{Blocking: flags&LeaveSocketsBlocking != 0, Inheritable: flags&Inheritable != 0},
		flags:    flags,
		callback: cb,
		pause:    DefaultPause,
	}
}

// start makes the socket, which must be non-blocking, listen. If it fails, the
// listener has not touched the socket's descriptor and file.
func (l *Listener) start(backlog int) error {
	if l.base == nil {
		return event.ErrNil
	}
	if err := l.initGuard(); err != nil {
		return err
	}
	if err := listen(l.fd, backlog); err != nil {
		return err
	}
	var err error
	if l.name, err = sysio.Sockname(l.fd); err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	defer l.confine()
	l.enabled = l.flags&Disabled == 0
	return l.watch()
}

func listen(fd, backlog int) error {
	if backlog != 0 {
		return sysio.Listen(fd, backlog)
	}
	listening, err := sysio.Listening(fd)
	if err == nil && !listening {
		err = ErrBacklog
	}
	return err
}

// Enable makes the listener accept connections, at once even if it pauses after
// a failure. It is enabled from the start, unless made Disabled
// (evconnlistener_enable).
func (l *Listener) Enable() error {
	return l.change("enable", func() { l.enabled = true })
}

// Disable makes the listener leave connections waiting, until Enable
// (evconnlistener_disable).
func (l *Listener) Disable() error {
	return l.change("disable", func() { l.enabled = false })
}

// SetCallback sets the function that gets the connections. With nil they wait
// for another call (evconnlistener_set_cb).
func (l *Listener) SetCallback(cb Callback) error {
	return l.change("set callback", func() { l.callback = cb })
}

// change makes a change and watches the socket, or not, as is right then.
func (l *Listener) change(op string, fn func()) error {
	l.guard.Lock()
	defer l.guard.Unlock()
	err := ErrFreed
	if !l.freed && !l.isClosed() {
		fn()
		err = l.watch()
	}
	if err != nil {
		return opError(op, l.fd, err)
	}
	return nil
}

// watch has the loop watch the socket, or not if there is no callback.
func (l *Listener) watch() error {
	if !l.accepting() && !l.assigned {
		return nil
	}
	if err := l.assign(); err != nil {
		return err
	}
	if err := l.retry.Del(); err != nil {
		return err
	}
	if !l.accepting() {
		return l.readable.Del()
	}
	return l.readable.Add()
}

func (l *Listener) accepting() bool { return l.enabled && l.callback != nil && !l.freed }

// assign sets up the events when they are needed first. With Finalize, deleting
// them does not wait for a callback in another thread, which may be waiting for
// the lock that this one holds; the lock sees to it that none runs.
func (l *Listener) assign() error {
	if l.assigned {
		return nil
	}
	err := l.readable.Assign(l.base, l.fd, event.Read|event.Persist|event.Finalize, l.onReadable)
	if err == nil {
		err = l.retry.Assign(l.base, -1, event.Finalize, l.onRetry)
	}
	l.assigned = err == nil
	return err
}

// Free ends the listener, and with CloseOnFree closes the socket. Then the
// callbacks do not run any more. Freeing it again does nothing
// (evconnlistener_free).
func (l *Listener) Free() {
	l.guard.Lock()
	defer l.guard.Unlock()
	if l.freed {
		return
	}
	l.freed = true
	l.callback, l.errorCallback = nil, nil
	l.readable.Free()
	l.retry.Free()
	if l.flags&CloseOnFree == 0 {
		return
	}
	if err := l.closeSocket(); err != nil {
		evlog.Logf(evlog.Debug, "listener free: %v", err)
	}
}

// CloseNow closes the socket, whatever the loop is doing, so that no client can
// connect any more. It may be called from any goroutine, even without
// ThreadSafe; but not before the loop was told to end, by LoopBreak or
// LoopExit, for a descriptor must not be closed under a loop that goes on
// waiting for it: the error is ErrLoopGoesOn, wrapped. It is for a loop that
// does not react because a callback takes long. The listener is still to be
// freed.
func (l *Listener) CloseNow() error {
	if l.base == nil {
		return fmt.Errorf("listener: close: %w", event.ErrNil)
	}
	if !l.base.GotBreak() && !l.base.GotExit() {
		return opError("close", l.fd, ErrLoopGoesOn)
	}
	return l.closeSocket()
}

func (l *Listener) closeSocket() error {
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.file != nil {
		// First: afterwards it could be another socket's. What cannot be removed stays, as
		// that of a program that was killed; see Reuseable.
		_ = l.file.Remove()
	}
	return evutil.CloseSocket(l.fd)
}

func (l *Listener) isClosed() bool {
	l.closing.Lock()
	defer l.closing.Unlock()
	return l.closed
}

// SetErrorCallback sets the function that is told when connections cannot be
// accepted. Without one, a warning is logged once, until all is well again
// (evconnlistener_set_error_cb).
func (l *Listener) SetErrorCallback(cb ErrorCallback) {
	l.guard.Lock()
	defer l.guard.Unlock()
	if !l.freed {
		l.errorCallback = cb
	}
}

// SetAcceptLimit sets how many connections are accepted before the other events
// of the loop get their turn, whatever else the loop has to do. The error is
// ErrRange if n is not positive.
func (l *Listener) SetAcceptLimit(n int) error {
	if n <= 0 {
		return fmt.Errorf("listener: set accept limit %d: %w", n, ErrRange)
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	l.acceptLimit = n
	return nil
}

// SetPause sets how long the listener waits after it failed to accept, for
// descriptors to become free. The error is ErrRange if d is not positive.
func (l *Listener) SetPause(d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("listener: set pause %v: %w", d, ErrRange)
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	l.pause = d
	return nil
}

// Base returns the base (evconnlistener_get_base).
func (l *Listener) Base() *event.Base { return l.base }

// FD returns the listening socket, which the listener goes on owning
// (evconnlistener_get_fd).
func (l *Listener) FD() int { return l.fd }
