package evutil

import (
	"net"
	"net/netip"
	"syscall"
)

// AIFlags say how [Getaddrinfo] is to look for addresses. The values are the
// same on all systems, and not those of the system's own headers.
type AIFlags int

const (
	// AIPassive asks for addresses to listen at: without a node the
	// wildcard address, where it would be loopback (EVUTIL_AI_PASSIVE).
	AIPassive AIFlags = 0x1000 << iota
	// AICanonName asks for the canonical name of the node in the first
	// result. It needs a node (EVUTIL_AI_CANONNAME).
	AICanonName
	// AINumericHost allows only numeric nodes, so that nothing is looked
	// up (EVUTIL_AI_NUMERICHOST).
	AINumericHost
	// AINumericServ allows only numeric services (EVUTIL_AI_NUMERICSERV).
	AINumericServ
	// AIV4Mapped turns IPv4 addresses into IPv4-mapped ones if the family
	// is AF_INET6 and there are no IPv6 addresses (EVUTIL_AI_V4MAPPED).
	AIV4Mapped
	// AIAll together with AIV4Mapped asks for the IPv4-mapped addresses even
	// if there are IPv6 addresses. It means nothing by itself (EVUTIL_AI_ALL).
	AIAll
	// AIAddrConfig leaves out a family, if none is asked for, that no
	// interface has a global address of while one has of the other. It does
	// not apply to numeric nodes (EVUTIL_AI_ADDRCONFIG).
	AIAddrConfig
)

const aiKnown = AIPassive | AICanonName | AINumericHost | AINumericServ | AIV4Mapped | AIAll | AIAddrConfig

// AddrInfo is a way to reach a service: what to call socket with, and the
// address to connect or bind it to (evutil_addrinfo).
type AddrInfo struct {
	Family    int            // syscall.AF_INET or AF_INET6, as Addr
	SockType  int            // syscall.SOCK_STREAM, SOCK_DGRAM or what the hints say
	Protocol  int            // syscall.IPPROTO_TCP, IPPROTO_UDP or what the hints say
	Addr      netip.AddrPort // with the zone if the node has one
	CanonName string         // in the first of the results, if AICanonName asks for it
}

// AddrInfoHints say what results [Getaddrinfo] may give. The zero value wants
// everything, for TCP and for UDP (evutil_addrinfo).
type AddrInfoHints struct {
	Flags AIFlags
	// Family is syscall.AF_INET, AF_INET6, or AF_UNSPEC, which is 0, for
	// both.
	Family int
	// SockType and Protocol, if one is 0, follow from each other for TCP,
	// UDP and SCTP. If both are 0, there are two results for each address.
	SockType int
	Protocol int
	// Resolver looks names and services up; nil means net.DefaultResolver.
	// Resolvers of other packages use it for services at most.
	Resolver *net.Resolver
}

const protoSCTP = 132

// inferProtocol fills in the one of SockType and Protocol that follows from
// the other.
func (h *AddrInfoHints) inferProtocol() {
	switch {
	case h.Protocol == 0 && h.SockType == syscall.SOCK_STREAM:
		h.Protocol = syscall.IPPROTO_TCP
	case h.Protocol == 0 && h.SockType == syscall.SOCK_DGRAM:
		h.Protocol = syscall.IPPROTO_UDP
	case h.SockType == 0 && (h.Protocol == syscall.IPPROTO_TCP || h.Protocol == protoSCTP):
		h.SockType = syscall.SOCK_STREAM
	case h.SockType == 0 && h.Protocol == syscall.IPPROTO_UDP:
		h.SockType = syscall.SOCK_DGRAM
	}
}

// check returns the error in hints whose protocol has been inferred.
func (h *AddrInfoHints) check() error {
	if h.Flags&^aiKnown != 0 {
		return EAIBadFlags
	}
	switch h.Family {
	case syscall.AF_UNSPEC, syscall.AF_INET, syscall.AF_INET6:
	default:
		return EAIFamily
	}
	streamUDP := h.SockType == syscall.SOCK_STREAM && h.Protocol == syscall.IPPROTO_UDP
	datagramTCP := h.SockType == syscall.SOCK_DGRAM && h.Protocol == syscall.IPPROTO_TCP
	if streamUDP || datagramTCP {
		return EAISockType
	}
	return nil
}

// appendInfos adds the ways to reach addr that the hints want.
func (h *AddrInfoHints) appendInfos(infos []AddrInfo, addr netip.AddrPort) []AddrInfo {
	info := AddrInfo{
		Family:   syscall.AF_INET,
		SockType: h.SockType,
		Protocol: h.Protocol,
		Addr:     addr,
	}
	if addr.Addr().Is6() {
		info.Family = syscall.AF_INET6
	}
	if h.SockType != 0 || h.Protocol != 0 {
		return append(infos, info)
	}
	tcp, udp := info, info
	tcp.SockType, tcp.Protocol = syscall.SOCK_STREAM, syscall.IPPROTO_TCP
	udp.SockType, udp.Protocol = syscall.SOCK_DGRAM, syscall.IPPROTO_UDP
	return append(infos, tcp, udp)
}
