package evutil_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSystemNameservers(t *testing.T) {
	addrs, err := evutil.SystemNameservers()
	if runtime.GOOS != "windows" {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, error %v", addrs, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := map[netip.Addr]bool{}
	for _, addr := range addrs {
		if !addr.IsValid() || addr.IsUnspecified() || evutil.IsSiteLocal(addr) || seen[addr] {
			t.Errorf("%v is not wanted, or twice in %v", addr, addrs)
		}
		seen[addr] = true
	}
	t.Logf("nameservers: %v", addrs)
}

func TestSiteLocalAddressesAreNoNameservers(t *testing.T) {
	for addr, want := range map[string]bool{
		"fec0:0:0:ffff::1":   true,
		"fec0:0:0:ffff::1%1": true,
		"feff::1":            true,
		"fe80::1":            false,
		"2001:db8::1":        false,
		"254.192.0.1":        false,
	} {
		if got := evutil.IsSiteLocal(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %t", addr, got)
		}
	}
}

func TestHostsFileIsTheSystems(t *testing.T) {
	name := evutil.HostsFile()
	if !filepath.IsAbs(name) || filepath.Base(name) != "hosts" || filepath.Base(filepath.Dir(name)) != "etc" {
		t.Errorf("got %q", name)
	}
}
