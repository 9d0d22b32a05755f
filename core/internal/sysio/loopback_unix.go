//go:build unix

package sysio

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// acceptBlocks says whether acceptWait wants a listener in blocking mode.
const acceptBlocks = false

// acceptWait waits for a connection and accepts it.
func acceptWait(listener int) (fd int, peer netip.AddrPort, err error) {
	for {
		fd, peer, err = Accept(listener, Mode{})
		if err != ErrAgain {
			return fd, peer, err
		}
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != ErrInterrupted {
			return InvalidSocket, netip.AddrPort{}, err
		}
	}
}
