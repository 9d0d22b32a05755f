//go:build linux || freebsd || netbsd || dragonfly || darwin

package evutil

import "golang.org/x/sys/unix"

func setKeepAliveTimes(fd int, t keepAliveTimes) error {
	if err := setSockopt(fd, unix.IPPROTO_TCP, tcpKeepIdle, t.idle, "TCP_KEEPIDLE"); err != nil {
		return err
	}
	if err := setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, t.interval, "TCP_KEEPINTVL"); err != nil {
		return err
	}
	return setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes, "TCP_KEEPCNT")
}
