package datagram

import (
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A Socket is a datagram socket on a loop. It receives messages in batches, and
// sends what was queued at the end of each call of OnMessages and of each iteration
// of the loop, as one batch; while the system has no room, the queue waits.
//
// It belongs to the goroutine that runs the loop, or to the goroutine that holds Config.Guard.
// Callbacks come from the loop, or from the call that has led to them: OnUnsent and
// OnDrained also from Send, SendNow and Flush. They may do anything, Close included;
// after Close there are none.
type Socket struct {
	base   *event.Base
	fd     int
	config Config

	readable event.Event // pending while receiving is receiveActive
	writable event.Event // pending while sending is sendBlocked, if the loop takes it
	retry    event.Event // takes the place of either after a failure

	closed     bool
	enabled    bool // by the user
	receiving  receiveState
	sending    sendState
	delivering bool // OnMessages is running; its messages are sent when it returns
	reporting  bool // OnUnsent is running
	scheduled  bool // the flusher will be called at the end of the iteration

	queue []Message
	bytes []byte // what is in queue
}

// A receiveState says whether the loop watches a Socket for messages.
type receiveState uint8

const (
	receiveOff     receiveState = iota // not enabled, or sending is blocked
	receiveActive                      // readable is pending
	receiveFailing                     // until retry
)

// A sendState says what a Socket does with its queue.
type sendState uint8

const (
	sendReady   sendState = iota // the system takes messages
	sendBlocked                  // the system has no room; the queue waits for writable
	sendFailing                  // the same, but the loop cannot wait; until retry
)

// ListenSocket is Listen and NewSocket.
func ListenSocket(base *event.Base, addr netip.AddrPort, flags Flag, config Config) (*Socket, error) {
	fd, err := Listen(addr, flags)
	if err != nil {
		return nil, err
	}
	return own(base, fd, config, nil)
}

// DialSocket is Dial and NewSocket.
func DialSocket(base *event.Base, local, remote netip.AddrPort, flags Flag, config Config) (*Socket, error) {
	fd, err := Dial(local, remote, flags)
	if err != nil {
		return nil, err
	}
	return own(base, fd, config, nil)
}

// NewSocket puts a datagram socket on a loop. It makes fd non-blocking, and owns it
// from the call on: Close closes it, and so does NewSocket if it fails. Receiving
// begins with Enable.
func NewSocket(base *event.Base, fd int, config Config) (*Socket, error) {
	return own(base, fd, config, evutil.SetNonblock(fd))
}

// own makes a Socket that owns fd. If it fails, or has failed before with err, it
// closes fd.
func own(base *event.Base, fd int, config Config, err error) (*Socket, error) {
	var s *Socket
	if err == nil {
		s, err = newSocket(base, fd, config)
	}
	if err != nil {
		if fd >= 0 {
			_ = sysio.CloseSocket(fd) // the caller has to know why there is no Socket
		}
		return nil, fdError("new socket", fd, err)
	}
	return s, nil
}

func newSocket(base *event.Base, fd int, config Config) (*Socket, error) {
	if base == nil {
		return nil, fmt.Errorf("event base: %w", event.ErrNil)
	}
	if err := config.complete(); err != nil {
		return nil, err
	}
	if config.PeerErrors {
		if err := sysio.QueueErrors(fd); err != nil {
			return nil, fmt.Errorf("setsockopt RECVERR: %w", err)
		}
	}
	s := &Socket{base: base, fd: fd, config: config}
	// With Finalize, deleting an event does not wait for its callback, which may wait
	// for the lock.
	if err := s.readable.Assign(base, fd, event.Read|event.Persist|event.Finalize, s.onReadable); err != nil {
		return nil, err
	}
	if err := s.writable.Assign(base, fd, event.Write|event.Persist|event.Finalize, s.onWritable); err != nil {
		return nil, err
	}
	return s, nil
}

// FD returns the descriptor, which is still the socket's, or -1 after Close.
func (s *Socket) FD() int {
	if s.closed {
		return evutil.InvalidSocket
	}
	return s.fd
}

// Base returns the base that the socket is on.
func (s *Socket) Base() *event.Base { return s.base }

// SetBatch sets the memory for messages from the next ones on, those that
// OnMessages is being called with excepted.
func (s *Socket) SetBatch(b *Batch) { s.config.Batch = b }

// LocalAddr returns the address that the socket is bound to. It asks the system.
func (s *Socket) LocalAddr() (netip.AddrPort, error) {
	if s.closed {
		return netip.AddrPort{}, fdError("getsockname", s.fd, ErrClosed)
	}
	return LocalAddr(s.fd)
}

// Enabled reports whether the socket was enabled.
func (s *Socket) Enabled() bool { return s.enabled }

// Enable has the loop watch for messages. The loop does not end by itself until
// Disable or Close. Enabling again does nothing.
func (s *Socket) Enable() error {
	var err error
	switch {
	case s.closed:
		err = ErrClosed
	case s.config.OnMessages == nil:
		err = fmt.Errorf("OnMessages: %w", event.ErrNil)
	default:
		s.enabled = true
		if err = s.watch(); err != nil {
			s.enabled = false
		}
	}
	return fdError("enable", s.fd, err)
}

// Disable ends receiving; messages that arrive wait in the system. What OnMessages
// has got is not taken back.
func (s *Socket) Disable() {
	s.enabled = false
	s.unwatch()
}

// Close sends what is queued as far as the system has room, drops the rest and
// closes the descriptor. Closing again is ErrClosed.
func (s *Socket) Close() error {
	if s.closed {
		return fdError("close", s.fd, ErrClosed)
	}
	s.closed = true
	if len(s.queue) > 0 && s.sending == sendReady {
		_, _ = s.transmit(s.queue) // after Close there are no callbacks
	}
	s.enabled = false
	s.queue, s.bytes = nil, nil
	s.readable.Free()
	s.writable.Free()
	s.retry.Free()
	return fdError("close", s.fd, sysio.CloseSocket(s.fd))
}

// lock and unlock bracket what the loop calls.
func (s *Socket) lock()   { s.config.Guard.Lock() }
func (s *Socket) unlock() { s.config.Guard.Unlock() }

// report calls OnError.
func (s *Socket) report(err error) {
	if s.config.OnError != nil && !s.closed {
		s.config.OnError(s, err)
	}
}

// retryLater calls onRetry after a while.
func (s *Socket) retryLater() {
	if !s.retry.Initialized() {
		if err := s.retry.Assign(s.base, -1, event.Finalize, s.onRetry); err != nil {
			s.report(fdError("wait", s.fd, err))
			return
		}
	}
	if err := s.retry.AddTimeout(retryDelay); err != nil {
		s.report(fdError("wait", s.fd, err))
	}
}

// onRetry tries again what has failed: sending first, as receiving may wait for it.
func (s *Socket) onRetry(*event.Event, event.What) {
	s.lock()
	defer s.unlock()
	if s.closed {
		return
	}
	if s.sending == sendFailing {
		s.sendAgain()
	}
	if s.receiving == receiveFailing && !s.closed {
		s.receiving = receiveOff
		s.receiveAgain()
	}
}
