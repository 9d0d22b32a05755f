package evdnsserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

const ttl = 5 * time.Minute

var (
	v4 = netip.MustParseAddr("192.0.2.1")
	v6 = netip.MustParseAddr("2001:db8::1")
)

func TestServerRequestsSayWhatIsAsked(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		m := query("wWw.eXample.com")
		m.CheckingDisabled = true
		m.SetEdns0(4000, true)
		got := s.ask(m, func(r *evdnsserver.Request) {
			dnstest.Equal(t, "questions", len(r.Questions), 1)
			dnstest.Equal(t, "question", r.Questions[0], m.Question[0])
			dnstest.Equal(t, "flags", r.Flags(), evdnsserver.FlagRD|evdnsserver.FlagCD)
			dnstest.Equal(t, "TCP", r.TCP(), s.net == "tcp")
			dnstest.Equal(t, "client", r.RemoteAddr().Addr(), s.addr.Addr())
			whole, err := r.Msg()
			ok(t, err)
			dnstest.Equal(t, "query", whole.String(), m.String())
			ok(t, r.Respond(0))
		})
		dnstest.Equal(t, "question", got.Question[0], m.Question[0])
		dnstest.Equal(t, "id", got.Id, m.Id)
		dnstest.Equal(t, "answer", got.Response, true)
		dnstest.Equal(t, "RD", got.RecursionDesired, true)
		dnstest.Equal(t, "CD", got.CheckingDisabled, true)
		dnstest.Equal(t, "AA", got.Authoritative, false)
		dnstest.Equal(t, "RA", got.RecursionAvailable, false)
	})
}

// Each way to add a record, and what the client gets.
func TestServerRecords(t *testing.T) {
	const answer, authority, additional = evdnsserver.AnswerSection, evdnsserver.AuthoritySection, evdnsserver.AdditionalSection
	for _, tt := range []struct {
		name    string
		add     func(r *evdnsserver.Request) error
		section evdnsserver.Section
		want    []string
	}{
		{"A", func(r *evdnsserver.Request) error { return r.AddA("www.example.com", ttl, v4) }, answer,
			[]string{"www.example.com. 300 IN A 192.0.2.1"}},
		{"several A", func(r *evdnsserver.Request) error {
			return r.AddA("www.example.com.", ttl, v4, netip.MustParseAddr("192.0.2.2"))
		}, answer, []string{"www.example.com. 300 IN A 192.0.2.1", "www.example.com. 300 IN A 192.0.2.2"}},
		{"AAAA", func(r *evdnsserver.Request) error { return r.AddAAAA("other.example", 0, v6) }, answer,
			[]string{"other.example. 0 IN AAAA 2001:db8::1"}},
		{"CNAME", func(r *evdnsserver.Request) error {
			return r.AddCNAME("www.example.com", "web.example.com", ttl)
		}, answer, []string{"www.example.com. 300 IN CNAME web.example.com."}},
		{"PTR of IPv4", func(r *evdnsserver.Request) error { return r.AddPTR(v4, "www.example.com", ttl) }, answer,
			[]string{"1.2.0.192.in-addr.arpa. 300 IN PTR www.example.com."}},
		{"PTR of IPv6", func(r *evdnsserver.Request) error { return r.AddPTR(v6, "www.example.com", ttl) }, answer,
			[]string{dns.Fqdn("1"+strings.Repeat(".0", 23)+".8.b.d.0.1.0.0.2.ip6.arpa") + " 300 IN PTR www.example.com."}},
		{"PTR by name", func(r *evdnsserver.Request) error {
			return r.AddPTRName("1.2.0.192.in-addr.arpa", "www.example.com", ttl)
		}, answer, []string{"1.2.0.192.in-addr.arpa. 300 IN PTR www.example.com."}},
		{"root", func(r *evdnsserver.Request) error { return r.AddA("", ttl, v4) }, answer,
			[]string{". 300 IN A 192.0.2.1"}},
		{"any record", func(r *evdnsserver.Request) error {
			return r.AddReply(answer, record(t, "example.com. 60 IN MX 10 mail.example.com."))
		}, answer, []string{"example.com. 60 IN MX 10 mail.example.com."}},
		{"raw data", func(r *evdnsserver.Request) error {
			return r.AddReply(answer, record(t, `example.com. 60 CH TYPE65280 \# 3 010203`))
		}, answer, []string{`example.com. 60 CH TYPE65280 \# 3 010203`}},
		{"authority", func(r *evdnsserver.Request) error {
			return r.AddReply(authority, record(t, "example.com. 60 IN NS ns.example.com."))
		}, authority, []string{"example.com. 60 IN NS ns.example.com."}},
		{"additional", func(r *evdnsserver.Request) error {
			return r.AddReply(additional, record(t, "ns.example.com. 60 IN A 192.0.2.53"))
		}, additional, []string{"ns.example.com. 60 IN A 192.0.2.53"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newUDPServer(t).ask(query("www.example.com"), func(r *evdnsserver.Request) {
				ok(t, tt.add(r))
				ok(t, r.Respond(0))
			})
			sections := [][]dns.RR{got.Answer, got.Ns, got.Extra}
			for section, rrs := range sections {
				want := tt.want
				if evdnsserver.Section(section) != tt.section {
					want = nil
				}
				dnstest.Equal(t, fmt.Sprintf("records of section %d", section), len(rrs), len(want))
				for i := range min(len(rrs), len(want)) {
					dnstest.Equal(t, "record", rrs[i].String(), record(t, want[i]).String())
				}
			}
		})
	}
}

