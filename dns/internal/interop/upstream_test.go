//go:build unix

package interop

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// manyAddrs are so many that their records need 6.4 kB.
const manyAddrs = 400

// manyAddr is one of them.
func manyAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100 + byte(i>>8), byte(i)}) }

// all is the answer that has the first n of them.
func all(n int) string {
	var words []string
	for i := range n {
		words = append(words, manyAddr(i).String())
	}
	slices.Sort(words)
	return strings.Join(words, " ") + " for 5m0s"
}

// configure copies a configuration from testdata, with changes, for a program that
// may run as somebody else than the test, and returns the copy's name.
func configure(t testing.TB, name string, change func(string) string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	to := filepath.Join(dir, name)
	if err := os.WriteFile(to, []byte(change(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// startUnbound starts unbound with its zones, and one name with many addresses.
func startUnbound(t testing.TB) netip.AddrPort {
	t.Helper()
	path := program(t, "unbound")
	var many strings.Builder
	many.WriteString("\nserver:\n")
	for i := range manyAddrs {
		fmt.Fprintf(&many, "\tlocal-data: \"many.example.org. 300 IN A %v\"\n", manyAddr(i))
	}
	for i := range fewAddrs {
		fmt.Fprintf(&many, "\tlocal-data: \"few.example.org. 300 IN A %v\"\n", manyAddr(i))
	}
	return startOn(t, says("start of service"), func(port int) (string, []string) {
		file := configure(t, "unbound.conf", func(text string) string {
			return strings.ReplaceAll(text, "PORT", strconv.Itoa(port)) + many.String()
		})
		return path, []string{"-d", "-p", "-c", file}
	}).addr()
}

// startDnsmasq starts dnsmasq with its records, and one name with many addresses.
func startDnsmasq(t testing.TB) netip.AddrPort {
	t.Helper()
	path := program(t, "dnsmasq")
	var many strings.Builder
	for i := range manyAddrs {
		fmt.Fprintf(&many, "host-record=many.example.org,%v\n", manyAddr(i))
	}
	for i := range fewAddrs {
		fmt.Fprintf(&many, "host-record=few.example.org,%v\n", manyAddr(i))
	}
	self, err := user.Current() // and not one that dnsmasq prefers to root
	if err != nil {
		t.Fatal(err)
	}
	file := configure(t, "dnsmasq.conf", func(text string) string { return text + many.String() })
	return startOn(t, says("cleared cache"), func(port int) (string, []string) {
		return path, []string{"--conf-file=" + file, "--port=" + strconv.Itoa(port), "--user=" + self.Username, "--log-facility=-"}
	}).addr()
}

// An exchange is a question and what is to be answered.
type exchange struct{ question, want string }

// both are questions that both servers answer alike.
var both = []exchange{
	{"a:www.example.org", "192.0.2.10 192.0.2.11 for 5m0s"},
	{"aaaa:www.example.org", "2001:db8::10 for 5m0s"},
	{"a:WWW.Example.ORG", "192.0.2.10 192.0.2.11 for 5m0s"},
	{"a:four.example.org", "192.0.2.40 for 5m0s"},
	{"aaaa:four.example.org", "name has no such records"},
	{"a:six.example.org", "name has no such records"},
	{"a:none.example.org", "no such name"},
	{"aaaa:none.example.org", "no such name"},
	{"ptr:192.0.2.10", "www.example.org for 5m0s"},
	{"ptr:192.0.2.99", "no such name"},
	{"ptr:2001:db8::10", "www.example.org for 5m0s"},
	{"MX:example.org", "10 mail.example.org."},
	{"SRV:_ldap._tcp.example.org", "1 2 389 www.example.org."},
	{"TXT:text.example.org", `"one" "two"`},
	{"addrinfo:www.example.org", "192.0.2.10:80 192.0.2.11:80 [2001:db8::10]:80"},
	{"addrinfo:four.example.org", "192.0.2.40:80"},
	{"addrinfo:six.example.org", "[2001:db8::60]:80"},
	{"a:many.example.org", all(manyAddrs)},
}

// upstreams are the servers, by name, and what only they answer.
var upstreams = []struct {
	name  string
	start func(testing.TB) netip.AddrPort
	own   []exchange
}{
	{"unbound", startUnbound, []exchange{
		{"a:example.org", "name has no such records"},
	}},
	{"dnsmasq", startDnsmasq, []exchange{
		{"a:alias.example.org", "192.0.2.10 192.0.2.11 of www.example.org for 5m0s"},
		{"aaaa:alias.example.org", "2001:db8::10 of www.example.org for 5m0s"},
		{"addrinfo:alias.example.org", "192.0.2.10:80 192.0.2.11:80 [2001:db8::10]:80"},
	}},
}

// eachUpstream runs a test with both servers.
func eachUpstream(t *testing.T, test func(t *testing.T, addr netip.AddrPort, exchanges []exchange)) {
	for _, up := range upstreams {
		t.Run(up.name, func(t *testing.T) { test(t, up.start(t), slices.Concat(both, up.own)) })
	}
}

// TestUpstreamAnswers asks all questions, one after the other, over UDP and TCP.
func TestUpstreamAnswers(t *testing.T) {
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, exchanges []exchange) {
		for transport, flags := range map[string]evdns.QueryFlags{"UDP": evdns.NoSearch, "TCP": evdns.NoSearch | evdns.UseVC} {
			a := newAsker(t, addr)
			for _, x := range exchanges {
				t.Run(transport+"/"+x.question, func(t *testing.T) {
					if got := a.look(x.question, flags); got != x.want {
						t.Errorf("got  %s\nwant %s", got, x.want)
					}
				})
			}
		}
	})
}

// TestUpstreamAnswersAtOnce asks all questions many times before it waits for the
// first answer; equal ones are sent once.
func TestUpstreamAnswersAtOnce(t *testing.T) {
	const times = 50
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, exchanges []exchange) {
		for transport, flags := range map[string]evdns.QueryFlags{"UDP": evdns.NoSearch, "TCP": evdns.NoSearch | evdns.UseVC} {
			t.Run(transport, func(t *testing.T) {
				a := newAsker(t, addr)
				for range times {
					for _, x := range exchanges {
						a.begin(x.question, flags, func(got string) {
							if got != x.want {
								t.Errorf("%s: got  %s\nwant %s", x.question, got, x.want)
							}
						})
					}
				}
				a.await()
			})
		}
	})
}

