package evutil

import (
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// configuredFamily returns the only address family that the interfaces have
// global addresses of, or AF_UNSPEC if they have both or none, or cannot be
// asked.
func configuredFamily() int {
	addrs, err := sysio.LocalAddrs()
	if err != nil {
		return syscall.AF_UNSPEC
	}
	return familyOf(addrs)
}

func familyOf(addrs []netip.Addr) int {
	var v4, v6 bool
	for _, a := range addrs {
		if isLocal(a) {
			continue
		}
		v4 = v4 || a.Is4()
		v6 = v6 || a.Is6()
	}
	switch {
	case v4 && !v6:
		return syscall.AF_INET
	case v6 && !v4:
		return syscall.AF_INET6
	}
	return syscall.AF_UNSPEC
}

// isLocal reports whether an interface that has addr reaches no further than
// its own network. IPv4's private networks are not local, as address
// translation leads out of them; IPv6's are.
func isLocal(addr netip.Addr) bool {
	if addr.IsUnspecified() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() {
		return true
	}
	if addr.Is4() {
		return false
	}
	b := addr.As16()
	siteLocal := b[0] == 0xfe && b[1]&0xc0 == 0xc0
	embedsIPv4 := [8]byte(b[:8]) == [8]byte{}
	return addr.IsPrivate() || siteLocal || embedsIPv4
}
