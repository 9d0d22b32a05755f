package evdnsserver_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// newAnswering returns a client of a UDP server that answers at once, and a function
// that sends a query and runs the loop until the answer is there.
func newAnswering(t testing.TB, q *dns.Msg) (ask func()) {
	t.Helper()
	s := newUDPServer(t)
	ok(t, s.SetMaxRequests(1))
	address := addr("192.0.2.1")
	s.onRequest = func(r *evdnsserver.Request) {
		s.requests, s.all = s.requests[:0], s.all[:0]
		ok(t, r.AddA(r.Questions[0].Name, time.Hour, address))
		ok(t, r.Respond(dns.RcodeSuccess))
	}
	client := s.dialUDP()
	wire := pack(t, q)
	return func() {
		client.send(wire)
		for {
			_, err := s.loop.Loop(event.LoopOnce)
			ok(t, err)
			messages, err := client.batch.Recv(client.fd)
			ok(t, err)
			if len(messages) > 0 {
				return
			}
		}
	}
}

// A request costs itself and the name that it asks for.
func TestServerAllocatesLittle(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("x/sys allocates the error that nothing has arrived")
	}
	q := query("www.example.com")
	for name, edns := range map[string]bool{"plain": false, "EDNS": true} {
		if edns {
			q.SetEdns0(1232, false)
		}
		ask := newAnswering(t, q)
		if n := testing.AllocsPerRun(100, ask); n > 2 && !raceEnabled {
			t.Errorf("%s: %v allocations for a request", name, n)
		}
	}
}

func BenchmarkServerRequest(b *testing.B) {
	ask := newAnswering(b, query("www.example.com"))
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}