// Records come in their sections, whatever the order in which they are added,
// and each section in the order of its own.
func TestServerRecordsKeepTheirOrder(t *testing.T) {
	got := newUDPServer(t).ask(query("example.com"), func(r *evdnsserver.Request) {
		for i := range 4 {
			ok(t, r.AddReply(evdnsserver.AdditionalSection, record(t, fmt.Sprintf("x%d. 1 A 192.0.2.1", i))))
			ok(t, r.AddReply(evdnsserver.AuthoritySection, record(t, fmt.Sprintf("n%d. 1 A 192.0.2.1", i))))
			ok(t, r.AddA(fmt.Sprintf("a%d", i), time.Second, v4))
		}
		ok(t, r.Respond(0))
	})
	var names string
	for _, rrs := range [][]dns.RR{got.Answer, got.Ns, got.Extra} {
		for _, rr := range rrs {
			names += rr.Header().Name
		}
	}
	dnstest.Equal(t, "names", names, "a0.a1.a2.a3.n0.n1.n2.n3.x0.x1.x2.x3.")
}

func TestServerNamesAreCompressed(t *testing.T) {
	s := newUDPServer(t)
	c := s.dial()
	c.send(pack(t, query("www.example.com")))
	r := s.receive(1)[0]
	ok(t, r.AddCNAME("www.example.com", "web.example.com", ttl))
	ok(t, r.AddA("web.example.com", ttl, v4))
	ok(t, r.Respond(0))
	// The header, the question, a pointer for each owner, a label and a pointer
	// for the alias.
	dnstest.Equal(t, "bytes", len(c.recv()), 12+17+4+2+10+6+2+10+4)
}

func TestServerFlags(t *testing.T) {
	const all = evdnsserver.FlagAA | evdnsserver.FlagRA | evdnsserver.FlagAD
	for _, flags := range []evdnsserver.Flags{0, evdnsserver.FlagAA, evdnsserver.FlagRA, evdnsserver.FlagAD, all, evdnsserver.FlagCD, evdnsserver.FlagRD} {
		m := query("example.com")
		m.RecursionDesired = false
		got := newUDPServer(t).ask(m, func(r *evdnsserver.Request) {
			ok(t, r.SetFlags(all)) // which another call takes back
			ok(t, r.SetFlags(flags))
			dnstest.Equal(t, "flags", r.Flags(), flags)
			is(t, "flags that are none", r.SetFlags(1<<15), evdnsserver.ErrFlags)
			is(t, "flags that are none", r.SetFlags(1), evdnsserver.ErrFlags)
			ok(t, r.Respond(dns.RcodeRefused))
		})
		dnstest.Equal(t, "AA", got.Authoritative, flags&evdnsserver.FlagAA != 0)
		dnstest.Equal(t, "RA", got.RecursionAvailable, flags&evdnsserver.FlagRA != 0)
		dnstest.Equal(t, "AD", got.AuthenticatedData, flags&evdnsserver.FlagAD != 0)
		dnstest.Equal(t, "RD", got.RecursionDesired, flags&evdnsserver.FlagRD != 0)
		dnstest.Equal(t, "CD", got.CheckingDisabled, flags&evdnsserver.FlagCD != 0)
		dnstest.Equal(t, "code", got.Rcode, dns.RcodeRefused)
	}
}

