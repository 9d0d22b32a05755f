package datagram

import (
	"errors"
	"fmt"

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
	// ErrRefused is the system's own error for a peer at which nobody listens.
	// Only connected sockets hear of that.
	ErrRefused = sysio.ErrRefused
	// ErrTooLong is the system's own error for a message that is too long to be
	// sent.
	ErrTooLong = sysio.ErrTooLong
)

// fdError adds the operation and the descriptor to an error.
func fdError(op string, fd int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s fd %d: %w", op, fd, err)
}
