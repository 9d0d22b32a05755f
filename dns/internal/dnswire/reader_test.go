package dnswire_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

func TestSecondsOfATTL(t *testing.T) {
	for ttl, want := range map[uint32]time.Duration{
		0:         0,
		1:         time.Second,
		1<<31 - 1: (1<<31 - 1) * time.Second,
		1 << 31:   0,
		1<<32 - 1: 0,
	} {
		if got := dnswire.Seconds(ttl); got != want {
			t.Errorf("TTL %d is %v, want %v", ttl, got, want)
		}
	}
}

// A message that was remembered has the TTLs that are left, and the flags of its
// OPT record, which stand where others have a TTL.
func TestTTLsOfAMessageGoDown(t *testing.T) {
	var m dns.Msg
	m.SetQuestion("WwW.example.", dns.TypeTXT)
	for _, text := range []string{"www.example. 60 IN TXT x", "www.example. 5 IN TXT y"} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
		m.Ns = append(m.Ns, rr)
		m.Extra = append(m.Extra, rr)
	}
	m.SetEdns0(1232, true)
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got, err := dnswire.UnpackMessage(wire, "www.example.", 10*time.Second+time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range [][]dns.RR{got.Answer, got.Ns, got.Extra[:2]} {
		if one, other := section[0].Header().Ttl, section[1].Header().Ttl; one != 50 || other != 0 {
			t.Errorf("TTLs %d and %d", one, other)
		}
	}
	if opt := got.IsEdns0(); opt == nil || opt.UDPSize() != 1232 || !opt.Do() {
		t.Errorf("OPT record %v", opt)
	}
	if name := got.Question[0].Name; name != "www.example." {
		t.Errorf("question %s", name)
	}
}
