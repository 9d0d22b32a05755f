package evdnsserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// texts adds n records of 100 bytes of data each to a section.
func texts(t testing.TB, r *evdnsserver.Request, section evdnsserver.Section, n int) {
	t.Helper()
	for i := range n {
		text := fmt.Sprintf("%03d", i) + strings.Repeat("x", 96)
		ok(t, r.AddReply(section, record(t, fmt.Sprintf("example.com. 60 TXT %q", text))))
	}
}

// textSize is how long one of them is in a message, with its name compressed.
const textSize = 2 + 10 + 100

// Answers by UDP are as long as the client can take, which it says with EDNS,
// and whole records.
func TestServerTruncation(t *testing.T) {
	const question = 12 + 13 + 4
	for _, tt := range []struct {
		edns int // the size that the client takes, or 0
		most int // what the server was told, or 0
		sent int // how many records the server has
		want int // how many come
	}{
		{0, 0, 4, 4},
		{0, 0, 5, (512 - question) / textSize},
		{0, 0, 600, (512 - question) / textSize},
		{0, 65507, 600, (512 - question) / textSize},
		{1, 0, 10, (512 - question - 11) / textSize}, // less than 512 means 512
		{512, 0, 10, (512 - question - 11) / textSize},
		{1232, 0, 20, (1232 - question - 11) / textSize},
		{4096, 0, 20, (1232 - question - 11) / textSize},
		{4096, 512, 20, (512 - question - 11) / textSize},
		{4096, 4096, 20, 20},
		{4096, 65507, 600, (4096 - question - 11) / textSize},
		{65535, 65507, 600, (65507 - question - 11) / textSize}, // what fits into a datagram
	} {
		for _, section := range []evdnsserver.Section{evdnsserver.AnswerSection, evdnsserver.AuthoritySection, evdnsserver.AdditionalSection} {
			t.Run(fmt.Sprintf("%d records for %d of %d bytes in section %d", tt.sent, tt.edns, tt.most, section), func(t *testing.T) {
				m := query("example.com")
				if tt.edns > 0 {
					m.SetEdns0(uint16(tt.edns), false)
				}
				s := newUDPServer(t)
				if tt.most > 0 {
					ok(t, s.SetMaxUDPSize(tt.most))
				}
				got := s.ask(m, func(r *evdnsserver.Request) {
					texts(t, r, section, tt.sent)
					ok(t, r.Respond(0))
				})
				cut := tt.want < tt.sent
				dnstest.Equal(t, "truncated", got.Truncated, cut && section != evdnsserver.AdditionalSection)
				extra := len(got.Extra)
				dnstest.Equal(t, "OPT", got.IsEdns0() != nil, tt.edns > 0)
				if tt.edns > 0 {
					extra--
				}
				dnstest.Equal(t, "records", len(got.Answer)+len(got.Ns)+extra, tt.want)
				dnstest.Equal(t, "counted", s.Stats().Truncated > 0, got.Truncated)
			})
		}
	}
}

// TCP takes up to 65,535 bytes, whatever the client says about UDP.
func TestServerAnswersOfAnyLengthByTCP(t *testing.T) {
	const fits = (65535 - 12 - 13 - 4) / textSize
	for _, n := range []int{5, 100, fits, fits + 1} {
		got := newTCPServer(t).ask(query("example.com"), func(r *evdnsserver.Request) {
			texts(t, r, evdnsserver.AnswerSection, n)
			ok(t, r.Respond(0))
		})
		dnstest.Equal(t, "records", len(got.Answer), min(n, fits))
		dnstest.Equal(t, "truncated", got.Truncated, n > fits)
	}
}

// An answer of exactly 65,535 bytes gets through.
func TestServerLongestAnswer(t *testing.T) {
	s := newTCPServer(t)
	c := s.dial()
	c.send(pack(t, query("example.com")))
	r := s.receive(1)[0]
	const size = 65535 - (12 + 13 + 4) - (2 + 10)
	rr := &dns.RFC3597{
		Hdr:   dns.RR_Header{Name: "example.com.", Rrtype: 65280, Class: dns.ClassINET},
		Rdata: strings.Repeat("ab", size),
	}
	ok(t, r.AddReply(evdnsserver.AnswerSection, rr))
	ok(t, r.Respond(0))
	got := c.recv()
	dnstest.Equal(t, "bytes", len(got), 65535)
	dnstest.Equal(t, "records", len(unpack(t, got).Answer), 1)
}

func TestServerSpeaksEDNSWithThoseWhoDo(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		dnstest.Equal(t, "OPT", s.ask(query("example.com"), respond(t, 0)).IsEdns0(), nil)
		for _, do := range []bool{false, true} {
			m := query("example.com")
			m.SetEdns0(4096, do)
			got := s.ask(m, respond(t, dns.RcodeNameError))
			opt := got.IsEdns0()
			if opt == nil {
				t.Fatal("no OPT")
			}
			dnstest.Equal(t, "records", len(got.Extra), 1)
			dnstest.Equal(t, "size", opt.UDPSize(), 1232)
			dnstest.Equal(t, "version", opt.Version(), 0)
			dnstest.Equal(t, "DO", opt.Do(), do)
			dnstest.Equal(t, "code", got.Rcode, dns.RcodeNameError)
		}
	})
}

