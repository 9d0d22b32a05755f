package evdns_test

import (
	"net"
	"net/netip"
)

// A plainUDP is a datagram socket that is waited for, as net.UDPConn is, for the
// nameservers of tests. One goroutine may read, and any write.
type plainUDP interface {
	ReadFromUDPAddrPort(p []byte) (n int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}
