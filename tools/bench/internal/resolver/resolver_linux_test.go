package resolver

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// serve starts an upstream, with an address for every name, and returns where it
// is.
func serve(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, request *dns.Msg) {
		var response dns.Msg
		response.SetReply(request)
		header := dns.RR_Header{Name: request.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}
		response.Answer = append(response.Answer, &dns.A{Hdr: header, A: net.ParseIP(address)})
		w.WriteMsg(&response)
	})}
	done := make(chan error, 1)
	go func() { done <- s.ActivateAndServe() }()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

func TestResolversLookAllNamesUp(t *testing.T) {
	upstream := serve(t, answer.String())
	for name := range resolvers {
		for _, atOnce := range []string{"1", "10", "200"} {
			t.Run(name+" "+atOnce, func(t *testing.T) {
				figures, err := Resolve([]string{name, upstream, "100", atOnce})
				if err != nil {
					t.Fatal(err)
				}
				if len(figures) != 2 || figures[0].Value <= 0 || figures[1].Value <= 0 {
					t.Errorf("figures %v, want rate and CPU", figures)
				}
			})
		}
	}
}

func TestResolversCheckTheAddress(t *testing.T) {
	upstream := serve(t, "192.0.2.77")
	for name := range resolvers {
		t.Run(name, func(t *testing.T) {
			_, err := Resolve([]string{name, upstream, "10", "2"})
			if err == nil || !strings.Contains(err.Error(), "192.0.2.77") {
				t.Errorf("error %v, want one about the address", err)
			}
		})
	}
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	for _, args := range []string{"", "net", "naps 127.0.0.1:1 1 1", "net nowhere 1 1", "net 127.0.0.1:1 0 1", "net 127.0.0.1:1 x 1"} {
		if _, err := Resolve(strings.Fields(args)); err == nil {
			t.Errorf("resolver %q was taken", args)
		}
		if _, err := Hold(strings.Fields(args)); err == nil {
			t.Errorf("holder %q was taken", args)
		}
	}
}