func TestServerResponseCodes(t *testing.T) {
	for code := range int(16) {
		got := newUDPServer(t).ask(query("example.com"), respond(t, code))
		dnstest.Equal(t, "code", got.Rcode, int(code))
	}
	m := query("example.com")
	m.SetEdns0(1232, false)
	got := newUDPServer(t).ask(m, respond(t, dns.RcodeBadCookie))
	dnstest.Equal(t, "code", got.Rcode, dns.RcodeBadCookie)
}

// What cannot be part of an answer is an error, and the request goes on.
func TestServerRefusesBadRecords(t *testing.T) {
	long := strings.Repeat("a", 64) + ".example"
	for name, add := range map[string]func(r *evdnsserver.Request) error{
		"IPv6 as A":      func(r *evdnsserver.Request) error { return r.AddA("a", ttl, v4, v6) },
		"IPv4 as AAAA":   func(r *evdnsserver.Request) error { return r.AddAAAA("a", ttl, v4) },
		"no address":     func(r *evdnsserver.Request) error { return r.AddA("a", ttl, netip.Addr{}) },
		"zone":           func(r *evdnsserver.Request) error { return r.AddAAAA("a", ttl, v6.WithZone("lo")) },
		"PTR of nothing": func(r *evdnsserver.Request) error { return r.AddPTR(netip.Addr{}, "a", ttl) },
		"long label":     func(r *evdnsserver.Request) error { return r.AddA(long, ttl, v4) },
		"empty label":    func(r *evdnsserver.Request) error { return r.AddA("a..b", ttl, v4) },
		"long name":      func(r *evdnsserver.Request) error { return r.AddA(strings.Repeat("a.", 128), ttl, v4) },
		"long target":    func(r *evdnsserver.Request) error { return r.AddCNAME("a", long, ttl) },
		"negative TTL":   func(r *evdnsserver.Request) error { return r.AddA("a", -time.Second, v4) },
		"endless TTL":    func(r *evdnsserver.Request) error { return r.AddCNAME("a", "b", 1<<31*time.Second) },
		"section":        func(r *evdnsserver.Request) error { return r.AddReply(3, record(t, "a. A 192.0.2.1")) },
		"no record":      func(r *evdnsserver.Request) error { return r.AddReply(0, nil) },
		"no name":        func(r *evdnsserver.Request) error { return r.AddReply(0, new(dns.A)) },
	} {
		got := newUDPServer(t).ask(query("example.com"), func(r *evdnsserver.Request) {
			is(t, name, add(r), evdnsserver.ErrRecord)
			ok(t, r.Respond(0))
		})
		dnstest.Equal(t, name+": records", len(got.Answer), 0)
	}
}

