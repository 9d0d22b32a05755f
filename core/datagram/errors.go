package datagram

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Errors that a caller may want to tell apart with errors.Is. What they are
// wrapped in names the operation and its object.
var (
	// ErrFlag is a flag that does not exist, has no meaning for the kind of
	// socket, or contradicts another.
	ErrFlag = errors.New("bad flag")
	// ErrAddrInUse is the system's own error for an address that another
	// socket has.
	ErrAddrInUse = sysio.ErrAddrInUse
	// ErrRefused is the system's own error for a peer at which no socket is bound.
	// Only connected sockets report it.
	ErrRefused = sysio.ErrRefused
	// ErrTooLong is the system's own error for a message that is too long to be
	// sent.
	ErrTooLong = sysio.ErrTooLong
	// ErrClosed is the use of a Socket after Close.
	ErrClosed = errors.New("socket is closed")
	// ErrConfig is a setting of a Config that is out of its range.
	ErrConfig = errors.New("invalid setting")
	// ErrQueueFull is a message that was not taken, as the queue of a Socket has as
	// many messages or bytes as Config.MaxQueued and MaxQueuedBytes allow.
	ErrQueueFull = errors.New("too many messages wait for the socket")
)

// A PeerError is an error that the network has reported about a message to a peer,
// such as ICMP's that no socket is bound there, or that the message was too long for a
// network on the way.
type PeerError struct {
	Peer netip.AddrPort // where the message was sent
	From netip.Addr     // the host that has reported the error; zero if it is this one
	MTU  int            // how long a packet may be, if Err is ErrTooLong
	Err  error          // of the system, as ErrRefused
}

// Error implements error.
func (e *PeerError) Error() string { return fmt.Sprintf("datagram: peer %v: %v", e.Peer, e.Err) }

// Unwrap returns Err.
func (e *PeerError) Unwrap() error { return e.Err }

// fdError adds the operation and the descriptor to an error.
func fdError(op string, fd int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("datagram: %s fd %d: %w", op, fd, err)
}
