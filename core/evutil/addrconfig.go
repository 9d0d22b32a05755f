package evutil

import (
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// askAgain is how long what the interfaces have said is believed: they come and
// go, but not as often as names are looked up, and to ask is several system
// calls.
const askAgain = time.Second

// said is what the interfaces have said, and when.
var said atomic.Pointer[struct {
	family int
	at     time.Time
}]

// configuredFamily returns the only address family that the interfaces have
// global addresses of, or AF_UNSPEC if they have both or none, or cannot be
// asked.
func configuredFamily() int {
	last := said.Load()
	now := time.Now()
	if last != nil && now.Sub(last.at) < askAgain {
		return last.family
	}
	family := syscall.AF_UNSPEC
	if addrs, err := net.InterfaceAddrs(); err == nil {
		family = familyOf(addrs)
	}
	said.Store(&struct {
		family int
		at     time.Time
	}{family, now})
	return family
}

func familyOf(addrs []net.Addr) int {
	var v4, v6 bool
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || isLocal(prefix.Addr()) {
			continue
		}
		v4 = v4 || prefix.Addr().Is4()
		v6 = v6 || prefix.Addr().Is6()
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
