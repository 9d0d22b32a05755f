package evutil

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// The kernel refuses times outside of these limits.
const (
	keepAliveLeast = 10                // seconds
	keepAliveMost  = 10 * 24 * 60 * 60 // seconds: ten days
)

func setKeepAliveTimes(fd int, t keepAliveTimes) error {
	t.idle = min(max(t.idle, keepAliveLeast), keepAliveMost)
	t.interval = max(t.idle/keepAliveProbes, keepAliveLeast)

	err := setSockopt(fd, unix.IPPROTO_TCP, sysio.KeepIdle, t.idle, "TCP_KEEPIDLE")
	if errors.Is(err, unix.ENOPROTOOPT) {
		return setKeepAliveThresholds(fd, t.idle)
	}
	if err != nil {
		return err
	}
	if err := setSockopt(fd, unix.IPPROTO_TCP, sysio.KeepInterval, t.interval, "TCP_KEEPINTVL"); err != nil {
		return err
	}
	return setSockopt(fd, unix.IPPROTO_TCP, sysio.KeepCount, keepAliveProbes, "TCP_KEEPCNT")
}

// setKeepAliveThresholds is for Solaris before 11.4, which knows how long to
// stay silent and how long to send probes, both in milliseconds.
func setKeepAliveThresholds(fd, seconds int) error {
	ms := seconds * 1000
	if err := setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPALIVE_THRESHOLD, ms, "TCP_KEEPALIVE_THRESHOLD"); err != nil {
		return err
	}
	return setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPALIVE_ABORT_THRESHOLD, ms, "TCP_KEEPALIVE_ABORT_THRESHOLD")
}
