package evdnsserver_test

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// hopOptions are options of EDNS that are between two neighbours only: they say who
// one is, how the way between them is, or are asked for by one of them.
func hopOptions() []dns.EDNS0 {
	return []dns.EDNS0{
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "6162"},
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: v4.AsSlice()},
		&dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Expire: 1},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1122334455667788990011223344556677"},
		&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: 100},
		&dns.EDNS0_PADDING{Padding: make([]byte, 50)},
		&dns.EDNS0_LOCAL{Code: dns.EDNS0LOCALSTART, Data: []byte("local")},
	}
}

// A message of another server takes nothing along that is between us and that one.
func TestServerRespondMsgKeepsTheHopToItself(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		m := query("example.com")
		m.SetEdns0(700, false)
		got := s.ask(m, func(r *evdnsserver.Request) {
			answer := new(dns.Msg).SetReply(query("example.com"))
			answer.Zero = true
			answer.Answer = []dns.RR{record(t, "example.com. 60 A 192.0.2.1")}
			opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 4096}, Option: hopOptions()}
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer, ExtraText: "old"})
			opt.SetDo()
			sig0 := &dns.SIG{RRSIG: dns.RRSIG{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSIG, Class: dns.ClassANY}, SignerName: "key."}}
			tsig := &dns.TSIG{Hdr: dns.RR_Header{Name: "key.", Rrtype: dns.TypeTSIG, Class: dns.ClassANY}, Algorithm: dns.HmacSHA256}
			answer.Extra = []dns.RR{record(t, "ns.example.com. 60 A 192.0.2.53"), opt, sig0, tsig}
			ok(t, r.RespondMsg(answer))
		})
		dnstest.Equal(t, "answers", len(got.Answer), 1)
		dnstest.Equal(t, "Z", got.Zero, false)
		dnstest.Equal(t, "additional records", len(got.Extra), 2)
		dnstest.Equal(t, "additional record", got.Extra[0].Header().Name, "ns.example.com.")
		opt := got.IsEdns0()
		dnstest.Equal(t, "size", opt.UDPSize(), 1232)
		dnstest.Equal(t, "DO", opt.Do(), false)
		dnstest.Equal(t, "options", len(opt.Option), 1)
		dnstest.Equal(t, "extended error", opt.Option[0].String(), "3 (Stale Answer): (old)")
	})
}

// An OPT record of the user's own is for the client, with whatever is in it.
func TestServerRespondMsgKeepsTheUsersOptions(t *testing.T) {
	m := query("example.com")
	m.SetEdns0(1232, true)
	got := newUDPServer(t).ask(m, func(r *evdnsserver.Request) {
		own := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 1400}, Option: hopOptions()}
		ok(t, r.AddReply(evdnsserver.AdditionalSection, own))
		answer := new(dns.Msg).SetReply(query("example.com"))
		answer.SetEdns0(4096, false)
		ok(t, r.RespondMsg(answer))
	})
	opt := got.IsEdns0()
	dnstest.Equal(t, "size", opt.UDPSize(), 1400)
	dnstest.Equal(t, "options", len(opt.Option), len(hopOptions()))
	dnstest.Equal(t, "DO", opt.Do(), true)
}

