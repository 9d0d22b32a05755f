package evdns_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

var stream = evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM}

// hints returns those for streams of a family.
func hints(family int, flags evutil.AIFlags) *evutil.AddrInfoHints {
	return &evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM, Family: family, Flags: flags}
}

// An infos is what a call of GetAddrInfo has given.
type infos struct {
	list   []string // "address:port"
	canon  string
	err    error
	calls  int
	cancel func()
}

func (r *infos) done(list []evutil.AddrInfo, err error) {
	r.calls++
	r.err = err
	for _, info := range list {
		r.list = append(r.list, info.Addr.String())
	}
	if len(list) > 0 {
		r.canon = list[0].CanonName
	}
}

// getaddrinfo begins a lookup.
func getaddrinfo(b *evdns.Base, node, service string, h *evutil.AddrInfoHints) *infos {
	r := new(infos)
	r.cancel = b.GetAddrInfo(node, service, h, r.done)
	return r
}

// want checks that the lookup has ended with these results.
func (r *infos) want(t testing.TB, list ...string) {
	t.Helper()
	if r.calls != 1 || r.err != nil || !slices.Equal(r.list, list) {
		t.Errorf("%d calls, the last with %q, %v; want %q", r.calls, r.list, r.err, list)
	}
}

// fails checks that the lookup has ended with all these errors.
func (r *infos) fails(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if r.calls != 1 || !errors.Is(r.err, err) || r.list != nil {
			t.Errorf("%d calls, the last with %q, %v; want %v", r.calls, r.list, r.err, err)
		}
	}
}

// newAnswerer returns a resolver as newResolver does, whose results are in the
// same order on all machines.
func newAnswerer(t testing.TB, loop *event.Base, flags evdns.BaseFlags, servers ...*upstream) *evdns.Base {
	t.Helper()
	b := newResolverWith(t, loop, flags|evdns.DisableWhenInactive, servers...)
	set(t, b, "address-order", "as-answered")
	return b
}

// zone answers from records; names without any do not exist. Aliases are
// followed.
func zone(t testing.TB, records ...string) func(*question) {
	var all []dns.RR
	for _, text := range records {
		all = append(all, record(t, text))
	}
	return func(q *question) {
		name, exists := dns.Fqdn(q.name()), false
		var answers []dns.RR
		for _, rr := range all {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			exists = true
			if rr.Header().Rrtype == q.qtype() {
				answers = append(answers, rr)
			}
			if alias, ok := rr.(*dns.CNAME); ok {
				answers = append(answers, rr)
				name = alias.Target
			}
		}
		rcode := dns.RcodeSuccess
		if !exists {
			rcode = dns.RcodeNameError
		}
		m := q.reply(rcode, answers...)
		m.Ns = []dns.RR{record(t, "example. 300 IN SOA ns.example. root.example. 1 1 1 1 300")}
		q.send(m)
	}
}

