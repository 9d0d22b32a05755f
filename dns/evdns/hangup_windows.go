package evdns

import (
	"errors"
	"syscall"
)

// isHangUp says whether an error is that the peer has closed a connection.
func isHangUp(err error) bool {
	return errors.Is(err, syscall.WSAECONNRESET) || errors.Is(err, syscall.WSAECONNABORTED)
}
