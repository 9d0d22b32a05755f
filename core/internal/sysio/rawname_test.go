//go:build linux || windows

package sysio

import (
	"net"
	"net/netip"
	"testing"
)

func TestNamesGoThereAndBack(t *testing.T) {
	addrs := []string{"127.0.0.1:1", "192.0.2.1:65535", "[::1]:2", "[2001:db8::1]:258", "[::ffff:192.0.2.1]:53"}
	if interfaces, err := net.Interfaces(); err == nil && len(interfaces) > 0 {
		zone := interfaces[0].Name
		addrs = append(addrs, "[fe80::1%"+zone+"]:53", "[fe80::2]:53", "[fe80::2%"+zone+"]:53", "[fe80::1%4294967295]:1")
	}
	var z zones
	for _, s := range addrs {
		var name rawInet6
		ap := netip.MustParseAddrPort(s)
		size, err := z.putName(&name, ap)
		ok(t, err)
		want(t, "name", z.getName(&name, size), ap)
		want(t, "name cut short", z.getName(&name, size-1), netip.AddrPort{})
	}
}

func TestNamesOfNothing(t *testing.T) {
	var z zones
	name := rawInet6{Family: 255}
	size, err := z.putName(&name, netip.AddrPort{})
	ok(t, err)
	want(t, "size", size, 0)
	want(t, "name", z.getName(&name, sizeofInet6), netip.AddrPort{})
	if _, err := z.putName(&name, netip.MustParseAddrPort("[fe80::1%no such zone]:1")); err == nil {
		t.Error("a zone that does not exist has a number")
	}
}

func TestZonesAreRemembered(t *testing.T) {
	var z zones
	const id = 4294967295 // of no interface
	want(t, "zone", z.zone(id), ScopeZone(id))
	n := testing.AllocsPerRun(10, func() {
		z.zone(id)
		z.scope("4294967295")
	})
	want(t, "allocations", n, 0)
	want(t, "zone of no interface", z.zone(0), "")
}
