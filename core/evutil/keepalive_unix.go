//go:build linux || freebsd || netbsd || dragonfly || darwin

package evutil

import (
	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

func setKeepAliveTimes(fd int, t keepAliveTimes) error {
	if err := setSockopt(fd, unix.IPPROTO_TCP, sysio.KeepIdle, t.idle, "TCP_KEEPIDLE"); err != nil {
		return err
	}
	if err := setSockopt(fd, unix.IPPROTO_TCP, sysio.KeepInterval, t.interval, "TCP_KEEPINTVL"); err != nil {
		return err
	}
	return setSockopt(fd, unix.IPPROTO_TCP, sysio.KeepCount, keepAliveProbes, "TCP_KEEPCNT")
}
