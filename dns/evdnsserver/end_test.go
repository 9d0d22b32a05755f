package evdnsserver_test

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// badAnswers are answers that cannot be made, and what becomes of them. Each is
// given to a request of its own.
var badAnswers = []struct {
	name      string
	edns      bool // the client speaks it
	answer    func(r *evdnsserver.Request) error
	want      error
	rcode     int
	truncated bool
}{
	{"record without a name", false, func(r *evdnsserver.Request) error { return r.RespondMsg(withRecord(nameless())) },
		evdnsserver.ErrRecord, dns.RcodeServerFailure, false},
	{"record with a bad target", false, func(r *evdnsserver.Request) error { return r.RespondMsg(withRecord(aimless())) },
		evdnsserver.ErrRecord, dns.RcodeServerFailure, false},
	{"no record", false, func(r *evdnsserver.Request) error { return r.RespondMsg(withRecord(nil)) },
		evdnsserver.ErrRecord, dns.RcodeServerFailure, false},
	{"no message", false, func(r *evdnsserver.Request) error { return r.RespondMsg(nil) },
		event.ErrNil, dns.RcodeServerFailure, false},
	{"added record that was changed", false, func(r *evdnsserver.Request) error {
		rr := &dns.TXT{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeTXT}, Txt: []string{"text"}}
		if err := r.AddReply(evdnsserver.AnswerSection, rr); err != nil {
			return err
		}
		rr.Hdr.Name = "without a dot"
		return r.Respond(0)
	}, evdnsserver.ErrRecord, dns.RcodeServerFailure, false},
	{"question that was changed", false, func(r *evdnsserver.Request) error {
		r.Questions[0].Name = "without a dot"
		return r.Respond(0)
	}, evdnsserver.ErrRecord, dns.RcodeServerFailure, false},
	{"negative code", false, func(r *evdnsserver.Request) error { return r.Respond(-1) },
		evdnsserver.ErrRcode, dns.RcodeServerFailure, false},
	{"code of resolvers", true, func(r *evdnsserver.Request) error { return r.Respond(int(evdns.ErrTimeout)) },
		evdnsserver.ErrRcode, dns.RcodeServerFailure, false},
	{"code beyond all", true, func(r *evdnsserver.Request) error { return r.Respond(1 << 12) },
		evdnsserver.ErrRcode, dns.RcodeServerFailure, false},
	{"code of EDNS for others", false, func(r *evdnsserver.Request) error { return r.Respond(dns.RcodeBadCookie) },
		evdnsserver.ErrRcode, dns.RcodeServerFailure, false},
	{"message with a code of EDNS for others", false, func(r *evdnsserver.Request) error { return r.RespondMsg(withRcode(3841)) },
		evdnsserver.ErrRcode, dns.RcodeServerFailure, false},
	{"message with a code about another server", true, func(r *evdnsserver.Request) error { return r.RespondMsg(withRcode(dns.RcodeBadVers)) },
		evdnsserver.ErrRcode, dns.RcodeServerFailure, false},
	{"option that cannot be packed", true, func(r *evdnsserver.Request) error {
		return respondWithOption(r, &dns.EDNS0_SUBNET{Family: 77})
	}, evdnsserver.ErrRecord, dns.RcodeServerFailure, false},
	{"options longer than an answer", true, func(r *evdnsserver.Request) error {
		return respondWithOption(r, &dns.EDNS0_PADDING{Padding: make([]byte, 65500)})
	}, nil, 0, true},
	{"record longer than an answer", true, func(r *evdnsserver.Request) error {
		return r.RespondMsg(withRecord(&dns.RFC3597{
			Hdr:   dns.RR_Header{Name: "example.com.", Rrtype: 65280, Class: dns.ClassINET},
			Rdata: strings.Repeat("ab", 65530),
		}))
	}, nil, 0, true},
}

func withRecord(rr dns.RR) *dns.Msg {
	m := new(dns.Msg).SetReply(query("example.com"))
	m.Answer = []dns.RR{rr}
	return m
}

