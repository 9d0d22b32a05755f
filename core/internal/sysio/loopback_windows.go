package sysio

import "net/netip"

// acceptBlocks says whether acceptWait wants a listener in blocking mode.
const acceptBlocks = true

// acceptWait waits for a connection and accepts it.
func acceptWait(listener int) (fd int, peer netip.AddrPort, err error) {
	return Accept(listener, Mode{})
}
