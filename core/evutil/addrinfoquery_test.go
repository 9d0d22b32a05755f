package evutil_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestAddrInfoQuerySaysWhatToLookUp(t *testing.T) {
	for _, test := range []struct {
		name       string
		node       string
		hints      *evutil.AddrInfoHints
		host       string
		ipv4, ipv6 bool
	}{
		{"no hints", "www.example", nil, "www.example", true, true},
		{"IPv4", "www.example", &evutil.AddrInfoHints{Family: inet}, "www.example", true, false},
		{"IPv6", "www.example", &evutil.AddrInfoHints{Family: inet6}, "www.example", false, true},
		{"IPv6 or mapped", "www.example", &evutil.AddrInfoHints{Family: inet6, Flags: evutil.AIV4Mapped}, "www.example", true, true},
		{"AIAll alone", "www.example", &evutil.AddrInfoHints{Family: inet6, Flags: evutil.AIAll}, "www.example", false, true},
		{"mapping is for IPv6", "www.example", &evutil.AddrInfoHints{Family: inet, Flags: evutil.AIV4Mapped}, "www.example", true, false},
		{"numeric", "192.0.2.1", nil, "", true, true},
		{"no node", "", nil, "", true, true},
	} {
		q, err := evutil.PrepareAddrInfo(t.Context(), test.node, "80", test.hints)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if q.Host != test.host || q.WantsIPv4() != test.ipv4 || q.WantsIPv6() != test.ipv6 {
			t.Errorf("%s: host %q, IPv4 %t, IPv6 %t", test.name, q.Host, q.WantsIPv4(), q.WantsIPv6())
		}
	}
}

func TestAddrInfoQueryMakesResultsOfAddresses(t *testing.T) {
	mapAll := evutil.AddrInfoHints{Protocol: tcp, Family: inet6, Flags: evutil.AIV4Mapped | evutil.AIAll}
	mapIfNone := evutil.AddrInfoHints{Protocol: tcp, Family: inet6, Flags: evutil.AIV4Mapped}
	for _, test := range []struct {
		name  string
		hints evutil.AddrInfoHints
		addrs []string
		want  []string
		err   error
	}{
		{"both families in order", evutil.AddrInfoHints{Protocol: tcp}, []string{"2001:db8::1", "192.0.2.1"}, []string{"[2001:db8::1]:80", "192.0.2.1:80"}, nil},
		{"each socket type", evutil.AddrInfoHints{}, []string{"192.0.2.1"}, []string{"192.0.2.1:80", "192.0.2.1:80"}, nil},
		{"IPv4 in the other form", evutil.AddrInfoHints{Protocol: tcp}, []string{"::ffff:192.0.2.1"}, []string{"192.0.2.1:80"}, nil},
		{"the family wanted", evutil.AddrInfoHints{Protocol: tcp, Family: inet}, []string{"2001:db8::1", "192.0.2.1"}, []string{"192.0.2.1:80"}, nil},
		{"IPv4 mapped for lack of others", mapIfNone, []string{"192.0.2.1"}, []string{"[::ffff:192.0.2.1]:80"}, nil},
		{"IPv4 not mapped as there are others", mapIfNone, []string{"192.0.2.1", "2001:db8::1"}, []string{"[2001:db8::1]:80"}, nil},
		{"all IPv4 mapped", mapAll, []string{"192.0.2.1", "fe80::1%7"}, []string{"[::ffff:192.0.2.1]:80", "[fe80::1%7]:80"}, nil},
		{"none of the family", evutil.AddrInfoHints{Family: inet6}, []string{"192.0.2.1"}, nil, evutil.EAINoData},
		{"none", evutil.AddrInfoHints{}, nil, nil, evutil.EAINoData},
	} {
		q, err := evutil.PrepareAddrInfo(t.Context(), "www.example", "http", &test.hints)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		var addrs []netip.Addr
		for _, s := range test.addrs {
			addrs = append(addrs, netip.MustParseAddr(s))
		}
		infos, err := q.Results(addrs, "canon.example")
		if !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.err)
		}
		var got []string
		for _, info := range infos {
			got = append(got, info.Addr.String())
			if info.CanonName != "" {
				t.Errorf("%s: canonical name %q nobody asked for", test.name, info.CanonName)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAddrInfoQueryHasTheCanonicalNameInTheFirstResult(t *testing.T) {
	q, err := evutil.PrepareAddrInfo(t.Context(), "www.example", "", &evutil.AddrInfoHints{Flags: evutil.AICanonName})
	if err != nil {
		t.Fatal(err)
	}
	infos, err := q.Results([]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}, "canon.example")
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range infos {
		if want := map[bool]string{true: "canon.example"}[i == 0]; info.CanonName != want {
			t.Errorf("result %d: %q", i, info.CanonName)
		}
	}
}

func TestAddrInfoQueryRefusesWhatGetaddrinfoDoes(t *testing.T) {
	for _, test := range []struct {
		node, service string
		hints         *evutil.AddrInfoHints
		err           error
	}{
		{"", "", nil, evutil.EAINoName},
		{"www.example", "no-such-service", nil, evutil.EAIService},
		{"www.example", "80", &evutil.AddrInfoHints{Flags: evutil.AINumericHost}, evutil.EAINoName},
		{"192.0.2.1", "80", &evutil.AddrInfoHints{Family: inet6}, evutil.EAIAddrFamily},
	} {
		if _, err := evutil.PrepareAddrInfo(t.Context(), test.node, test.service, test.hints); !errors.Is(err, test.err) {
			t.Errorf("%q %q: error %v, want %v", test.node, test.service, err, test.err)
		}
	}
}
