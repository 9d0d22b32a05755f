package evdns_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// A portServer is a nameserver of a simulated world that notes who asks it.
type portServer struct {
	host   *evtest.Host
	silent bool
	asked  []netip.AddrPort
	server *evdnsserver.Server
}

func (s *portServer) start(t *testing.T) {
	fd, err := datagram.Listen(s.host.AddrPort(53), 0)
	ok(t, err)
	s.server, err = evdnsserver.NewUDP(s.host.Base(), fd, s.serve)
	ok(t, err)
}

func (s *portServer) serve(r *evdnsserver.Request) {
	s.asked = append(s.asked, r.RemoteAddr())
	if s.silent {
		_ = r.Drop() // a request that is not over
		return
	}
	_ = r.AddA(r.Questions[0].Name, time.Hour, netip.MustParseAddr("192.0.2.1")) // a valid name
	_ = r.Respond(dns.RcodeSuccess)                                              // as above
}

// A port that is given is that of the sockets to all nameservers; on Windows, where one
// socket alone can have it, of that to the first one that is asked.
func TestBindToAPortWithSeveralNameservers(t *testing.T) {
	faultless := func(f *evtest.Faults) { *f = evtest.Faults{Latency: time.Millisecond} }
	evtest.Simulate(t, evtest.Simulation{Seeds: 1, Faults: faultless}, func(w *evtest.World) {
		client := w.Host("client")
		first, second := &portServer{host: w.Host("first"), silent: true}, &portServer{host: w.Host("second")}
		for _, s := range []*portServer{first, second} {
			s.host.Do(func() { s.start(w.T()) })
		}
		local := client.AddrPort(5353)
		var b *evdns.Base
		over, failed := false, error(nil)
		client.Do(func() {
			var err error
			b, err = evdns.NewBaseWithConfig(client.Base(), evdns.DisableWhenInactive, evdns.Config{BindTo: local, Timeout: time.Second, Attempts: 2})
			ok(w.T(), err)
			ok(w.T(), b.AddNameserver(first.host.AddrPort(53)))
			ok(w.T(), b.AddNameserver(second.host.AddrPort(53)))
			_, err = b.ResolveIPv4("www.example.com", 0, func(_ evdns.Answer, err error) { over, failed = true, err })
			ok(w.T(), err)
		})
		w.Await("the end of the lookup", func() bool { return over })
		client.Do(func() { b.Free(false) })
		for _, s := range []*portServer{first, second} {
			s.host.Do(s.server.Close)
		}
		for _, from := range append(first.asked, second.asked...) {
			if from != local {
				w.T().Errorf("asked from %v", from)
			}
		}
		if shares := runtime.GOOS != "windows"; len(first.asked) == 0 || (len(second.asked) > 0) != shares || (failed == nil) != shares {
			w.T().Errorf("asked the first %d times and the second %d times: %v", len(first.asked), len(second.asked), failed)
		}
	})
}
