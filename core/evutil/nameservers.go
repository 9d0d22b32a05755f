package evutil

import (
	"net/netip"
)

// SystemNameservers returns the nameservers of the network adapters that are
// up, each once, in the order of the adapters. It asks Windows; on other
// systems, where a file has them, the error wraps [errors.ErrUnsupported]. It
// may be called from any goroutine.
func SystemNameservers() ([]netip.Addr, error) {
	addrs, err := adapterNameservers()
	if err != nil {
		return nil, opError("system nameservers", err)
	}
	return addrs, nil
}

// HostsFile returns the name of the file that has names and addresses of hosts:
// /etc/hosts, or what takes its place on Windows.
func HostsFile() string { return hostsFile() }

// isSiteLocal says whether addr is one of those that Windows names when it
// knows no nameserver; no host has them (RFC 3879).
func isSiteLocal(addr netip.Addr) bool {
	return addr.Is6() && netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0xc0}), 10).Contains(addr.WithZone(""))
}
