package evutil_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

const (
	stream, datagram = syscall.SOCK_STREAM, syscall.SOCK_DGRAM
	tcp, udp         = syscall.IPPROTO_TCP, syscall.IPPROTO_UDP
	inet, inet6      = syscall.AF_INET, syscall.AF_INET6
)

// A gaiTest is a call of Getaddrinfo with its result.
type gaiTest struct {
	name          string
	node, service string
	hints         evutil.AddrInfoHints
	want          []string // "address:port" for each result, in order
	err           error
}

func (test gaiTest) run(t *testing.T) {
	t.Run(test.name, func(t *testing.T) {
		infos, err := evutil.Getaddrinfo(t.Context(), test.node, test.service, &test.hints)
		if !errors.Is(err, test.err) {
			t.Fatalf("error %v, want %v", err, test.err)
		}
		var got []string
		for _, info := range infos {
			got = append(got, info.Addr.String())
			if family := map[bool]int{true: inet, false: inet6}[info.Addr.Addr().Is4()]; info.Family != family {
				t.Errorf("%v has family %d", info.Addr, info.Family)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	})
}

func TestGetaddrinfoOfNumericNodes(t *testing.T) {
	tcpOnly := evutil.AddrInfoHints{SockType: stream}
	flags := func(f evutil.AIFlags) evutil.AddrInfoHints { return evutil.AddrInfoHints{SockType: stream, Flags: f} }
	family := func(f int, fl evutil.AIFlags) evutil.AddrInfoHints {
		return evutil.AddrInfoHints{SockType: stream, Family: f, Flags: fl}
	}
	for _, test := range []gaiTest{
		{"IPv4", "1.2.3.4", "8080", tcpOnly, []string{"1.2.3.4:8080"}, nil},
		{"IPv6", "1001:b0b::f00f", "4321", tcpOnly, []string{"[1001:b0b::f00f]:4321"}, nil},
		{"IPv6 with scope", "fe80::1%4294967295", "80", tcpOnly, []string{"[fe80::1%4294967295]:80"}, nil},
		{"no service", "1.2.3.4", "", tcpOnly, []string{"1.2.3.4:0"}, nil},
		{"service zero", "1.2.3.4", "0", tcpOnly, []string{"1.2.3.4:0"}, nil},
		{"named service", "1.2.3.4", "http", tcpOnly, []string{"1.2.3.4:80"}, nil},
		{"named service of UDP", "1.2.3.4", "domain", evutil.AddrInfoHints{Protocol: udp}, []string{"1.2.3.4:53"}, nil},
		{"named service of anything", "1.2.3.4", "domain", evutil.AddrInfoHints{}, []string{"1.2.3.4:53", "1.2.3.4:53"}, nil},
		{"numeric host", "1.2.3.4", "80", flags(evutil.AINumericHost), []string{"1.2.3.4:80"}, nil},
		{"numeric service", "1.2.3.4", "80", flags(evutil.AINumericServ), []string{"1.2.3.4:80"}, nil},
		{"every flag", "::1", "80", flags(evutil.AIKnown), []string{"[::1]:80"}, nil},
		{"AIAddrConfig does not apply to IPv4", "127.0.0.1", "80", flags(evutil.AIAddrConfig), []string{"127.0.0.1:80"}, nil},
		{"AIAddrConfig does not apply to IPv6", "::1", "80", flags(evutil.AIAddrConfig), []string{"[::1]:80"}, nil},
		{"IPv4 mapped", "1.2.3.4", "80", family(inet6, evutil.AIV4Mapped), []string{"[::ffff:1.2.3.4]:80"}, nil},
		{"IPv6 not mapped", "::1", "80", family(inet6, evutil.AIV4Mapped), []string{"[::1]:80"}, nil},

		{"IPv4 is not IPv6", "1.2.3.4", "80", family(inet6, 0), nil, evutil.EAIAddrFamily},
		{"IPv4 is not IPv6 with AIAll alone", "1.2.3.4", "80", family(inet6, evutil.AIAll), nil, evutil.EAIAddrFamily},
		{"IPv6 is not IPv4", "::1", "80", family(inet, evutil.AIV4Mapped), nil, evutil.EAIAddrFamily},
		{"name with numeric host", "localhost", "80", flags(evutil.AINumericHost), nil, evutil.EAINoName},
		{"name with numeric service", "1.2.3.4", "http", flags(evutil.AINumericServ), nil, evutil.EAINoName},
		{"unknown scope", "fe80::1%does-not-exist", "80", tcpOnly, nil, evutil.EAINoName},
		{"IPv6 gone wrong", "1::2::3", "80", tcpOnly, nil, evutil.EAINoName},
		{"unknown service", "1.2.3.4", "no-such-service", tcpOnly, nil, evutil.EAIService},
		{"service too large", "1.2.3.4", "65536", tcpOnly, nil, evutil.EAIService},
		{"service negative", "1.2.3.4", "-1", tcpOnly, nil, evutil.EAIService},
		{"named service of SCTP", "1.2.3.4", "http", evutil.AddrInfoHints{Protocol: evutil.ProtoSCTP}, nil, evutil.EAIService},
		{"nothing", "", "", tcpOnly, nil, evutil.EAINoName},
		{"unknown family", "1.2.3.4", "80", family(99, 0), nil, evutil.EAIFamily},
		{"unknown flag", "1.2.3.4", "80", flags(1), nil, evutil.EAIBadFlags},
		{"stream of UDP", "1.2.3.4", "80", evutil.AddrInfoHints{SockType: stream, Protocol: udp}, nil, evutil.EAISockType},
		{"datagrams of TCP", "1.2.3.4", "80", evutil.AddrInfoHints{SockType: datagram, Protocol: tcp}, nil, evutil.EAISockType},
		{"canonical name of no node", "", "80", flags(evutil.AICanonName), nil, evutil.EAIBadFlags},
	} {
		test.run(t)
	}
}

func TestGetaddrinfoWithoutNode(t *testing.T) {
	hints := func(family int, flags evutil.AIFlags) evutil.AddrInfoHints {
		return evutil.AddrInfoHints{Family: family, Protocol: tcp, Flags: flags}
	}
	for _, test := range []gaiTest{
		{"connect with IPv4", "", "9998", hints(inet, 0), []string{"127.0.0.1:9998"}, nil},
		{"connect with IPv6", "", "9997", hints(inet6, 0), []string{"[::1]:9997"}, nil},
		{"connect", "", "9996", hints(0, 0), []string{"127.0.0.1:9996", "[::1]:9996"}, nil},
		{"bind with IPv4", "", "9999", hints(inet, evutil.AIPassive), []string{"0.0.0.0:9999"}, nil},
		{"bind with IPv6", "", "9996", hints(inet6, evutil.AIPassive), []string{"[::]:9996"}, nil},
		{"bind", "", "9996", hints(0, evutil.AIPassive), []string{"0.0.0.0:9996", "[::]:9996"}, nil},
	} {
		test.run(t)
	}
}

func TestGetaddrinfoInfersSocketTypeAndProtocol(t *testing.T) {
	type kind struct{ sockType, protocol int }
	for _, test := range []struct {
		name  string
		hints *evutil.AddrInfoHints
		want  []kind
	}{
		{"no hints", nil, []kind{{stream, tcp}, {datagram, udp}}},
		{"empty hints", &evutil.AddrInfoHints{}, []kind{{stream, tcp}, {datagram, udp}}},
		{"stream", &evutil.AddrInfoHints{SockType: stream}, []kind{{stream, tcp}}},
		{"datagram", &evutil.AddrInfoHints{SockType: datagram}, []kind{{datagram, udp}}},
		{"raw", &evutil.AddrInfoHints{SockType: syscall.SOCK_RAW}, []kind{{syscall.SOCK_RAW, 0}}},
		{"TCP", &evutil.AddrInfoHints{Protocol: tcp}, []kind{{stream, tcp}}},
		{"UDP", &evutil.AddrInfoHints{Protocol: udp}, []kind{{datagram, udp}}},
		{"SCTP", &evutil.AddrInfoHints{Protocol: evutil.ProtoSCTP}, []kind{{stream, evutil.ProtoSCTP}}},
		{"other protocol", &evutil.AddrInfoHints{Protocol: 99}, []kind{{0, 99}}},
		{"both", &evutil.AddrInfoHints{SockType: stream, Protocol: evutil.ProtoSCTP}, []kind{{stream, evutil.ProtoSCTP}}},
	} {
		infos, err := evutil.Getaddrinfo(t.Context(), "1.2.3.4", "80", test.hints)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []kind
		for _, info := range infos {
			got = append(got, kind{info.SockType, info.Protocol})
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestGetaddrinfoLeavesHintsAlone(t *testing.T) {
	hints := evutil.AddrInfoHints{SockType: stream, Flags: evutil.AIAddrConfig}
	before := hints
	if _, err := evutil.Getaddrinfo(t.Context(), "", "80", &hints); err != nil {
		t.Fatal(err)
	}
	if hints != before {
		t.Errorf("%+v became %+v", before, hints)
	}
}

func TestGetaddrinfoAsksTheResolver(t *testing.T) {
	dns := &fakeDNS{
		addrs: map[string][]string{
			"both.test.": {"192.0.2.1", "2001:db8::1"},
			"four.test.": {"192.0.2.4"},
			"six.test.":  {"2001:db8::6"},
		},
		broken: map[string]bool{"broken.test.": true},
	}
	resolver := dns.resolver(t)
	hints := func(family int, flags evutil.AIFlags) evutil.AddrInfoHints {
		return evutil.AddrInfoHints{Family: family, Flags: flags, SockType: stream, Resolver: resolver}
	}
	for _, test := range []gaiTest{
		{"IPv4 only", "four.test.", "80", hints(0, 0), []string{"192.0.2.4:80"}, nil},
		{"IPv6 only", "six.test.", "80", hints(0, 0), []string{"[2001:db8::6]:80"}, nil},
		{"IPv4 of both", "both.test.", "80", hints(inet, 0), []string{"192.0.2.1:80"}, nil},
		{"IPv6 of both", "both.test.", "80", hints(inet6, 0), []string{"[2001:db8::1]:80"}, nil},
		{"IPv4 mapped", "four.test.", "80", hints(inet6, evutil.AIV4Mapped), []string{"[::ffff:192.0.2.4]:80"}, nil},
		{"not mapped next to IPv6", "both.test.", "80", hints(inet6, evutil.AIV4Mapped), []string{"[2001:db8::1]:80"}, nil},

		{"missing family", "six.test.", "80", hints(inet, 0), nil, evutil.EAINoName},
		{"missing name", "missing.test.", "80", hints(0, 0), nil, evutil.EAINoName},
		{"broken server", "broken.test.", "80", hints(0, 0), nil, evutil.EAIAgain},
	} {
		test.run(t)
	}

	t.Run("all, IPv4 mapped", func(t *testing.T) {
		h := hints(inet6, evutil.AIV4Mapped|evutil.AIAll)
		infos, err := evutil.Getaddrinfo(t.Context(), "both.test.", "80", &h)
		if err != nil {
			t.Fatal(err)
		}
		var got []string // in the order that the resolver prefers
		for _, info := range infos {
			got = append(got, info.Addr.String())
		}
		slices.Sort(got)
		if want := []string{"[2001:db8::1]:80", "[::ffff:192.0.2.1]:80"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestGetaddrinfoCanonName(t *testing.T) {
	dns := &fakeDNS{
		addrs:   map[string][]string{"real.test.": {"192.0.2.1"}},
		aliases: map[string]string{"www.test.": "real.test."},
	}
	hints := &evutil.AddrInfoHints{Flags: evutil.AICanonName, Resolver: dns.resolver(t)}
	for node, want := range map[string]string{
		"www.test.":  "real.test",
		"real.test.": "real.test",
		"1.2.3.4":    "1.2.3.4",
		"::1":        "::1",
	} {
		infos, err := evutil.Getaddrinfo(t.Context(), node, "80", hints)
		if err != nil {
			t.Errorf("%s: %v", node, err)
			continue
		}
		if got := infos[0].CanonName; got != want {
			t.Errorf("%s: canonical name %q, want %q", node, got, want)
		}
		if got := infos[1].CanonName; got != "" {
			t.Errorf("%s: the second result has the name %q too", node, got)
		}
	}

	infos, err := evutil.Getaddrinfo(t.Context(), "www.test.", "80", &evutil.AddrInfoHints{Resolver: hints.Resolver})
	if err != nil {
		t.Fatal(err)
	}
	if infos[0].CanonName != "" {
		t.Errorf("not asked for, but there: %q", infos[0].CanonName)
	}
}

func TestGetaddrinfoCancelled(t *testing.T) {
	dns := &fakeDNS{
		silent: map[string]bool{"silent.test.": true},
		asked:  make(chan string, 64),
		hangUp: make(chan struct{}),
	}
	hints := &evutil.AddrInfoHints{Resolver: dns.resolver(t)}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := evutil.Getaddrinfo(ctx, "silent.test.", "80", hints)
		result <- err
	}()
	<-dns.asked
	cancel()
	err := <-result
	close(dns.hangUp)
	if !errors.Is(err, evutil.EAICancel) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v and %v", err, evutil.EAICancel, context.Canceled)
	}
}

func TestGetaddrinfoCancelledBeforeServiceLookup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := evutil.Getaddrinfo(ctx, "1.2.3.4", "http", nil); !errors.Is(err, evutil.EAICancel) {
		t.Errorf("got %v, want %v", err, evutil.EAICancel)
	}
	if _, err := evutil.Getaddrinfo(ctx, "1.2.3.4", "80", nil); err != nil {
		t.Errorf("numeric input needs no context: %v", err)
	}
}

func TestGetaddrinfoErrorTellsEverything(t *testing.T) {
	hints := &evutil.AddrInfoHints{Resolver: (&fakeDNS{}).resolver(t)}
	_, err := evutil.Getaddrinfo(t.Context(), "missing.test.", "http", hints)
	if want := `evutil: getaddrinfo node "missing.test." service "http": `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want it to begin with %q", err, want)
	}
	if reason, ok := errors.AsType[evutil.GAIError](err); !ok || reason != evutil.EAINoName {
		t.Errorf("the reason is %v", reason)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
		t.Errorf("the resolver's error is %v", dns)
	}
}