func TestGetAddrInfoAnswersAtOnceWhatIsKnown(t *testing.T) {
	loop := newLoop(t)
	b := newAnswerer(t, loop, 0) // no nameservers
	hosts := filepath.Join(evdns.TempDir(t), "hosts")
	ok(t, os.WriteFile(hosts, []byte("192.0.2.1 four.example www\n192.0.2.2 both.example\n2001:db8::2 both.example\n"), 0o600))
	ok(t, b.LoadHosts(hosts))
	const inet, inet6 = syscall.AF_INET, syscall.AF_INET6
	for _, test := range []struct {
		name, node, service string
		hints               *evutil.AddrInfoHints
		want                []string
		canon               string
		err                 error
	}{
		{"IPv4", "192.0.2.9", "80", &stream, []string{"192.0.2.9:80"}, "", nil},
		{"IPv6", "2001:db8::9", "80", &stream, []string{"[2001:db8::9]:80"}, "", nil},
		{"a scope", "fe80::1%7", "80", &stream, []string{"[fe80::1%7]:80"}, "", nil},
		{"all socket types", "192.0.2.9", "80", nil, []string{"192.0.2.9:80", "192.0.2.9:80"}, "", nil},
		{"a name of a service", "192.0.2.9", "https", &stream, []string{"192.0.2.9:443"}, "", nil},
		{"no node", "", "80", &stream, []string{"127.0.0.1:80", "[::1]:80"}, "", nil},
		{"no node, passive", "", "80", hints(inet, evutil.AIPassive), []string{"0.0.0.0:80"}, "", nil},
		{"mapped", "192.0.2.9", "80", hints(inet6, evutil.AIV4Mapped), []string{"[::ffff:192.0.2.9]:80"}, "", nil},
		{"canonical name of a number", "192.0.2.9", "80", hints(0, evutil.AICanonName), []string{"192.0.2.9:80"}, "192.0.2.9", nil},
		{"host", "four.example", "80", &stream, []string{"192.0.2.1:80"}, "", nil},
		{"host in capitals with a dot", "FOUR.example.", "80", &stream, []string{"192.0.2.1:80"}, "", nil},
		{"canonical name of a host", "www", "80", hints(0, evutil.AICanonName), []string{"192.0.2.1:80"}, "four.example", nil},
		{"host of both families", "both.example", "80", &stream, []string{"192.0.2.2:80", "[2001:db8::2]:80"}, "", nil},
		{"host of one family", "both.example", "80", hints(inet6, 0), []string{"[2001:db8::2]:80"}, "", nil},
		{"host mapped", "four.example", "80", hints(inet6, evutil.AIV4Mapped), []string{"[::ffff:192.0.2.1]:80"}, "", nil},
		{"host all mapped", "both.example", "80", hints(inet6, evutil.AIV4Mapped|evutil.AIAll), []string{"[::ffff:192.0.2.2]:80", "[2001:db8::2]:80"}, "", nil},

		{"host of the other family", "four.example", "80", hints(inet6, 0), nil, "", evutil.EAIAddrFamily},
		{"number of the other family", "192.0.2.9", "80", hints(inet6, 0), nil, "", evutil.EAIAddrFamily},
		{"nothing", "", "", &stream, nil, "", evutil.EAINoName},
		{"no such service", "192.0.2.9", "no-such-service", &stream, nil, "", evutil.EAIService},
		{"name where there must be a number", "four.example", "80", hints(0, evutil.AINumericHost), nil, "", evutil.EAINoName},
		{"service where there must be a number", "192.0.2.9", "http", hints(0, evutil.AINumericServ), nil, "", evutil.EAINoName},
		{"a number gone wrong", "1::2::3", "80", &stream, nil, "", evutil.EAINoName},
		{"unknown flags", "192.0.2.9", "80", hints(0, 1), nil, "", evutil.EAIBadFlags},
		{"no name of a host", "a..b", "80", &stream, nil, "", evutil.EAINoName},
		{"no name of a host for the reason that", "a b", "80", &stream, nil, "", evdns.ErrName},
	} {
		r := getaddrinfo(b, test.node, test.service, test.hints)
		r.cancel() // too late
		if test.err != nil {
			r.fails(t, test.err)
		} else {
			r.want(t, test.want...)
		}
		if r.canon != test.canon {
			t.Errorf("%s: canonical name %q", test.name, r.canon)
		}
		if t.Failed() {
			t.Fatal(test.name)
		}
	}
	dispatch(t, loop)
}

func TestGetAddrInfoAsksForWhatTheHintsWant(t *testing.T) {
	const inet, inet6 = syscall.AF_INET, syscall.AF_INET6
	for _, test := range []struct {
		name  string
		hints *evutil.AddrInfoHints
		want  []string
		asked int
	}{
		{"both", &stream, []string{"192.0.2.1:80", "[2001:db8::1]:80"}, 2},
		{"IPv4", hints(inet, 0), []string{"192.0.2.1:80"}, 1},
		{"IPv6", hints(inet6, 0), []string{"[2001:db8::1]:80"}, 1},
		{"IPv6 or mapped", hints(inet6, evutil.AIV4Mapped), []string{"[2001:db8::1]:80"}, 2},
		{"IPv6 and mapped", hints(inet6, evutil.AIV4Mapped|evutil.AIAll), []string{"[::ffff:192.0.2.1]:80", "[2001:db8::1]:80"}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newAnswerer(t, loop, 0, u)
			r := getaddrinfo(b, "www.example.com", "http", test.hints)
			if r.calls != 0 {
				t.Error("was answered before anybody was asked")
			}
			dispatch(t, loop)
			r.want(t, test.want...)
			if got := len(u.questions()); got != test.asked {
				t.Errorf("%d questions, want %d", got, test.asked)
			}
		})
	}
}

