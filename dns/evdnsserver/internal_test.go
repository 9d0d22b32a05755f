package evdnsserver

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// newQuietServer makes a server whose loop does not run.
func newQuietServer(t testing.TB, cb Callback) (*Server, netip.AddrPort) {
	t.Helper()
	loop, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loop.Free)
	fd, err := datagram.Listen(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := datagram.LocalAddr(fd)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewUDP(loop, fd, cb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, addr
}

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

	var request *Request
	records := uint8(0)
	p, addr := newQuietServer(f, func(r *Request) {
		request = r
		answerAnyhow(r, records)
	})
	f.Fuzz(func(t *testing.T, wire []byte, n uint8) {
		request, records = nil, n
		p.udp.reading = true // so that nothing is sent
		p.handle(wire, origin{peer: addr})
		queue := p.udp.queue
		p.udp.queue, p.udp.bytes = nil, nil
		if request != nil && !request.ended {
			t.Fatal("the request is not answered")
		}
		if p.open != 0 {
			t.Fatal("a request is left")
		}
		for _, answer := range queue {
			checkAnswer(t, wire, answer.Data, request)
		}
	})
}

// answerAnyhow adds so many records, of many kinds.
func answerAnyhow(r *Request, records uint8) {
	r.Msg()
	for i := range records {
		name := "elsewhere.example."
		if len(r.Questions) > 0 {
			name = r.Questions[int(i)%len(r.Questions)].Name
		}
		switch section := Section(i % sections); i % 5 {
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

func checkAnswer(t *testing.T, wire, answer []byte, r *Request) {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(answer); err != nil {
		t.Fatalf("answer %x: %v", answer, err)
	}
	if answer[0] != wire[0] || answer[1] != wire[1] || !m.Response || wire[2]&0x80 != 0 {
		t.Fatalf("answer %x to %x", answer, wire)
	}
	if len(answer) > DefaultMaxUDPSize || len(answer) > dnswire.MinUDPSize && m.IsEdns0() == nil {
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

// A request costs itself and the name that it asks for.
func TestServerAllocatesLittle(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	p, self := newQuietServer(t, func(r *Request) {
		r.AddA(r.Questions[0].Name, time.Hour, addr)
		r.Respond(0)
	})
	m := new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA)
	for name, edns := range map[string]bool{"plain": false, "EDNS": true} {
		if edns {
			m.SetEdns0(1232, false)
		}
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		n := testing.AllocsPerRun(100, func() {
			p.udp.reading = true
			p.handle(wire, origin{peer: self})
			p.udp.reading = false
			p.udp.flush()
		})
		if n > 2 && !raceEnabled {
			t.Errorf("%s: %v allocations for a request", name, n)
		}
	}
}

func BenchmarkServerRequest(b *testing.B) {
	addr := netip.MustParseAddr("192.0.2.1")
	p, self := newQuietServer(b, func(r *Request) {
		r.AddA(r.Questions[0].Name, time.Hour, addr)
		r.Respond(0)
	})
	wire, err := new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA).Pack()
	if err != nil {
		b.Fatal(err)
	}
	p.udp.reading = true // nothing is sent, only what the loop does besides
	b.ReportAllocs()
	for b.Loop() {
		p.handle(wire, origin{peer: self})
		p.udp.queue, p.udp.bytes = p.udp.queue[:0], p.udp.bytes[:0]
	}
}
