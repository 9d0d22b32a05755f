package evutil_test

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// hostSystem is a system that has nothing but addresses.
type hostSystem struct {
	sysio.System
	addrs []netip.Addr
}

func (h hostSystem) LocalAddrs() ([]netip.Addr, error) { return h.addrs, nil }

func host(texts []string) sysio.System {
	var h hostSystem
	for _, text := range texts {
		h.addrs = append(h.addrs, netip.MustParseAddr(text))
	}
	return h
}

func TestFamilyOfInterfaces(t *testing.T) {
	for _, test := range []struct {
		name  string
		addrs []string
		want  int
	}{
		{"none", nil, syscall.AF_UNSPEC},
		{"local ones", []string{"127.0.0.1", "::1", "fe80::1", "169.254.1.1"}, syscall.AF_UNSPEC},
		{"IPv4", []string{"127.0.0.1", "::1", "fe80::1", "192.168.0.2"}, syscall.AF_INET},
		{"IPv6", []string{"127.0.0.1", "2001:db8::1"}, syscall.AF_INET6},
		{"both", []string{"192.0.2.1", "2001:db8::1"}, syscall.AF_UNSPEC},
	} {
		restore := sysio.SetSystem(host(test.addrs))
		got := evutil.ConfiguredFamily()
		restore()
		if got != test.want {
			t.Errorf("%s: family %d, want %d", test.name, got, test.want)
		}
	}
}

func TestConfiguredFamilyIsOne(t *testing.T) {
	switch family := evutil.ConfiguredFamily(); family {
	case syscall.AF_UNSPEC, syscall.AF_INET, syscall.AF_INET6:
	default:
		t.Errorf("family %d", family)
	}
}

func TestLocalAddresses(t *testing.T) {
	for addr, want := range map[string]bool{
		"0.0.0.0": true, "127.0.0.1": true, "127.255.255.255": true, "121.0.0.1": false,
		"169.254.0.1": true, "169.254.255.255": true, "170.0.0.0": false,
		"224.0.0.0": true, "239.255.255.255": true, "240.0.0.0": false,
		"10.0.0.1": false, "192.168.0.1": false, // translated on the way out

		"::": true, "::1": true, "::ffff:0:0": true, "::ffff:0:0:0": true, "64:ff9b::": false,
		"fe80::": true, "febf::1": true, "fec0::1": true, "ff00::": true, "ff02::1": true,
		"fc00::1": true, "fd00::1": true, "fe00::1": false,
		"2001::": false, "2001:4860:4802:32::1b": false,
	} {
		if got := evutil.IsLocal(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %t", addr, got)
		}
	}
}