func TestServerRequestsEndOnce(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		for name, end := range map[string]func(*evdnsserver.Request) error{
			"Respond":    func(r *evdnsserver.Request) error { return r.Respond(0) },
			"RespondMsg": func(r *evdnsserver.Request) error { return r.RespondMsg(new(dns.Msg)) },
			"Drop":       (*evdnsserver.Request).Drop,
		} {
			s.dial().send(pack(t, query("example.com")))
			r := s.receive(1)[0]
			ok(t, end(r))
			is(t, "Respond after "+name, r.Respond(0), evdnsserver.ErrAnswered)
			is(t, "RespondMsg after "+name, r.RespondMsg(new(dns.Msg)), evdnsserver.ErrAnswered)
			is(t, "Drop after "+name, r.Drop(), evdnsserver.ErrAnswered)
			is(t, "AddA after "+name, r.AddA("a", ttl, v4), evdnsserver.ErrAnswered)
			is(t, "AddReply after "+name, r.AddReply(0, record(t, "a. A 192.0.2.1")), evdnsserver.ErrAnswered)
			is(t, "SetFlags after "+name, r.SetFlags(evdnsserver.FlagAA), evdnsserver.ErrAnswered)
			_, err := r.Msg()
			is(t, "Msg after "+name, err, evdnsserver.ErrAnswered)
		}
	})
}

// Requests may be answered later, in any order, and say until then what they are.
func TestServerAnswersInAnyOrder(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		const n = 100
		c := s.dial()
		for i := range n {
			c.send(pack(t, query(fmt.Sprintf("host-%d.example.com", i))))
		}
		requests := s.receive(n)
		for i := range n {
			r := requests[i*37%n]
			m, err := r.Msg()
			ok(t, err)
			name := fmt.Sprintf("host-%d.example.com.", i*37%n)
			dnstest.Equal(t, "name", m.Question[0].Name, name)
			ok(t, r.AddA(name, ttl, netip.AddrFrom4([4]byte{192, 0, 2, byte(i * 37 % n)})))
			ok(t, r.Respond(0))
		}
		for i := range n {
			m := c.recvMsg()
			dnstest.Equal(t, "name", m.Question[0].Name, fmt.Sprintf("host-%d.example.com.", i*37%n))
			dnstest.Equal(t, "address", m.Answer[0].(*dns.A).A.String(), fmt.Sprintf("192.0.2.%d", i*37%n))
		}
		stats := s.Stats()
		dnstest.Equal(t, "requests", stats.Requests, n)
		dnstest.Equal(t, "answers", stats.Answers, n)
	})
}

// A request may be answered from another callback, long after its own.
func TestServerAnswersFromOtherCallbacks(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		c := s.dial()
		c.send(pack(t, query("example.com")))
		r := s.receive(1)[0]
		timer := s.loop.NewTimer(func(*event.Event, event.What) { ok(t, r.Respond(dns.RcodeNameError)) })
		ok(t, timer.AddTimeout(time.Millisecond))
		dnstest.Equal(t, "code", c.recvMsg().Rcode, dns.RcodeNameError)
	})
}

func TestServerDroppedRequestsGetNoAnswer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		c := s.dial()
		c.send(pack(t, query("dropped.example")), pack(t, query("answered.example")))
		requests := s.receive(2)
		ok(t, requests[0].Drop())
		ok(t, requests[1].Respond(0))
		dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "answered.example.")
	})
}

// A UDP port that is closed takes no more requests, but those that it has can be
// answered; then its socket is closed.
func TestServerClosedWithOpenRequests(t *testing.T) {
	s := newUDPServer(t)
	c := s.dial()
	c.send(pack(t, query("one.example")), pack(t, query("two.example")))
	requests := s.receive(2)
	s.Close()
	s.Close()
	c.send(pack(t, query("too late.example")))
	ok(t, requests[1].Respond(0))
	dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "two.example.")
	dnstest.Equal(t, "requests", s.Stats().Requests, 2)
	ok(t, requests[0].Respond(0))
	dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "one.example.")

	fd, err := datagram.Listen(s.addr, 0)
	ok(t, err)
	ok(t, evutil.CloseSocket(fd))
	dispatch(t, s.loop) // which has nothing to wait for
}

func TestServerClosedInItsCallback(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		c := s.dial()
		s.onRequest = func(*evdnsserver.Request) { s.Close() }
		c.send(pack(t, query("one.example")), pack(t, query("two.example")))
		err := s.receive(1)[0].Respond(0)
		if s.net == "udp" {
			ok(t, err)
			c.recv()
		} else {
			is(t, "Respond", err, evdnsserver.ErrClientGone)
		}
		dispatch(t, s.loop) // which has nothing to wait for
		dnstest.Equal(t, "requests", len(s.requests), 0)
	})
}

