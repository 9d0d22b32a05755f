package evutil

import "golang.org/x/sys/unix"

// setDeferAccept has the kernel wait for data for a second, rounded up to
// what a retransmission takes; after that the connection is reported anyhow.
func setDeferAccept(fd int) error {
	return setSockopt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT")
}
