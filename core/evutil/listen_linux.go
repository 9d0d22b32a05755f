package evutil

import (
	"errors"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

func setReuseAddr(fd int) error {
	return setSockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR")
}

func setReusePort(fd int) error {
	err := sysio.SetOption(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	if err == unix.ENOPROTOOPT { // the kernel is too old
		return errors.ErrUnsupported
	}
	return err
}

// setDeferAccept has the kernel wait for data for a second, rounded up to
// what a retransmission takes; after that the connection is reported anyhow.
func setDeferAccept(fd int) error {
	return setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT")
}
