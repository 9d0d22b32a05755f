//go:build !windows

package evdns_test

import (
	"net"
	"net/netip"
)

func listenUDP(addr netip.AddrPort) (plainUDP, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return c, c.SetReadBuffer(1 << 20)
}
