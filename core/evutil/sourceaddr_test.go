package evutil_test

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSourceAddrOfLoopbackIsLoopback(t *testing.T) {
	for _, test := range []struct{ dst, want string }{
		{"127.0.0.1", "127.0.0.1"},
		{"::ffff:127.0.0.1", "127.0.0.1"},
		{"::1", "::1"},
	} {
		src, err := evutil.SourceAddr(netip.MustParseAddr(test.dst))
		if err != nil {
			if test.dst == "::1" {
				continue // there are machines without IPv6
			}
			t.Errorf("%s: %v", test.dst, err)
		}
		if src.String() != test.want {
			t.Errorf("%s: %v, want %s", test.dst, src, test.want)
		}
	}
}

func TestSourceAddrSaysWhatCannotBeReached(t *testing.T) {
	for _, dst := range []netip.Addr{
		{}, // no address
		netip.MustParseAddr("fe80::1%no-such-interface"),
	} {
		if src, err := evutil.SourceAddr(dst); err == nil {
			t.Errorf("%v is reached from %v", dst, src)
		}
	}
}

func BenchmarkSourceAddr(b *testing.B) {
	dst := netip.MustParseAddr("127.0.0.1")
	for b.Loop() {
		if _, err := evutil.SourceAddr(dst); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConfiguredFamily(b *testing.B) {
	for b.Loop() {
		evutil.ConfiguredFamily()
	}
}