// A port that closes itself with messages left does not touch its socket again:
// somebody else may have the descriptor by now.
func TestServerClosedWithMessagesLeft(t *testing.T) {
	s := newUDPServer(t)
	c := s.dial()
	var log bytes.Buffer
	logTo(t, slog.NewTextHandler(&log, nil))
	s.onRequest = func(r *evdnsserver.Request) {
		ok(t, r.Respond(0))
		s.Close()
	}
	const n = 100 // more than are received at a time
	for range n {
		c.send(pack(t, query("example.com")))
	}
	s.receive(1)
	dispatch(t, s.loop) // which has nothing to wait for
	dnstest.Equal(t, "log", log.String(), "")
}

// A loop that is freed does not keep a request from being answered or dropped.
func TestServerOutlivesItsLoop(t *testing.T) {
	evtest.Leaks(t)
	loop, err := event.NewBase()
	ok(t, err)
	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	addr, err := datagram.LocalAddr(fd)
	ok(t, err)
	var request *evdnsserver.Request
	p, err := evdnsserver.NewUDP(loop, fd, func(r *evdnsserver.Request) {
		request = r
		loop.LoopBreak()
	})
	ok(t, err)
	client, err := datagram.Dial(netip.AddrPort{}, addr, 0)
	ok(t, err)
	defer evutil.CloseSocket(client)
	b := datagram.NewBatch(1, 512)
	_, err = b.Send(client, []datagram.Message{{Data: pack(t, query("example.com"))}})
	ok(t, err)
	dispatch(t, loop)
	p.Close()
	loop.Free()
	ok(t, request.Respond(0))

	loop, err = event.NewBase()
	ok(t, err)
	defer loop.Free()
	ok(t, loop.Once(client, event.Read, patience, func(*event.Event, event.What) {}))
	dispatch(t, loop)
	messages, err := b.Recv(client)
	ok(t, err)
	dnstest.Equal(t, "messages", len(messages), 1)
	unpack(t, messages[0].Data)
}

// A server on a wildcard address answers from the address that was asked.
func TestServerOnAWildcardAddress(t *testing.T) {
	for _, at := range []string{"0.0.0.0:0", "[::]:0"} {
		t.Run(at, func(t *testing.T) {
			if fd, err := datagram.Listen(netip.MustParseAddrPort(at), 0); err != nil {
				t.Skip(err)
			} else {
				evutil.CloseSocket(fd)
			}
			s := newUDPServerAt(t, netip.MustParseAddrPort(at))
			to := map[string][]string{"0.0.0.0:0": wildcardTargets, "[::]:0": {"::1"}}[at]
			for _, host := range to {
				s.addr = netip.AddrPortFrom(netip.MustParseAddr(host), s.addr.Port())
				got := s.ask(query("example.com"), respond(t, 0)) // the client hears this address only
				dnstest.Equal(t, "code", got.Rcode, 0)
			}
		})
	}
}

func TestServerLimitsRequests(t *testing.T) {
	s := newUDPServer(t)
	ok(t, s.SetMaxRequests(2))
	c := s.dial()
	for i := range 4 {
		c.send(pack(t, query(fmt.Sprintf("host-%d.example", i))))
	}
	requests := s.receive(2)
	for s.Stats().Ignored < 2 {
		_, err := s.loop.Loop(event.LoopNonblock)
		ok(t, err)
	}
	dnstest.Equal(t, "more requests", len(s.requests), 0)
	ok(t, requests[0].Drop())
	c.send(pack(t, query("again.example")))
	dnstest.Equal(t, "request", s.receive(1)[0].Questions[0].Name, "again.example.")
}