// TestUpstreamAnswersManyNames asks for many names before it waits for the first
// answer. Over TCP dnsmasq ends a connection after 100 questions, whatever is under
// way.
func TestUpstreamAnswersManyNames(t *testing.T) {
	const names = 1500
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, _ []exchange) {
		for transport, flags := range map[string]evdns.QueryFlags{"UDP": evdns.NoSearch, "TCP": evdns.NoSearch | evdns.UseVC} {
			t.Run(transport, func(t *testing.T) {
				a := newAsker(t, addr)
				for i := range names {
					question := fmt.Sprintf("a:n%d.example.org", i)
					a.begin(question, flags, func(got string) {
						if want := evdns.ErrNotExist.Error(); got != want {
							t.Errorf("%s: got %s, want %s", question, got, want)
						}
					})
				}
				a.await()
			})
		}
	})
}

// TestUpstreamRefuses asks for what the server does not want to answer, after which
// it counts as failed.
func TestUpstreamRefuses(t *testing.T) {
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, _ []exchange) {
		if got, want := newAsker(t, addr).look("a:elsewhere.example.net", evdns.NoSearch), evdns.ErrRefused.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestUpstreamTruncates leaves it at the truncated answer.
func TestUpstreamTruncates(t *testing.T) {
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, _ []exchange) {
		if got, want := newAsker(t, addr).look("a:many.example.org", evdns.NoSearch|evdns.IgnoreTC), evdns.ErrTruncated.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestUpstreamEDNS gets more in a datagram if it says that it can take that.
func TestUpstreamEDNS(t *testing.T) {
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, _ []exchange) {
		for size, want := range map[string]string{"512": evdns.ErrTruncated.Error(), "1232": all(fewAddrs)} {
			a := newAsker(t, addr)
			if err := a.dns.SetOption("edns-udp-size", size); err != nil {
				t.Fatal(err)
			}
			if got := a.look("a:few.example.org", evdns.NoSearch|evdns.IgnoreTC); got != want {
				t.Errorf("with %s bytes: got  %s\nwant %s", size, got, want)
			}
		}
	})
}