func withRcode(rcode int) *dns.Msg { return new(dns.Msg).SetRcode(query("example.com"), rcode) }

func nameless() dns.RR {
	return &dns.A{Hdr: dns.RR_Header{Name: "without a dot", Rrtype: dns.TypeA}, A: net.IPv4(192, 0, 2, 1)}
}

func aimless() dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeCNAME}, Target: "a..b."}
}

func respondWithOption(r *evdnsserver.Request, option dns.EDNS0) error {
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: []dns.EDNS0{option}}
	if err := r.AddReply(evdnsserver.AdditionalSection, opt); err != nil {
		return err
	}
	return r.Respond(0)
}

// An answer that cannot be made becomes SERVFAIL, or a truncated one, and the
// request has ended: the next one is served although the port takes one at a time.
func TestServerRequestsEndWhoseAnswersFail(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		if s.net == "udp" {
			ok(t, s.SetMaxRequests(1))
		}
		c := s.dial()
		for _, tt := range badAnswers {
			t.Run(tt.name, func(t *testing.T) {
				m := query("example.com")
				if tt.edns {
					m.SetEdns0(1232, false)
				}
				c.send(pack(t, m))
				r := s.receive(1)[0]
				is(t, "answer", tt.answer(r), tt.want)
				got := c.recvMsg()
				dnstest.Equal(t, "id", got.Id, m.Id)
				dnstest.Equal(t, "code", got.Rcode, tt.rcode)
				dnstest.Equal(t, "truncated", got.Truncated, tt.truncated)
				dnstest.Equal(t, "OPT", got.IsEdns0() != nil, tt.edns)
				dnstest.Equal(t, "answers", len(got.Answer), 0)
				is(t, "another answer", r.Respond(0), evdnsserver.ErrAnswered)
			})
		}
		dnstest.Equal(t, "requests", s.Stats().Requests, uint64(len(badAnswers)))
	})
}

// A request that is neither answered nor dropped gets SERVFAIL when its time has
// passed, and no longer counts.
func TestServerRequestsEndThatNobodyAnswers(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		if s.net == "udp" {
			ok(t, s.SetMaxRequests(1))
		}
		logTo(t, slog.DiscardHandler)
		ok(t, s.SetRequestTimeout(time.Millisecond))
		c := s.dial()
		for n := range uint64(3) {
			m := query("example.com")
			c.send(pack(t, m))
			r := s.receive(1)[0]
			got := c.recvMsg()
			dnstest.Equal(t, "id", got.Id, m.Id)
			dnstest.Equal(t, "code", got.Rcode, dns.RcodeServerFailure)
			dnstest.Equal(t, "question", got.Question[0], m.Question[0])
			is(t, "late answer", r.Respond(0), evdnsserver.ErrAnswered)
			dnstest.Equal(t, "expired", s.Stats().Expired, n+1)
		}
	})
}

// The oldest of many requests are given up first, and those that are answered do not
// count, whatever their place among the others.
func TestServerRequestsExpireInTheirOrder(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		logTo(t, slog.DiscardHandler)
		c := s.dial()
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			c.send(pack(t, query(name)))
		}
		requests := s.receive(5)
		for _, i := range []int{0, 2, 4} {
			ok(t, requests[i].Respond(0))
			dnstest.Equal(t, "answered", c.recvMsg().Rcode, 0)
		}
		ok(t, s.SetRequestTimeout(time.Nanosecond))
		for _, name := range []string{"b.", "d."} {
			got := c.recvMsg()
			dnstest.Equal(t, "question", got.Question[0].Name, name)
			dnstest.Equal(t, "code", got.Rcode, dns.RcodeServerFailure)
		}
		dnstest.Equal(t, "expired", s.Stats().Expired, 2)
	})
}

// A UDP port that is closed with a lost request ends when its time has passed; a TCP
// port at once.
func TestServerClosedWithLostRequests(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		logTo(t, slog.DiscardHandler)
		ok(t, s.SetRequestTimeout(time.Millisecond))
		s.dial().send(pack(t, query("example.com")))
		s.receive(1)
		s.Close()
		dispatch(t, s.loop) // which ends, as there is nothing left to wait for
	})
}

