package evutil_test

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSockaddrConversion(t *testing.T) {
	for _, text := range []string{
		"0.0.0.0:0", "192.0.2.1:80", "255.255.255.255:65535",
		"[::]:0", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:80", "[fe80::1%4294967295]:1",
	} {
		want := netip.MustParseAddrPort(text)
		sa, err := evutil.AddrPortToSockaddr(want)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := evutil.SockaddrToAddrPort(sa); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestSockaddrConversionKeepsInterfaceName(t *testing.T) {
	iface := anyInterface(t)
	want := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(iface.Name), 80)
	sa, err := evutil.AddrPortToSockaddr(want)
	if err != nil {
		t.Fatal(err)
	}
	if scope := sa.(*sockaddrInet6).ZoneId; scope != uint32(iface.Index) {
		t.Errorf("scope %d, want %d", scope, iface.Index)
	}
	if got, err := evutil.SockaddrToAddrPort(sa); err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestSockaddrConversionRefusesOtherFamilies(t *testing.T) {
	if _, err := evutil.AddrPortToSockaddr(netip.AddrPort{}); !errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Errorf("no address: %v", err)
	}
	for _, sa := range []evutil.Sockaddr{nil, &sockaddrUnix{Name: "socket"}} {
		if ap, err := evutil.SockaddrToAddrPort(sa); !errors.Is(err, syscall.EAFNOSUPPORT) || ap.IsValid() {
			t.Errorf("%T: %v, %v", sa, ap, err)
		}
	}
}

func TestAddrPortToSockaddrNeedsKnownZone(t *testing.T) {
	_, err := evutil.AddrPortToSockaddr(netip.MustParseAddrPort("[fe80::1%does-not-exist]:80"))
	if err == nil || !strings.Contains(err.Error(), `"does-not-exist"`) {
		t.Errorf("got %v", err)
	}
}

func TestScopes(t *testing.T) {
	iface := anyInterface(t)
	for _, test := range []struct {
		zone string
		id   uint32
	}{
		{"", 0},
		{"4294967295", 4294967295},
		{iface.Name, uint32(iface.Index)},
	} {
		if id, err := evutil.ScopeID(test.zone); err != nil || id != test.id {
			t.Errorf("ScopeID(%q): %d, %v, want %d", test.zone, id, err, test.id)
		}
		if zone := evutil.ScopeZone(test.id); zone != test.zone {
			t.Errorf("ScopeZone(%d): %q, want %q", test.id, zone, test.zone)
		}
	}
	for _, zone := range []string{"does-not-exist", "4294967296", "-1", "+1", " 1"} {
		if id, err := evutil.ScopeID(zone); err == nil {
			t.Errorf("ScopeID(%q): no error, but %d", zone, id)
		}
	}
}

func TestInetPtonScope(t *testing.T) {
	for _, test := range []struct {
		in    string
		addr  string
		scope uint32
	}{
		{"2001:DB8::", "2001:db8::", 0},
		{"2001:DB8::%0", "2001:db8::", 0},
		{"2001:DB8::%4294967295", "2001:db8::%4294967295", 4294967295},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4", 0},
	} {
		addr, scope, err := evutil.InetPtonScope(test.in)
		if err != nil || addr != netip.MustParseAddr(test.addr) || scope != test.scope {
			t.Errorf("%q: %v, %d, %v", test.in, addr, scope, err)
		}
	}
	for _, in := range []string{"", "foobar.", "1.2.3.4", "2001:DB8::%does-not-exist", "2001:DB8::%", "%1"} {
		if addr, scope, err := evutil.InetPtonScope(in); err == nil || addr.IsValid() || scope != 0 {
			t.Errorf("%q: %v, %d, %v", in, addr, scope, err)
		}
	}
}