// TestUpstreamSearchList finds names by the search list.
func TestUpstreamSearchList(t *testing.T) {
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, _ []exchange) {
		a := newAsker(t, addr)
		a.dns.AddSearch("none.example.org")
		a.dns.AddSearch("example.org")
		if got, want := a.look("a:four", 0), "192.0.2.40 for 5m0s"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		// As it is, the name is the last that is tried, and refused.
		if got, want := a.look("a:five", 0), evdns.ErrRefused.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestUpstreamFailover asks a server that drops the query first, and then one that
// is alive.
func TestUpstreamFailover(t *testing.T) {
	silent, alive := startUnbound(t), startDnsmasq(t)
	a := newAsker(t, silent)
	for option, value := range map[string]string{"timeout": "0.1", "max-timeouts": "1", "attempts": "2"} {
		if err := a.dns.SetOption(option, value); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := a.look("a:www.silent.test", evdns.NoSearch), evdns.ErrTimeout.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := a.dns.AddNameserver(alive); err != nil {
		t.Fatal(err)
	}
	if got, want := a.look("a:alias.example.org", evdns.NoSearch), "192.0.2.10 192.0.2.11 of www.example.org for 5m0s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestUpstreamNegativeAnswersAreRemembered asks for a name that is not there, and
// then asks the cache, without a nameserver.
func TestUpstreamNegativeAnswersAreRemembered(t *testing.T) {
	a := newAskerWith(t, startUnbound(t), 0) // unbound tells for how long
	for range 2 {
		for question, want := range map[string]string{
			"a:none.example.org": "no such name", "aaaa:four.example.org": "name has no such records",
			"a:four.example.org": "192.0.2.40",
		} {
			if got := a.look(question, evdns.NoSearch); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %s, want %s", question, got, want)
			}
		}
		a.dns.ClearNameserversAndSuspend()
	}
}

// TestUpstreamMessage gives the whole message to who asks for it.
func TestUpstreamMessage(t *testing.T) {
	eachUpstream(t, func(t *testing.T, addr netip.AddrPort, _ []exchange) {
		a := newAsker(t, addr)
		a.begun(a.dns.Query("example.org", dns.TypeMX, evdns.NoSearch, func(m *dns.Msg, err error) {
			a.ended()
			if err != nil {
				t.Error(err)
				return
			}
			if !m.Response || m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || len(m.Question) != 1 {
				t.Errorf("message %v, want a response with one answer", m)
			}
			if ttl := time.Duration(m.Answer[0].Header().Ttl) * time.Second; ttl != 5*time.Minute {
				t.Errorf("TTL %v, want 5m", ttl)
			}
		}))
		a.await()
	})
}

// how asks a question in some way.
func (a *asker) how(name string, qtype uint16, cfg evdns.QueryConfig) (msg *dns.Msg) {
	a.t.Helper()
	a.begun(a.dns.QueryWith(name, qtype, cfg, func(m *dns.Msg, err error) {
		if err != nil {
			a.t.Errorf("%s: %v", name, err)
		}
		msg = m
		a.ended()
	}))
	a.await()
	return msg
}

// A query in another class, to a nameserver that the resolver does not have.
func TestUpstreamSaysItsVersion(t *testing.T) {
	for name, start := range map[string]func(testing.TB) netip.AddrPort{"unbound": startUnbound, "dnsmasq": startDnsmasq} {
		t.Run(name, func(t *testing.T) {
			a := newAsker(t, netip.AddrPort{})
			m := a.how("version.bind", dns.TypeTXT, evdns.QueryConfig{Class: dns.ClassCHAOS, Nameserver: start(t)})
			if m == nil || len(m.Answer) != 1 || !strings.Contains(m.Answer[0].String(), name) {
				t.Errorf("answer %v", m)
			}
		})
	}
}

func TestUpstreamSaysWhoItIs(t *testing.T) {
	a := newAsker(t, startUnbound(t))
	m := a.how("www.example.org", dns.TypeA, evdns.QueryConfig{
		DNSSEC:           true,
		CheckingDisabled: true,
		Options:          []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}},
	})
	if m == nil || len(m.Answer) != 2 || !m.CheckingDisabled {
		t.Fatalf("answer %v", m)
	}
	opt := m.IsEdns0()
	if opt == nil || !opt.Do() || len(opt.Option) != 1 || opt.Option[0].Option() != dns.EDNS0NSID {
		t.Errorf("record of EDNS %v", opt)
	}
}

// says waits for a process to write a text, and returns whether it did before its
// end.
func says(want string) func(p *process) bool {
	return func(p *process) bool { return p.says(want) }
}

func (p *process) says(want string) bool {
	p.t.Helper()
	late := time.After(interopPatience)
	for {
		p.mu.Lock()
		found, over, grown := bytes.Contains(p.text, []byte(want)), p.over, p.grown
		p.mu.Unlock()
		if found || over {
			return found
		}
		select {
		case <-grown:
		case <-late:
			p.t.Fatalf("waited for %q for %v; there is\n%s", want, interopPatience, p.tail())
		}
	}
}
