package evproxy

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// A Trust says whether a peer is a proxy whose header is believed, from the addresses of
// the stream's own connection. It is called on the loop.
type Trust func(local, remote net.Addr) bool

// TrustPrefixes trusts the peers whose address is in one of the prefixes. One of IPv4 and
// one of such addresses in IPv6 (::ffff:0:0/96) stand for both. A zone is not looked at.
func TrustPrefixes(prefixes ...netip.Prefix) Trust {
	prefixes = slices.Clone(prefixes)
	for i, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			prefixes[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return func(_, remote net.Addr) bool {
		peer, ok := addrPort(remote)
		if !ok {
			return false
		}
		addr := peer.Addr().Unmap().WithZone("")
		return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
	}
}

// TrustUnix trusts every peer that has connected to a Unix socket: the permissions of that
// say which can.
func TrustUnix(local, remote net.Addr) bool {
	_, ok := local.(*net.UnixAddr)
	return ok
}

// ParseTrust makes a Trust of what people write in flags and configurations: prefixes,
// addresses and "unix", separated by commas, such as "10.0.0.0/8,::1,unix". The error
// wraps ErrConfig.
func ParseTrust(s string) (Trust, error) {
	var prefixes []netip.Prefix
	unix := false
	for field := range strings.SplitSeq(s, ",") {
		field = strings.TrimSpace(field)
		if field == "unix" {
			unix = true
			continue
		}
		prefix, err := netip.ParsePrefix(field)
		if err != nil {
			addr, err := netip.ParseAddr(field)
			if err != nil || addr.Zone() != "" {
				return nil, opError("parse trust", fmt.Errorf("%w: %q is no prefix, address or \"unix\"", ErrConfig, field))
			}
			addr = addr.Unmap()
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		prefixes = append(prefixes, prefix)
	}
	of := TrustPrefixes(prefixes...)
	return func(local, remote net.Addr) bool { return of(local, remote) || unix && TrustUnix(local, remote) }, nil
}
