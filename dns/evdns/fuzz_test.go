package evdns_test

import (
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// FuzzAnswer gives a resolver messages that begin as an answer should, or not,
// and go on as they like. Each request must end once, and what it is told make
// sense.
func FuzzAnswer(f *testing.F) {
	for _, m := range []*dns.Msg{
		{Answer: []dns.RR{record(f, "www.example. 9 IN A 192.0.2.1")}},
		{Answer: []dns.RR{record(f, "www.example. 9 IN CNAME b.example."), record(f, "b.example. 9 IN A 192.0.2.1")}},
		{Answer: []dns.RR{record(f, "www.example. 9 IN CNAME www.example.")}},
		{Ns: []dns.RR{record(f, "example. 90 IN SOA ns.example. mail.example. 1 2 3 4 60")}},
		{Answer: []dns.RR{record(f, "www.example. 9 IN TXT a b c"), record(f, "www.example. 9 IN AAAA ::1")}},
	} {
		for _, rcode := range []int{0, 1, 2, 3, 4, 5, 9} {
			m.SetQuestion("www.example.", dns.TypeA)
			m.Response, m.Rcode, m.Compress = true, rcode, true
			wire, err := m.Pack()
			ok(f, err)
			f.Add(wire, true, uint8(rcode))
		}
	}
	f.Add([]byte{0, 0, 0x82, 0}, false, uint8(0))
	loop, err := event.NewBase()
	ok(f, err)
	f.Cleanup(loop.Free)
	f.Fuzz(func(t *testing.T, msg []byte, fix bool, kind uint8) {
		l, err := evdns.NewLine(loop)
		ok(t, err)
		defer l.Base.Free(false)
		dnstest.LogTo(t, slog.DiscardHandler)
		calls := 0
		var r *evdns.Request
		switch kind % 4 {
		case 0:
			r, err = l.Base.Query("www.example", dns.TypeA, 0, func(m *dns.Msg, err error) {
				calls++
				if m == nil && err == nil {
					t.Error("neither a message nor an error")
				}
			})
		default:
			qtype := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR}[kind%4-1]
			check := func(a evdns.Answer, err error) {
				calls++
				checkAnswer(t, a, err, qtype)
			}
			switch qtype {
			case dns.TypeA:
				r, err = l.Base.ResolveIPv4("www.example", 0, check)
			case dns.TypeAAAA:
				r, err = l.Base.ResolveIPv6("www.example", 0, check)
			default:
				r, err = l.Base.ResolveReverse(addr("192.0.2.1"), 0, check)
			}
		}
		ok(t, err)
		query, err := l.Send(r)
		ok(t, err)
		if fix { // the id, that it is an answer, and the question are right
			msg = append(append([]byte{}, query...), msg[min(len(msg), 12+17):]...)
			msg[2] |= 0x80
			msg[3] |= kind >> 4
			binary.BigEndian.PutUint16(msg[6:], uint16(kind>>2&3))
			binary.BigEndian.PutUint16(msg[8:], uint16(kind>>4&1))
		}
		l.Receive(msg)
		l.Receive(msg)
		l.Flush()
		if calls > 1 {
			t.Fatalf("%d calls", calls)
		}
		done := calls
		r.Cancel()
		l.Flush()
		l.Flush()
		if calls != 1 {
			t.Errorf("%d calls after Cancel, %d before", calls, done)
		}
	})
}

func checkAnswer(t *testing.T, a evdns.Answer, err error, qtype uint16) {
	t.Helper()
	if (err == nil) != (len(a.Addrs)+len(a.Names) > 0) {
		t.Errorf("%+v with error %v", a, err)
	}
	for _, ip := range a.Addrs {
		if !ip.IsValid() || ip.Is4() != (qtype == dns.TypeA) {
			t.Errorf("address %v", ip)
		}
	}
	for _, name := range a.Names {
		if name == "" || qtype != dns.TypePTR {
			t.Errorf("name %q", name)
		}
	}
	if a.TTL < 0 || a.TTL > 7*24*time.Hour {
		t.Errorf("TTL %v", a.TTL)
	}
}

func TestPausesBetweenProbes(t *testing.T) {
	for _, c := range []struct {
		first, most time.Duration
		factor      int
		want        []time.Duration // after so many probes that have come to nothing
	}{
		{10 * time.Second, time.Hour, 3, []time.Duration{
			10 * time.Second, 30 * time.Second, 90 * time.Second, 270 * time.Second, 810 * time.Second,
			2430 * time.Second, time.Hour, time.Hour}},
		{time.Second, time.Minute, 1, []time.Duration{time.Second, time.Second}},
		{time.Minute, time.Second, 2, []time.Duration{time.Second, time.Second}},
	} {
		for n, want := range c.want {
			if got := evdns.Backoff(c.first, c.most, c.factor, n); got != want {
				t.Errorf("%v, factor %d, %d failures: %v, want %v", c.first, c.factor, n, got, want)
			}
		}
	}
	if got := evdns.Backoff(time.Second, time.Hour, 10, 1<<30); got != time.Hour {
		t.Errorf("%v", got)
	}
}
