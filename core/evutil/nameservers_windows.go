package evutil

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// adapterNameservers asks for the list of adapters, whose size is not known
// before, and may change between two calls.
func adapterNameservers() ([]netip.Addr, error) {
	const (
		flags    = windows.GAA_FLAG_SKIP_UNICAST | windows.GAA_FLAG_SKIP_ANYCAST | windows.GAA_FLAG_SKIP_MULTICAST
		attempts = 10
	)
	size := uint32(15000) // what Microsoft advises
	for range attempts {
		// The list has pointers into itself, so its memory is as aligned as a
		// structure of it.
		buf := make([]windows.IpAdapterAddresses, size/uint32(unsafe.Sizeof(windows.IpAdapterAddresses{}))+1)
		size = uint32(len(buf)) * uint32(unsafe.Sizeof(buf[0]))
		err := windows.GetAdaptersAddresses(windows.AF_UNSPEC, flags, 0, &buf[0], &size)
		switch {
		case err == nil:
			return nameserversOf(&buf[0]), nil
		case errors.Is(err, windows.ERROR_NO_DATA):
			return nil, nil
		case !errors.Is(err, windows.ERROR_BUFFER_OVERFLOW):
			return nil, err
		}
	}
	return nil, windows.ERROR_BUFFER_OVERFLOW
}

func nameserversOf(adapters *windows.IpAdapterAddresses) []netip.Addr {
	var addrs []netip.Addr
	for a := adapters; a != nil; a = a.Next {
		if a.OperStatus != windows.IfOperStatusUp {
			continue
		}
		for server := a.FirstDnsServerAddress; server != nil; server = server.Next {
			addr, ok := socketAddress(server.Address.Sockaddr)
			if ok && !isSiteLocal(addr) && !slices.Contains(addrs, addr) {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs
}

// socketAddress returns the address that sa points to, with its scope.
func socketAddress(sa *syscall.RawSockaddrAny) (netip.Addr, bool) {
	if sa == nil {
		return netip.Addr{}, false
	}
	switch sa.Addr.Family {
	case windows.AF_INET:
		return netip.AddrFrom4((*windows.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr), true
	case windows.AF_INET6:
		raw := (*windows.RawSockaddrInet6)(unsafe.Pointer(sa))
		addr := netip.AddrFrom16(raw.Addr)
		if raw.Scope_id != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(raw.Scope_id), 10))
		}
		return addr, true
	}
	return netip.Addr{}, false
}