// With AIAddrConfig, nobody is asked for addresses of a family that this host has
// none of.
func TestGetAddrInfoAsksForTheFamiliesOfThisHost(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, 0, u)
	v4, v6 := hostFamilies(t)
	want := []string{"192.0.2.1:80", "[2001:db8::1]:80"}
	if v4 && !v6 {
		want = want[:1]
	} else if v6 && !v4 {
		want = want[1:]
	}
	r := getaddrinfo(b, "www.example.com", "80", hints(syscall.AF_UNSPEC, evutil.AIAddrConfig))
	dispatch(t, loop)
	r.want(t, want...)
	if got := len(u.questions()); got != len(want) {
		t.Errorf("%d questions, want %d", got, len(want))
	}
}

// hostFamilies returns of which families this host has addresses that lead to the
// outside, which private ones of IPv4 do, too.
func hostFamilies(t *testing.T) (v4, v6 bool) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	ok(t, err)
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			v4 = v4 || prefix.Addr().Is4()
			v6 = v6 || prefix.Addr().Is6() && !prefix.Addr().IsPrivate()
		}
	}
	return v4, v6
}

func TestGetAddrInfoTakesTheFamilyThatThereIs(t *testing.T) {
	for _, test := range []struct {
		name    string
		records []string
		want    []string
	}{
		{"IPv4", []string{"www.example. A 192.0.2.1", "www.example. A 192.0.2.2"}, []string{"192.0.2.1:80", "192.0.2.2:80"}},
		{"IPv6", []string{"www.example. AAAA 2001:db8::1"}, []string{"[2001:db8::1]:80"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(zone(t, test.records...))
			r := getaddrinfo(newAnswerer(t, loop, 0, u), "www.example", "80", &stream)
			dispatch(t, loop)
			r.want(t, test.want...)
		})
	}
}

func TestGetAddrInfoFollowsAliases(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	u.does(zone(t, "www.example. 300 CNAME Canon.example.", "canon.example. 300 A 192.0.2.1", "plain.example. 300 A 192.0.2.2"))
	b := newAnswerer(t, loop, 0, u)
	for _, from := range []string{"nameserver", "cache"} {
		alias := getaddrinfo(b, "www.example", "80", hints(0, evutil.AICanonName))
		plain := getaddrinfo(b, "plain.example.", "80", hints(0, evutil.AICanonName))
		dispatch(t, loop)
		alias.want(t, "192.0.2.1:80")
		plain.want(t, "192.0.2.2:80")
		if !strings.EqualFold(alias.canon, "canon.example") || plain.canon != "plain.example" {
			t.Errorf("from the %s: canonical names %q and %q", from, alias.canon, plain.canon)
		}
	}
}

