package sysio

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

func TestLocalAddressesGoThereAndBack(t *testing.T) {
	var z zones
	var c control
	for _, s := range []string{"127.0.0.1", "192.0.2.1", "::1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%4294967295"} {
		addr := netip.MustParseAddr(s)
		size, err := z.putLocal(&c, addr)
		ok(t, err)
		want(t, "address", z.getLocal(c.bytes(size)), addr)
	}
	for _, s := range []string{"0.0.0.0", "::", "ff02::1", "::ffff:224.0.0.1"} {
		size, err := z.putLocal(&c, netip.MustParseAddr(s))
		ok(t, err)
		want(t, "address that is none to send from", z.getLocal(c.bytes(size)), netip.Addr{})
	}
	size, err := z.putLocal(&c, netip.Addr{})
	ok(t, err)
	want(t, "size for no address", size, 0)
}

// The kernel's own bounds are believed only as far as they go.
func TestControlMessagesThatAreCutOff(t *testing.T) {
	var z zones
	var c control
	size, err := z.putLocal(&c, netip.MustParseAddr("2001:db8::1"))
	ok(t, err)
	for n := range size {
		z.getLocal(c.bytes(n))
	}
	for _, length := range []uint64{0, 1, 15, 17, 1 << 40, 1<<64 - 1} {
		binary.NativeEndian.PutUint64(c.bytes(8), length)
		want(t, "address", z.getLocal(c.bytes(size)), netip.Addr{})
	}
}
