package evutil_test

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestParseSockaddrPort(t *testing.T) {
	for _, test := range []struct {
		in   string
		addr string
		port uint16
	}{
		{"[ffff::1]:1000", "ffff::1", 1000},
		{"[ffff::1]", "ffff::1", 0},
		{"::1", "::1", 0},
		{"1:2::1", "1:2::1", 0},
		{"::", "::", 0},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", 0},
		{"[::192.0.2.1]:65535", "::192.0.2.1", 65535},
		{"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201", 0},
		{"192.168.0.1:50", "192.168.0.1", 50},
		{"192.168.0.1:080", "192.168.0.1", 80},
		{"1.2.3.4", "1.2.3.4", 0},
		{"fe80::1%0", "fe80::1", 0}, // scope 0 is no scope
		{"[fe80::1%4294967295]:80", "fe80::1%4294967295", 80},
	} {
		want := netip.AddrPortFrom(netip.MustParseAddr(test.addr), test.port)
		if got, err := evutil.ParseSockaddrPort(test.in); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", test.in, got, err, want)
		}
	}
}

func TestParseSockaddrPortRefuses(t *testing.T) {
	for _, in := range []string{
		"", ":", ":80", "[", "[]", "[]:80", "]", "[ffff::1", "host", "host:80",
		"[ffff::1]:65599", "[ffff::1]:65536", "[ffff::1]:0", "[ffff::1]:-1", "[ffff::1]:",
		"[ffff::1]80", "[ffff::1]junk", "[ffff::1] :80", "[[ffff::1]]:80", "[::1]:80:90",
		"1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:+80", "1.2.3.4: 80", "1.2.3.4:80x", "1.2.3.4:http",
		"1.2.3", "1.2.3.4.5", "256.0.0.0", " 1.2.3.4", "1.2.3.4 ", "01.2.3.4", "1.2.3.-4", "0x1.2.3.4",
		"[1.2.3.4]", "[1.2.3.4]:80",
		"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:", "1::2:", "1::2::3", ":::1", "fffff::", "ffff", "::1.0.1.1000",
		"::ffff:01.2.3.4", "fe80::1%", "fe80::1%-1", "fe80::1%4294967296", "fe80::1%does-not-exist", "1.2.3.4%1",
	} {
		got, err := evutil.ParseSockaddrPort(in)
		if err == nil {
			t.Errorf("%q: no error, but %v", in, got)
			continue
		}
		if got.IsValid() {
			t.Errorf("%q: an error and %v", in, got)
		}
		if !strings.HasPrefix(err.Error(), "evutil: parse address "+strconv.Quote(in)+": ") {
			t.Errorf("%q: %q does not name the operation", in, err)
		}
	}
}

func TestParseSockaddrPortKeepsInterfaceName(t *testing.T) {
	iface := anyInterface(t)
	want := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(iface.Name), 80)
	if got, err := evutil.ParseSockaddrPort("[fe80::1%" + iface.Name + "]:80"); err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func anyInterface(t *testing.T) net.Interface {
	t.Helper()
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) == 0 {
		t.Skip("no network interfaces: ", err)
	}
	return interfaces[0]
}

func TestFormatSockaddrPort(t *testing.T) {
	for _, test := range []struct {
		in   netip.AddrPort
		want string
	}{
		{netip.MustParseAddrPort("192.168.1.1:80"), "192.168.1.1:80"},
		{netip.MustParseAddrPort("192.168.1.1:0"), "192.168.1.1:0"},
		{netip.MustParseAddrPort("[ff00::8010]:999"), "[ff00::8010]:999"},
		{netip.MustParseAddrPort("[fe80::1%eth0]:80"), "[fe80::1]:80"},
		{netip.MustParseAddrPort("[::ffff:192.0.2.1]:80"), "[::ffff:192.0.2.1]:80"},
		{netip.MustParseAddrPort("[::192.0.2.1]:80"), "[::192.0.2.1]:80"},
		{netip.AddrPort{}, "invalid AddrPort"},
	} {
		if got := evutil.FormatSockaddrPort(test.in); got != test.want {
			t.Errorf("%v: %q, want %q", test.in, got, test.want)
		}
	}
}

func TestInetNtop(t *testing.T) {
	for _, want := range []string{
		"1.2.3.4", "255.255.255.255", "176.192.208.244",
		"::", "::1", "::1.2.3.4", "ffff:1::", "ffff::1234", "::9:c0a8:1:1", "::ffff:1.2.3.4", "::ffff:0.0.0.0",
		"1:0:2:3:4:5:6:7", "1:0:0:2::3", "1::2:0:0:3:4",
		"::1:0", "::ffff", // one half of an IPv4 address is zero
	} {
		if got := evutil.InetNtop(netip.MustParseAddr(want)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := evutil.InetNtop(netip.MustParseAddr("fe80::1%eth0")); got != "fe80::1" {
		t.Errorf("%q has a zone", got)
	}
}

func TestCompareSockaddr(t *testing.T) {
	// Each one comes before the next.
	ordered := []netip.AddrPort{
		{},
		netip.MustParseAddrPort("9.8.7.6:5"),
		netip.MustParseAddrPort("10.0.0.1:70"),
		netip.MustParseAddrPort("10.0.0.1:80"),
		netip.MustParseAddrPort("10.0.0.2:1"),
		netip.MustParseAddrPort("[::1]:1"),
		netip.MustParseAddrPort("[::ffff:10.0.0.1]:80"),
		netip.MustParseAddrPort("[2001:db8::1]:70"),
		netip.MustParseAddrPort("[2001:db8::1]:65535"),
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := evutil.CompareSockaddr(a, b, true); sign(got) != sign(i-j) {
				t.Errorf("%v and %v with ports: %d", a, b, got)
			}
			want := sign(i - j)
			if a.Addr() == b.Addr() {
				want = 0
			}
			if got := evutil.CompareSockaddr(a, b, false); sign(got) != want {
				t.Errorf("%v and %v without ports: %d", a, b, got)
			}
		}
	}
}

func TestCompareSockaddrIgnoresZones(t *testing.T) {
	a, b := netip.MustParseAddrPort("[fe80::1%a]:1"), netip.MustParseAddrPort("[fe80::1%b]:1")
	if got := evutil.CompareSockaddr(a, b, true); got != 0 {
		t.Errorf("got %d", got)
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

func FuzzParseSockaddrPort(f *testing.F) {
	for _, seed := range []string{
		"[ffff::1]:1000", "[ffff::1]", "1:2::1", "::ffff:1.2.3.4", "192.168.0.1:50", "1.2.3.4",
		"fe80::1%0", "[fe80::1%1]:65535", "[::1", "[::1]:", "[::1]x", "::1.2.3.4", "1.2.3.4:080",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ap, err := evutil.ParseSockaddrPort(s)
		if err != nil {
			if ap.IsValid() {
				t.Fatalf("%q: an error and %v", s, ap)
			}
			return
		}
		if !ap.IsValid() {
			t.Fatalf("%q: no error and no address", s)
		}
		if ap.Port() == 0 {
			return // the text below always has a port
		}
		again, err := evutil.ParseSockaddrPort(evutil.FormatSockaddrPort(ap))
		if err != nil {
			t.Fatalf("%q: formatted as %q: %v", s, evutil.FormatSockaddrPort(ap), err)
		}
		if evutil.CompareSockaddr(again, ap, true) != 0 {
			t.Fatalf("%q: %v became %v", s, ap, again)
		}
	})
}