func TestGetAddrInfoSaysWhatWentWrong(t *testing.T) {
	nodata := func(q *question) { q.send(q.reply(0)) }
	// families has another script for each.
	families := func(v4, v6 func(*question)) func(*question) {
		return func(q *question) {
			if q.qtype() == dns.TypeA {
				v4(q)
			} else {
				v6(q)
			}
		}
	}
	for _, test := range []struct {
		name   string
		script func(*question)
		want   []error
	}{
		{"no such name", complains(dns.RcodeNameError), []error{evutil.EAINoName, evdns.ErrNotExist}},
		{"no data", nodata, []error{evutil.EAINoData, evdns.ErrNoData}},
		{"no answer", silent, []error{evutil.EAIAgain, evdns.ErrTimeout}},
		{"server failed", complains(dns.RcodeServerFailure), []error{evutil.EAIAgain}},
		{"format", complains(dns.RcodeFormatError), []error{evutil.EAIFail, evdns.ErrFormat}},
		{"no data, no answer", families(nodata, silent), []error{evutil.EAIAgain, evdns.ErrTimeout}},
		{"no answer, no data", families(silent, nodata), []error{evutil.EAIAgain, evdns.ErrTimeout}},
		{"no such name, no data", families(complains(dns.RcodeNameError), nodata), []error{evutil.EAINoData}},
		{"no such name, format", families(complains(dns.RcodeNameError), complains(dns.RcodeFormatError)), []error{evutil.EAIFail}},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(test.script)
			b := newAnswerer(t, loop, 0, u)
			set(t, b, "timeout", "20", "attempts", "1")
			if strings.Contains(test.name, "no answer") {
				set(t, b, "timeout", "0.02")
			}
			r := getaddrinfo(b, "www.example", "80", &stream)
			dispatch(t, loop)
			r.fails(t, test.want...)
			if r.err != nil && !strings.Contains(r.err.Error(), "www.example") {
				t.Errorf("%v does not name the node", r.err)
			}
		})
	}
}

func TestAddressesWaitForTheOtherFamilyOnlySoLong(t *testing.T) {
	for _, slow := range []uint16{dns.TypeA, dns.TypeAAAA} {
		t.Run(dns.TypeToString[slow], func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(func(q *question) {
				if q.qtype() != slow {
					q.good()
				}
			})
			b := newAnswerer(t, loop, 0, u)
			set(t, b, "getaddrinfo-allow-skew", "0.01", "timeout", "1000")
			r := getaddrinfo(b, "www.example", "80", &stream)
			dispatch(t, loop) // would take 1000 seconds
			if slow == dns.TypeA {
				r.want(t, "[2001:db8::1]:80")
			} else {
				r.want(t, "192.0.2.1:80")
			}
		})
	}
}

func TestAnErrorOfOneFamilyDoesNotHurryTheOther(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	tries := 0
	u.does(func(q *question) {
		switch {
		case q.qtype() == dns.TypeAAAA:
			q.send(q.reply(0)) // no data
		case tries > 0:
			q.good()
		default:
			tries++ // lost
		}
	})
	b := newAnswerer(t, loop, 0, u)
	set(t, b, "getaddrinfo-allow-skew", "0.001", "timeout", "0.1", "attempts", "200")
	r := getaddrinfo(b, "www.example", "80", &stream)
	dispatch(t, loop)
	r.want(t, "192.0.2.1:80")
}

func TestGetAddrInfoSearchesDomainsForBothFamiliesTogether(t *testing.T) {
	for _, test := range []struct {
		name    string
		records []string
		node    string
		asked   []string // without repetitions
		want    []string
		canon   string
	}{
		{"the first", []string{"host.a.example. AAAA 2001:db8::1", "host.b.example. A 192.0.2.1"}, "host",
			[]string{"host.a.example"}, []string{"[2001:db8::1]:80"}, "host.a.example"},
		{"the second", []string{"host.b.example. A 192.0.2.1"}, "host",
			[]string{"host.a.example", "host.b.example"}, []string{"192.0.2.1:80"}, "host.b.example"},
		{"a name without addresses is passed", []string{"host.a.example. TXT x", "host.b.example. A 192.0.2.1"}, "host",
			[]string{"host.a.example", "host.b.example"}, []string{"192.0.2.1:80"}, "host.b.example"},
		{"as it is, last", []string{"host. A 192.0.2.1"}, "host",
			[]string{"host.a.example", "host.b.example", "host"}, []string{"192.0.2.1:80"}, "host"},
		{"as it is, first", []string{"host.sub. A 192.0.2.1"}, "host.sub",
			[]string{"host.sub"}, []string{"192.0.2.1:80"}, "host.sub"},
		{"a dot at the end", []string{"host. A 192.0.2.1"}, "host.",
			[]string{"host"}, []string{"192.0.2.1:80"}, "host"},
		{"none", nil, "host", []string{"host.a.example", "host.b.example", "host"}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(zone(t, test.records...))
			b := newAnswerer(t, loop, 0, u)
			ok(t, b.AddSearch("b.example"))
			ok(t, b.AddSearch("a.example"))
			for _, from := range []string{"nameserver", "cache"} {
				r := getaddrinfo(b, test.node, "80", hints(0, evutil.AICanonName))
				if from == "cache" && r.calls == 0 {
					t.Error("the cache does not answer at once")
				}
				dispatch(t, loop)
				if test.want == nil {
					r.fails(t, evutil.EAINoName, evdns.ErrNotExist)
				} else {
					r.want(t, test.want...)
				}
				if r.canon != test.canon {
					t.Errorf("from the %s: canonical name %q", from, r.canon)
				}
			}
			if got := slices.Compact(u.questions()); !slices.Equal(got, test.asked) {
				t.Errorf("asked for %q, want %q", got, test.asked)
			}
		})
	}
}

