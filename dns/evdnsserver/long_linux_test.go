package evdnsserver_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// An answer that is too long for the way to its client, as only the system can tell,
// is sent without its records, for the client to ask again by TCP.
func TestServerCutsAnswersThatAreTooLongForTheWay(t *testing.T) {
	s := &testServer{t: t, loop: newLoop(t), net: "udp"}
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	ok(t, err)
	t.Cleanup(func() { evutil.CloseSocket(pair[1]) })
	ok(t, evutil.SetNonblock(pair[1]))
	ok(t, datagram.SetSendBuffer(pair[0], 4<<10)) // which is the longest message, too
	s.Server, err = evdnsserver.NewUDP(s.loop, pair[0], s.hold)
	ok(t, err)
	t.Cleanup(s.end)
	ok(t, s.SetMaxUDPSize(60_000))

	m := query("example.com")
	m.SetEdns0(60_000, false)
	b := datagram.NewBatch(1, 1<<16)
	_, err = b.Send(pair[1], []datagram.Message{{Data: pack(t, m)}})
	ok(t, err)
	r := s.receive(1)[0]
	long := &dns.RFC3597{
		Hdr:   dns.RR_Header{Name: "example.com.", Rrtype: 65280, Class: dns.ClassINET},
		Rdata: strings.Repeat("ab", 50_000),
	}
	ok(t, r.AddReply(evdnsserver.AnswerSection, long))
	ok(t, r.Respond(0))
	s.receiveNow()
	messages, err := b.Recv(pair[1])
	ok(t, err)
	dnstest.Equal(t, "messages", len(messages), 1)
	got := unpack(t, messages[0].Data)
	dnstest.Equal(t, "truncated", got.Truncated, true)
	dnstest.Equal(t, "question", got.Question[0], m.Question[0])
	dnstest.Equal(t, "answers", len(got.Answer), 0)
	dnstest.Equal(t, "OPT", got.IsEdns0() != nil, true)
	dnstest.Equal(t, "failed", s.Stats().Failed, 0)
}
