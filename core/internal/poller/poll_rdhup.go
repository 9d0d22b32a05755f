//go:build freebsd || linux

package poller

import "golang.org/x/sys/unix"

// POLLRDHUP is Linux's, and FreeBSD's since version 14.
const (
	pollRDHUP      = unix.POLLRDHUP
	pollEarlyClose = FeatureEarlyClose
)
