//go:build unix

package interop

import (
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// zoneText is what our server has, beside a name with many addresses, and one with
// as many as 1232 bytes have room for, but 900 do not.
const zoneText = `
www.example.org.            300 IN A     192.0.2.10
www.example.org.            300 IN A     192.0.2.11
www.example.org.            300 IN AAAA  2001:db8::10
four.example.org.           60  IN A     192.0.2.40
alias.example.org.          300 IN CNAME www.example.org.
example.org.                300 IN MX    10 mail.example.org.
text.example.org.           300 IN TXT   "one" "two"
10.2.0.192.in-addr.arpa.    300 IN PTR   www.example.org.
0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 IN PTR www.example.org.
`

// zoneSOA is what comes with answers that have nothing else.
const zoneSOA = "example.org. 300 IN SOA ns.example.org. admin.example.org. 1 3600 600 86400 60"

// A zone has records by name, in small letters.
type zone map[string][]dns.RR

// fewAddrs is how many that are.
const fewAddrs = 60

func newZone(t testing.TB) zone {
	t.Helper()
	z := make(zone)
	for line := range strings.Lines(zoneText) {
		if line = strings.TrimSpace(line); line != "" {
			z.add(t, line)
		}
	}
	for i := range manyAddrs {
		z.add(t, "many.example.org. 300 IN A "+manyAddr(i).String())
	}
	for i := range fewAddrs {
		z.add(t, "few.example.org. 300 IN A "+manyAddr(i).String())
	}
	return z
}

func (z zone) add(t testing.TB, line string) {
	t.Helper()
	rr := record(t, line)
	z[rr.Header().Name] = append(z[rr.Header().Name], rr)
}

// record reads a resource record.
func record(t testing.TB, line string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(line)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// An ourServer is a server of ours, over UDP and TCP, whose loop has a goroutine.
type ourServer struct {
	t        testing.TB
	zone     zone
	soa      dns.RR
	addr     netip.AddrPort
	udp, tcp atomic.Int64 // requests
}

// serve starts a server.
func serve(t testing.TB) *ourServer {
	t.Helper()
	s := &ourServer{t: t, zone: newZone(t), soa: record(t, zoneSOA)}
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	l, udp := listenBoth(t, base)
	s.addr = l.AddrPort()
	tcpPort, err := evdnsserver.NewTCP(base, l, func(req *evdnsserver.Request) {
		s.tcp.Add(1)
		s.answer(req)
	})
	if err != nil {
		t.Fatal(err)
	}
	udpPort, err := evdnsserver.NewUDP(base, udp, func(req *evdnsserver.Request) {
		s.udp.Add(1)
		s.answer(req)
	})
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() { left <- base.Dispatch() }()
	t.Cleanup(func() {
		base.Post(func() {
			tcpPort.Close()
			udpPort.Close()
			base.LoopBreak()
		})
		if err := <-left; err != nil {
			t.Error(err)
		}
		base.Free()
	})
	return s
}

// listenBoth opens a port that is free for TCP and for UDP.
func listenBoth(t testing.TB, base *event.Base) (*listener.Listener, int) {
	t.Helper()
	for range 100 {
		l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, -1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if fd, err := datagram.Listen(l.AddrPort(), 0); err == nil {
			return l, fd
		}
		l.Free()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, 0
}

// port is the server's port as an argument.
func (s *ourServer) port() string { return strconv.Itoa(int(s.addr.Port())) }

// answer answers a request with what the zone has.
func (s *ourServer) answer(req *evdnsserver.Request) {
	result := dns.RcodeNameError
	for _, q := range req.Questions {
		if s.add(req, q) {
			result = 0
		}
	}
	if len(req.Questions) == 1 && !strings.HasSuffix(dns.CanonicalName(req.Questions[0].Name), "example.org.") && result != 0 {
		result = dns.RcodeRefused
	}
	req.SetFlags(evdnsserver.FlagAA)
	if err := req.Respond(result); err != nil {
		s.t.Errorf("respond: %v", err)
	}
}

// add adds what the zone has for a question, and follows an alias. It returns
// whether there is anything of that name.
func (s *ourServer) add(req *evdnsserver.Request, q dns.Question) bool {
	records := s.zone[dns.CanonicalName(q.Name)]
	found := false
	for _, rr := range records {
		if alias, ok := rr.(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME {
			s.check(req.AddCNAME(q.Name, alias.Target, ttl(rr)))
			return s.add(req, dns.Question{Name: alias.Target, Qtype: q.Qtype, Qclass: q.Qclass})
		}
		if rr.Header().Rrtype == q.Qtype {
			s.check(s.addRecord(req, q.Name, rr))
			found = true
		}
	}
	if !found {
		s.check(req.AddReply(evdnsserver.AuthoritySection, s.soa))
	}
	return len(records) > 0
}

// addRecord adds a record in the way that there is for its type.
func (s *ourServer) addRecord(req *evdnsserver.Request, name string, rr dns.RR) error {
	switch rr := rr.(type) {
	case *dns.A:
		addr, _ := netip.AddrFromSlice(rr.A.To4())
		return req.AddA(name, ttl(rr), addr)
	case *dns.AAAA:
		addr, _ := netip.AddrFromSlice(rr.AAAA)
		return req.AddAAAA(name, ttl(rr), addr)
	case *dns.PTR:
		return req.AddPTRName(name, rr.Ptr, ttl(rr))
	}
	return req.AddReply(evdnsserver.AnswerSection, rr)
}

func (s *ourServer) check(err error) {
	if err != nil {
		s.t.Errorf("add a record: %v", err)
	}
}

func ttl(rr dns.RR) time.Duration { return time.Duration(rr.Header().Ttl) * time.Second }
