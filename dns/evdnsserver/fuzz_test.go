package evdnsserver_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// FuzzServerRequest gives any bytes to a server, whose callback answers as some
// of them say. What comes out must be a message that everybody can read, no
// longer than the client can take, that answers what was asked.
func FuzzServerRequest(f *testing.F) {
	question := new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA)
	plain, err := question.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain, uint8(1))
	question.SetEdns0(1232, true)
	edns, err := question.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(edns, uint8(40))
	f.Add(append(plain[:12:12], "\xc0\x0c\x00\x01\x00\x01"...), uint8(2))
	f.Add(plain[:11], uint8(0))

	s := newUDPServer(f)
	ok(f, s.SetMaxRequests(1)) // with a request that is left open, the next is ignored
	client := s.dialUDP()
	var request *evdnsserver.Request
	records := uint8(0)
	s.onRequest = func(r *evdnsserver.Request) {
		request = r
		answerAnyhow(r, records)
	}
	f.Fuzz(func(t *testing.T, wire []byte, n uint8) {
		if len(wire) > 2048 {
			t.Skip("longer than a request by UDP may be")
		}
		request, records = nil, n
		s.t, s.requests, s.all = t, nil, nil
		before := s.Stats()
		client.send(wire)
		after := before
		for after.Requests+after.Refused+after.Ignored == before.Requests+before.Refused+before.Ignored {
			_, err := s.loop.Loop(event.LoopOnce)
			ok(t, err)
			after = s.Stats()
		}
		if isQuery := len(wire) >= 12 && wire[2]&0x80 == 0; isQuery != (after.Ignored == before.Ignored) {
			t.Fatalf("a query: %v; %d messages ignored", isQuery, after.Ignored-before.Ignored)
		}
		if request != nil && request.Drop() == nil {
			t.Fatal("the request is not answered")
		}
		for range after.Answers - before.Answers {
			checkAnswer(t, wire, client.recv(), request)
		}
	})
}

// answerAnyhow adds so many records, of many kinds.
func answerAnyhow(r *evdnsserver.Request, records uint8) {
	r.Msg()
	for i := range records {
		name := "elsewhere.example."
		if len(r.Questions) > 0 {
			name = r.Questions[int(i)%len(r.Questions)].Name
		}
		switch section := evdnsserver.Section(i % 3); i % 5 {
		case 0:
			r.AddA(name, time.Hour, netip.AddrFrom4([4]byte{192, 0, 2, i}))
		case 1:
			r.AddAAAA(name, time.Hour, netip.MustParseAddr("2001:db8::1"))
		case 2:
			r.AddCNAME(name, "alias."+name, time.Hour)
		case 3:
			r.AddPTRName("a."+name, name, time.Hour)
		default:
			hdr := dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}
			r.AddReply(section, &dns.TXT{Hdr: hdr, Txt: []string{"some text"}})
		}
	}
	if r.Respond(int(records%16)) != nil {
		r.Drop()
	}
}

func checkAnswer(t *testing.T, wire, answer []byte, r *evdnsserver.Request) {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(answer); err != nil {
		t.Fatalf("answer %x: %v", answer, err)
	}
	if answer[0] != wire[0] || answer[1] != wire[1] || !m.Response || wire[2]&0x80 != 0 {
		t.Fatalf("answer %x to %x", answer, wire)
	}
	if len(answer) > evdnsserver.DefaultMaxUDPSize || len(answer) > dns.MinMsgSize && m.IsEdns0() == nil {
		t.Fatalf("%d bytes", len(answer))
	}
	if r == nil || m.Truncated && len(m.Question) == 0 {
		return
	}
	if len(m.Question) != len(r.Questions) {
		t.Fatalf("%d questions of %d", len(m.Question), len(r.Questions))
	}
	for i := range m.Question {
		if m.Question[i] != r.Questions[i] {
			t.Fatalf("question %v, asked %v", m.Question[i], r.Questions[i])
		}
	}
}