func TestASearchEndsWhenNameserversFail(t *testing.T) {
	for _, test := range []struct {
		name   string
		script func(*question)
		err    error // or nil: it goes on
	}{
		{"no data", complains(dns.RcodeSuccess), nil},
		{"cannot read", complains(dns.RcodeFormatError), nil},
		{"refused", complains(dns.RcodeRefused), nil},
		{"failure", complains(dns.RcodeServerFailure), evdns.ErrServerFailed},
		{"silence", silent, evdns.ErrTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(func(q *question) {
				if q.name() == "host.a.example" {
					test.script(q)
				} else {
					q.good()
				}
			})
			b := newAnswerer(t, loop, 0, u)
			ok(t, b.AddSearch("a.example"))
			set(t, b, "timeout", "20")
			if test.err == evdns.ErrTimeout {
				set(t, b, "timeout", "0.02")
			}
			r := getaddrinfo(b, "host", "80", &stream)
			dispatch(t, loop)
			if test.err == nil {
				r.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
				return
			}
			r.fails(t, evutil.EAIAgain, test.err)
			if slices.Contains(u.questions(), "host") {
				t.Error("asked for a name though the one before may exist")
			}
		})
	}
}

func TestGetAddrInfoAsksOnlyForTheFamilyThatIsNotInTheCache(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, 0, u)
	first := getaddrinfo(b, "www.example", "80", hints(syscall.AF_INET, 0))
	dispatch(t, loop)
	first.want(t, "192.0.2.1:80")
	second := getaddrinfo(b, "WWW.example.", "80", &stream)
	dispatch(t, loop)
	second.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
	third := getaddrinfo(b, "www.example", "81", &stream)
	third.want(t, "192.0.2.1:81", "[2001:db8::1]:81")
	if got := len(u.questions()); got != 2 {
		t.Errorf("%d questions, want 2", got)
	}
}

func TestWithoutACacheEveryLookupAsks(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, evdns.NoCache, u)
	b.CacheWrite("www.example", []evutil.AddrInfo{{Addr: addrPort("192.0.2.99")}}, time.Hour)
	for range 2 {
		r := getaddrinfo(b, "www.example", "80", hints(syscall.AF_INET, 0))
		dispatch(t, loop)
		r.want(t, "192.0.2.1:80")
	}
	if got := len(u.questions()); got != 2 {
		t.Errorf("%d questions, want 2", got)
	}
}

func TestALookupThatIsCancelledSaysNothing(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	received := make(chan bool, 10)
	u.does(func(q *question) {
		if q.qtype() == dns.TypeA {
			q.good()
		}
		received <- true
	})
	for name, when := range map[string]func(b *evdns.Base, r *infos){
		"at once":    func(b *evdns.Base, r *infos) { r.cancel() },
		"twice":      func(b *evdns.Base, r *infos) { r.cancel(); r.cancel() },
		"when asked": func(b *evdns.Base, r *infos) { run(t, loop, func() bool { return len(received) >= 2 }); r.cancel() },
		"when one family is known": func(b *evdns.Base, r *infos) {
			run(t, loop, func() bool {
				_, err := b.CacheLookup("www.example", hints(syscall.AF_INET, 0), 80)
				return err == nil
			})
			r.cancel()
		},
		"after Free": func(b *evdns.Base, r *infos) { b.Free(false); r.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			for len(received) > 0 {
				<-received
			}
			b := newAnswerer(t, loop, 0, u)
			r := getaddrinfo(b, "www.example", "80", &stream)
			when(b, r)
			dispatch(t, loop)
			r.cancel()
			if r.calls != 0 {
				t.Errorf("%d calls, the last with %q, %v", r.calls, r.list, r.err)
			}
		})
	}
}

