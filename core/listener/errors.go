package listener

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Errors that a caller may want to tell apart with errors.Is. They are wrapped in
// one that reads "listener: operation object: cause". A nil base is event.ErrNil.
var (
	// ErrFlag is a flag that does not exist, has no meaning for the kind of
	// socket, or contradicts another.
	ErrFlag = errors.New("bad flag")
	// ErrBacklog is a backlog of zero for a socket that does not listen yet.
	ErrBacklog = errors.New("backlog of zero for a socket that does not listen")
	// ErrRange is a limit or a pause that is not positive, or a number of
	// descriptors that is negative.
	ErrRange = errors.New("out of range")
	// ErrFreed is the use of a listener after Free or CloseNow.
	ErrFreed = errors.New("listener was freed or closed")
	// ErrAddrInUse is the system's own error for an address that another
	// socket has.
	ErrAddrInUse = sysio.ErrAddrInUse
	// ErrLoopGoesOn is CloseNow on a listener whose loop was not told to end.
	ErrLoopGoesOn = errors.New("loop was not told to end")
)

// opError adds the package, the operation and the socket to a cause.
func opError(op string, fd int, err error) error {
	return fmt.Errorf("listener: %s fd %d: %w", op, fd, err)
}
