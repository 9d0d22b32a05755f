//go:build unix && !freebsd && !linux

package poller

// Without POLLRDHUP, a peer's shutdown cannot be told from data to read.
const (
	pollRDHUP      = 0
	pollEarlyClose = 0
)
