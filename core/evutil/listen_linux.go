package evutil

import "golang.org/x/sys/unix"

func setReuseAddr(fd int) error {
	return setSockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR")
}

// setDeferAccept has the kernel wait for data for a second, rounded up to
// what a retransmission takes; after that the connection is reported anyhow.
func setDeferAccept(fd int) error {
	return setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT")
}
