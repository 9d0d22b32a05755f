package evutil

import "syscall"

// SetTCPNoDelay makes a TCP socket send small packets at once (TCP_NODELAY),
// or with false hold them back while earlier ones are unacknowledged, which is
// the system's default. It may be called from any goroutine.
func SetTCPNoDelay(fd int, on bool) error {
	value := 0
	if on {
		value = 1
	}
	return setSockopt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, value, "TCP_NODELAY")
}