// run runs the loop until it is so.
func run(t testing.TB, loop *event.Base, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("the loop has run in vain")
		}
		_, err := loop.Loop(event.LoopOnce | event.LoopNonblock)
		ok(t, err)
	}
}

func TestALookupMayBeCancelledWhileItAnswers(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, evdns.NoCache, u)
	calls := 0
	var cancel func()
	cancel = b.GetAddrInfo("www.example", "80", &stream, func([]evutil.AddrInfo, error) {
		calls++
		cancel()
	})
	dispatch(t, loop)
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestALookupMayStartOthersAndFreeTheResolver(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, evdns.NoCache, u)
	var second, third infos
	b.GetAddrInfo("www.example", "80", &stream, func([]evutil.AddrInfo, error) {
		b.GetAddrInfo("www.example", "81", &stream, second.done)
		b.Free(true)
		b.GetAddrInfo("www.example", "82", &stream, third.done)
	})
	dispatch(t, loop)
	second.fails(t, evutil.EAIFail, evdns.ErrShutdown)
	third.fails(t, evutil.EAIFail, evdns.ErrFreed)
}

func TestFreeEndsLookups(t *testing.T) {
	for _, tell := range []bool{true, false} {
		loop, u := newLoop(t), newUpstream(t)
		u.does(func(q *question) {
			if q.qtype() == dns.TypeA {
				q.good()
			}
		})
		b := newAnswerer(t, loop, 0, u)
		set(t, b, "getaddrinfo-allow-skew", "1000", "timeout", "1000")
		waiting := getaddrinfo(b, "www.example", "80", &stream)
		run(t, loop, func() bool {
			_, err := b.CacheLookup("www.example", hints(syscall.AF_INET, 0), 80)
			return err == nil
		})
		asked := getaddrinfo(b, "other.example", "80", hints(syscall.AF_INET6, 0))
		b.Free(tell)
		dispatch(t, loop) // would take 1000 seconds
		if !tell {
			if waiting.calls != 0 || asked.calls != 0 {
				t.Errorf("calls: %d, %d", waiting.calls, asked.calls)
			}
			continue
		}
		waiting.want(t, "192.0.2.1:80") // what was known
		asked.fails(t, evutil.EAIFail, evdns.ErrShutdown)
	}
}

func TestGetAddrInfoSortsAddresses(t *testing.T) {
	src, err := evutil.SourceAddr(addrPort("2001:db8::1").Addr())
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	u.does(zone(t, "x.example. A 127.0.0.1", "x.example. AAAA 2001:db8::1"))
	r := getaddrinfo(b, "x.example", "80", &stream)
	dispatch(t, loop)
	if err != nil {
		r.want(t, "127.0.0.1:80", "[2001:db8::1]:80") // what can be reached comes first
		return
	}
	t.Logf("2001:db8::1 is reached from %v", src)
	if r.calls != 1 || len(r.list) != 2 {
		t.Errorf("got %q, %v", r.list, r.err)
	}
}

func TestManyLookupsAtATime(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, evdns.NoCache, u)
	const n = 500
	all := make([]*infos, n)
	for i := range all {
		all[i] = getaddrinfo(b, fmt.Sprintf("host%d.example", i), "80", &stream)
		if i%5 == 0 {
			all[i].cancel()
		}
	}
	dispatch(t, loop)
	for i, r := range all {
		if i%5 == 0 {
			if r.calls != 0 {
				t.Errorf("%d: cancelled, and called", i)
			}
			continue
		}
		r.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
	}
}