func TestServerPortsThatCannotBeMade(t *testing.T) {
	loop := newLoop(t)
	callback := func(*evdnsserver.Request) {}
	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	defer evutil.CloseSocket(fd)
	for name, make := range map[string]func() (*evdnsserver.Server, error){
		"no base":     func() (*evdnsserver.Server, error) { return evdnsserver.NewUDP(nil, fd, callback) },
		"no callback": func() (*evdnsserver.Server, error) { return evdnsserver.NewUDP(loop, fd, nil) },
		"no listener": func() (*evdnsserver.Server, error) { return evdnsserver.NewTCP(loop, nil, callback) },
	} {
		_, err := make()
		is(t, name, err, event.ErrNil)
	}
	if _, err := evdnsserver.NewUDP(loop, -1, callback); err == nil {
		t.Error("a port without a socket")
	}
	l, err := listener.NewBind(loop, serverAddr, listener.CloseOnFree, listener.DefaultBacklog, nil)
	ok(t, err)
	l.Free()
	_, err = evdnsserver.NewTCP(loop, l, callback)
	is(t, "freed listener", err, listener.ErrFreed)
}

func TestServerOptionsAreChecked(t *testing.T) {
	udp, tcp := newUDPServer(t), newTCPServer(t)
	is(t, "clients of UDP", udp.SetMaxClients(1), errors.ErrUnsupported)
	is(t, "timeout of UDP", udp.SetIdleTimeout(time.Second), errors.ErrUnsupported)
	is(t, "requests of TCP", tcp.SetMaxRequests(1), errors.ErrUnsupported)
	is(t, "clients", tcp.SetMaxClients(-1), evdnsserver.ErrValue)
	is(t, "timeout", tcp.SetIdleTimeout(0), evdnsserver.ErrValue)
	is(t, "requests", udp.SetMaxRequests(0), evdnsserver.ErrValue)
	is(t, "size of TCP", tcp.SetMaxUDPSize(512), errors.ErrUnsupported)
	is(t, "size", udp.SetMaxUDPSize(511), evdnsserver.ErrValue)
	is(t, "size", udp.SetMaxUDPSize(65508), evdnsserver.ErrValue)
	ok(t, tcp.SetMaxClients(0))
}

// A zero config is that of libevent, as far as libevent has one; setters change a field
// each, and what is wrong changes nothing.
func TestServerConfig(t *testing.T) {
	udp, tcp := newUDPServer(t), newTCPServer(t)
	ofUDP := evdnsserver.Config{RequestTimeout: 30 * time.Second, MaxRequests: 1 << 16, MaxUDPSize: 1232}
	ofTCP := evdnsserver.Config{RequestTimeout: 30 * time.Second, MaxClients: 10, IdleTimeout: 10 * time.Second}
	dnstest.Equal(t, "config of UDP", udp.Config(), ofUDP)
	dnstest.Equal(t, "config of TCP", tcp.Config(), ofTCP)
	ok(t, udp.SetMaxRequests(7))
	ok(t, udp.SetMaxUDPSize(512))
	ok(t, udp.SetRequestTimeout(time.Second))
	dnstest.Equal(t, "config of UDP", udp.Config(), evdnsserver.Config{RequestTimeout: time.Second, MaxRequests: 7, MaxUDPSize: 512})
	ok(t, udp.SetConfig(evdnsserver.Config{}))
	dnstest.Equal(t, "config of UDP", udp.Config(), ofUDP)

	is(t, "clients of UDP", udp.SetConfig(evdnsserver.Config{MaxRequests: 1, MaxClients: 1}), errors.ErrUnsupported)
	is(t, "idle time of UDP", udp.SetConfig(evdnsserver.Config{IdleTimeout: time.Second}), errors.ErrUnsupported)
	is(t, "requests of TCP", tcp.SetConfig(evdnsserver.Config{MaxRequests: 1}), errors.ErrUnsupported)
	for _, c := range []evdnsserver.Config{{MaxRequests: -1}, {MaxUDPSize: 511}, {MaxUDPSize: 65508}, {RequestTimeout: -1}} {
		is(t, "value", udp.SetConfig(c), evdnsserver.ErrValue)
	}
	dnstest.Equal(t, "config of UDP", udp.Config(), ofUDP)
	dnstest.Equal(t, "config of TCP", tcp.Config(), ofTCP)
}