// What waits longer than it should is logged once in a while, not each time.
func TestServerLogsRequestsThatNobodyAnswers(t *testing.T) {
	s := newUDPServer(t)
	log := logOf(t)
	c := s.dial()
	for range 5 {
		c.send(pack(t, query("lost.example")))
	}
	s.receive(5)
	ok(t, s.SetRequestTimeout(time.Nanosecond))
	for range 5 {
		c.recv()
	}
	dnstest.Equal(t, "lines", strings.Count(log.String(), "\n"), 1)
	for _, part := range []string{"server has not answered a request", "lost.example.", "client=127.0.0.1:"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("log %q, want %q in it", log, part)
		}
	}
}

// A callback that panics leaves nothing behind: its request gets SERVFAIL, and when
// the loop runs again, the next ones their answers.
func TestServerRequestsEndWhoseCallbackPanics(t *testing.T) {
	s := newUDPServer(t)
	ok(t, s.SetMaxRequests(1))
	s.onRequest = panicsAtBadNames(t)
	c := s.dial()
	c.send(pack(t, query("bad")), pack(t, query("good")))
	for s.Stats().Answers == 0 {
		survive(t, s.loop)
	}
	c.send(pack(t, query("good")))
	for s.Stats().Answers == 1 {
		survive(t, s.loop)
	}
	dnstest.Equal(t, "code", c.recvMsg().Rcode, dns.RcodeServerFailure)
	dnstest.Equal(t, "code", c.recvMsg().Rcode, 0)
}

// Requests behind the one that panics, on the same connection, are still served.
func TestServerGoesOnWithAConnectionAfterAPanic(t *testing.T) {
	loop, err := event.NewBase()
	ok(t, err)
	t.Cleanup(loop.Free)
	s := newTCPServerOn(t, loop)
	s.onRequest = panicsAtBadNames(t)
	c := s.dial()
	both := append(c.frame(pack(t, query("bad"))), c.frame(pack(t, query("good")))...)
	_, err = c.Write(both)
	ok(t, err)
	for s.Stats().Answers < 2 {
		survive(t, s.loop)
	}
	dnstest.Equal(t, "code", c.recvMsg().Rcode, dns.RcodeServerFailure)
	dnstest.Equal(t, "code", c.recvMsg().Rcode, 0)
}

func panicsAtBadNames(t *testing.T) func(*evdnsserver.Request) {
	return func(r *evdnsserver.Request) {
		if r.Questions[0].Name == "bad." {
			panic("a fault of the callback")
		}
		ok(t, r.Respond(0))
	}
}

// survive runs the loop once, whatever panics.
func survive(t *testing.T, loop *event.Base) {
	t.Helper()
	defer func() { _ = recover() }()
	_, err := loop.Loop(event.LoopOnce)
	ok(t, err)
}

func TestServerRequestTimeoutIsChecked(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testServer) {
		is(t, "no time", s.SetRequestTimeout(0), evdnsserver.ErrValue)
		is(t, "negative time", s.SetRequestTimeout(-1), evdnsserver.ErrValue)
	})
}

// When the loop is at an end, nothing can wait: a port that is closed then ends its
// requests, and its socket is closed.
func TestServerClosedAfterItsLoop(t *testing.T) {
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
	loop.Free()
	p.Close()
	is(t, "Respond", request.Respond(0), evdnsserver.ErrAnswered)

	loop, err = event.NewBase()
	ok(t, err)
	defer loop.Free()
	ok(t, loop.Once(client, event.Read, patience, func(*event.Event, event.What) {}))
	dispatch(t, loop)
	messages, err := b.Recv(client)
	ok(t, err)
	dnstest.Equal(t, "messages", len(messages), 1)
	dnstest.Equal(t, "code", unpack(t, messages[0].Data).Rcode, dns.RcodeServerFailure)
}
