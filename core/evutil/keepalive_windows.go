package evutil

import (
	"errors"

	"golang.org/x/sys/windows"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

func setKeepAliveTimes(fd int, t keepAliveTimes) error {
	err := setSockopt(fd, windows.IPPROTO_TCP, sysio.KeepIdle, t.idle, "TCP_KEEPIDLE")
	if errors.Is(err, windows.WSAENOPROTOOPT) {
		return setKeepAliveValues(fd, t)
	}
	if err != nil {
		return err
	}
	if err := setSockopt(fd, windows.IPPROTO_TCP, sysio.KeepInterval, t.interval, "TCP_KEEPINTVL"); err != nil {
		return err
	}
	return setSockopt(fd, windows.IPPROTO_TCP, sysio.KeepCount, keepAliveProbes, "TCP_KEEPCNT")
}

// setKeepAliveValues is for Windows before version 1709, which counts in
// milliseconds and always sends ten probes.
func setKeepAliveValues(fd int, t keepAliveTimes) error {
	if err := sysio.SetKeepAliveMillis(fd, milliseconds(t.idle), milliseconds(t.interval)); err != nil {
		return fdError("ioctl SIO_KEEPALIVE_VALS", fd, err)
	}
	return nil
}

// milliseconds converts seconds; what does not fit becomes the most that
// does.
func milliseconds(seconds int) uint32 {
	return uint32(min(int64(seconds)*1000, 1<<32-1))
}