func TestServerDoesNotSpeakLaterVersionsOfEDNS(t *testing.T) {
	s := newUDPServer(t)
	c := s.dial()
	m := query("example.com")
	m.SetEdns0(4096, false)
	m.IsEdns0().SetVersion(1)
	c.send(pack(t, m))
	got := c.recvMsg()
	dnstest.Equal(t, "code", got.Rcode, dns.RcodeBadVers)
	dnstest.Equal(t, "version", got.IsEdns0().Version(), 0)
	dnstest.Equal(t, "question", got.Question[0], m.Question[0])
	dnstest.Equal(t, "requests", len(s.requests), 0)
	dnstest.Equal(t, "refused", s.Stats().Refused, 1)
}

// Users may have options of their own, as to explain errors (RFC 8914).
func TestServerOptions(t *testing.T) {
	add := func(r *evdnsserver.Request) {
		opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 1400}}
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeBlocked})
		ok(t, r.AddReply(evdnsserver.AdditionalSection, opt))
		texts(t, r, evdnsserver.AnswerSection, 10)
		ok(t, r.Respond(dns.RcodeBadCookie&0xf|dns.RcodeRefused))
	}
	m := query("example.com")
	m.SetEdns0(512, true)
	got := newUDPServer(t).ask(m, add)
	opt := got.IsEdns0()
	dnstest.Equal(t, "options", len(opt.Option), 1)
	dnstest.Equal(t, "error", opt.Option[0].(*dns.EDNS0_EDE).InfoCode, dns.ExtendedErrorCodeBlocked)
	dnstest.Equal(t, "size", opt.UDPSize(), 1400)
	dnstest.Equal(t, "DO", opt.Do(), true)
	dnstest.Equal(t, "records", len(got.Answer), 4)
	dnstest.Equal(t, "truncated", got.Truncated, true)

	got = newUDPServer(t).ask(query("example.com"), add)
	dnstest.Equal(t, "OPT for those who do not speak EDNS", got.IsEdns0(), nil)
}

func TestServerRespondMsg(t *testing.T) {
	upstream := func() *dns.Msg {
		m := new(dns.Msg).SetReply(query("Example.COM"))
		m.Id++
		m.Answer = append(m.Answer, record(t, "Example.COM. 60 A 192.0.2.1"))
		m.Ns = append(m.Ns, record(t, "example.com. 60 NS ns.example.com."))
		m.SetEdns0(4096, true)
		m.Extra = append(m.Extra, record(t, "ns.example.com. 60 A 192.0.2.53"))
		return m
	}
	eachServer(t, func(t *testing.T, s *testServer) {
		for _, edns := range []bool{false, true} {
			m := query("eXample.com")
			if edns {
				m.SetEdns0(1232, false)
			}
			answer := upstream()
			before := answer.String()
			got := s.ask(m, func(r *evdnsserver.Request) {
				ok(t, r.AddA("left.aside", ttl, v4))
				ok(t, r.RespondMsg(answer))
			})
			dnstest.Equal(t, "message of the user", answer.String(), before)
			dnstest.Equal(t, "id", got.Id, m.Id)
			dnstest.Equal(t, "question", got.Question[0], m.Question[0])
			dnstest.Equal(t, "answers", len(got.Answer), 1)
			dnstest.Equal(t, "authorities", len(got.Ns), 1)
			dnstest.Equal(t, "OPT", got.IsEdns0() != nil, edns)
			if edns {
				dnstest.Equal(t, "additional records", len(got.Extra), 2)
			} else {
				dnstest.Equal(t, "additional records", len(got.Extra), 1)
			}
		}
	})
}

func TestServerRespondMsgTruncates(t *testing.T) {
	answer := new(dns.Msg).SetReply(query("example.com"))
	for i := range 1000 {
		answer.Answer = append(answer.Answer, record(t, fmt.Sprintf("example.com. 60 TXT \"%0100d\"", i)))
	}
	for size, want := range map[uint16]int{0: 4, 1232: 10} {
		m := query("example.com")
		if size > 0 {
			m.SetEdns0(size, false)
		}
		got := newUDPServer(t).ask(m, func(r *evdnsserver.Request) { ok(t, r.RespondMsg(answer)) })
		dnstest.Equal(t, "truncated", got.Truncated, true)
		dnstest.Equal(t, "records", len(got.Answer), want)
	}
	got := newTCPServer(t).ask(query("example.com"), func(r *evdnsserver.Request) { ok(t, r.RespondMsg(answer)) })
	dnstest.Equal(t, "truncated by TCP", got.Truncated, true)
	if len(got.Answer) < 500 {
		t.Errorf("%d records by TCP", len(got.Answer))
	}
}