// Each bit of the header comes from the message or from the request, and AD only
// gets to those that know what it means (RFC 4035 section 3.2, RFC 6840 section 5.8).
func TestServerRespondMsgBits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    func(*dns.Msg)
		answer func(*dns.Msg)
		want   string
	}{
		{"nothing", func(*dns.Msg) {}, func(*dns.Msg) {}, "qr"},
		{"RD of the request", func(m *dns.Msg) { m.RecursionDesired = true }, func(*dns.Msg) {}, "qr rd"},
		{"RD of the message", func(*dns.Msg) {}, func(m *dns.Msg) { m.RecursionDesired = true }, "qr"},
		{"CD of the request", func(m *dns.Msg) { m.CheckingDisabled = true }, func(*dns.Msg) {}, "qr cd"},
		{"CD of the message", func(*dns.Msg) {}, func(m *dns.Msg) { m.CheckingDisabled = true }, "qr"},
		{"RA of the message", func(*dns.Msg) {}, func(m *dns.Msg) { m.RecursionAvailable = true }, "qr ra"},
		{"AA of the message", func(*dns.Msg) {}, func(m *dns.Msg) { m.Authoritative = true }, "qr aa"},
		{"TC of the message", func(*dns.Msg) {}, func(m *dns.Msg) { m.Truncated = true }, "qr tc"},
		{"Z of the message", func(*dns.Msg) {}, func(m *dns.Msg) { m.Zero = true }, "qr"},
		{"AD that nobody has asked for", func(*dns.Msg) {}, func(m *dns.Msg) { m.AuthenticatedData = true }, "qr"},
		{"AD asked for by AD", func(m *dns.Msg) { m.AuthenticatedData = true }, func(m *dns.Msg) { m.AuthenticatedData = true }, "qr ad"},
		{"AD asked for by DO", func(m *dns.Msg) { m.SetEdns0(1232, true) }, func(m *dns.Msg) { m.AuthenticatedData = true }, "qr ad"},
		{"AD with EDNS alone", func(m *dns.Msg) { m.SetEdns0(1232, false) }, func(m *dns.Msg) { m.AuthenticatedData = true }, "qr"},
		{"AD of the request only", func(m *dns.Msg) { m.AuthenticatedData = true }, func(*dns.Msg) {}, "qr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := query("example.com")
			m.RecursionDesired = false
			tt.ask(m)
			got := newUDPServer(t).ask(m, func(r *evdnsserver.Request) {
				answer := new(dns.Msg).SetReply(query("example.com"))
				answer.RecursionDesired = false
				tt.answer(answer)
				ok(t, r.SetFlags(r.Flags())) // which are left aside with the records
				ok(t, r.RespondMsg(answer))
			})
			dnstest.Equal(t, "bits", bits(got), tt.want)
		})
	}
}

// bits writes the bits of a header as dig does.
func bits(m *dns.Msg) string {
	s := ""
	for _, bit := range []struct {
		set  bool
		name string
	}{
		{m.Response, "qr"}, {m.Authoritative, " aa"}, {m.Truncated, " tc"}, {m.RecursionDesired, " rd"},
		{m.RecursionAvailable, " ra"}, {m.Zero, " z"}, {m.AuthenticatedData, " ad"}, {m.CheckingDisabled, " cd"},
	} {
		if bit.set {
			s += bit.name
		}
	}
	return s
}

// Records that prove others are for clients that set DO, or ask for their type.
func TestServerRespondMsgLeavesProofsOut(t *testing.T) {
	for _, tt := range []struct {
		name                       string
		qtype                      uint16
		do                         bool
		answers, authority, extras int
	}{
		{"without DO", dns.TypeA, false, 1, 1, 1},
		{"with DO", dns.TypeA, true, 2, 4, 2},
		{"asked for", dns.TypeRRSIG, false, 2, 2, 2},
		{"asked for anything", dns.TypeANY, false, 2, 4, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := new(dns.Msg).SetQuestion("example.com.", tt.qtype)
			m.SetEdns0(1232, tt.do)
			got := newUDPServer(t).ask(m, func(r *evdnsserver.Request) {
				dnstest.Equal(t, "DNSSEC", r.DNSSEC(), tt.do)
				answer := new(dns.Msg).SetReply(m)
				rrsig := "RRSIG A 8 2 60 20300101000000 20200101000000 1 example.com. AAAA"
				answer.Answer = []dns.RR{record(t, "example.com. 60 A 192.0.2.1"), record(t, "example.com. 60 "+rrsig)}
				answer.Ns = []dns.RR{
					record(t, "example.com. 60 NS ns.example.com."),
					record(t, "example.com. 60 "+rrsig),
					record(t, "example.com. 60 NSEC www.example.com. A RRSIG NSEC"),
					record(t, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.com. 60 NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"),
				}
				answer.Extra = []dns.RR{record(t, "ns.example.com. 60 A 192.0.2.53"), record(t, "ns.example.com. 60 "+rrsig)}
				ok(t, r.RespondMsg(answer))
			})
			dnstest.Equal(t, "answers", len(got.Answer), tt.answers)
			dnstest.Equal(t, "authority", len(got.Ns), tt.authority)
			dnstest.Equal(t, "additional", len(got.Extra), tt.extras+1)
		})
	}
}
