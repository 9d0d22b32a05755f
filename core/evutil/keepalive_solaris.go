package evutil

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// The kernel refuses times outside of these limits.
const (
	keepAliveLeast = 10                // seconds
	keepAliveMost  = 10 * 24 * 60 * 60 // seconds: ten days
)

// The options have other numbers on Solaris, since 11.4, than on illumos, whose
// package unix has.
var tcpKeepIdle, tcpKeepInterval, tcpKeepCount = func() (idle, interval, count int) {
	if runtime.GOOS == "illumos" {
		return unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT
	}
	return 0x1d, 0x1e, 0x1f
}()

func setKeepAliveTimes(fd int, t keepAliveTimes) error {
	t.idle = min(max(t.idle, keepAliveLeast), keepAliveMost)
	t.interval = max(t.idle/keepAliveProbes, keepAliveLeast)

	err := setSockopt(fd, unix.IPPROTO_TCP, tcpKeepIdle, t.idle, "TCP_KEEPIDLE")
	if errors.Is(err, unix.ENOPROTOOPT) {
		return setKeepAliveThresholds(fd, t.idle)
	}
	if err != nil {
		return err
	}
	if err := setSockopt(fd, unix.IPPROTO_TCP, tcpKeepInterval, t.interval, "TCP_KEEPINTVL"); err != nil {
		return err
	}
	return setSockopt(fd, unix.IPPROTO_TCP, tcpKeepCount, keepAliveProbes, "TCP_KEEPCNT")
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
