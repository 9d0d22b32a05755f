package evdns_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// A quiet is a simulated nameserver that answers only queries over TCP for first.example,
// and those for refused.example if it refuses them.
type quiet struct {
	host     *evtest.Host
	udp, tcp *evdnsserver.Server
	asked    int
	refuses  bool
}

func newQuiet(w *evtest.World, name string) *quiet {
	q := &quiet{host: w.Host(name)}
	q.host.Do(func() {
		fd, err := datagram.Listen(q.addr(), 0)
		ok(w.T(), err)
		q.udp, err = evdnsserver.NewUDP(q.host.Base(), fd, q.serve)
		ok(w.T(), err)
		l, err := listener.NewBind(q.host.Base(), q.addr(), listener.CloseOnFree, listener.DefaultBacklog, nil)
		ok(w.T(), err)
		q.tcp, err = evdnsserver.NewTCP(q.host.Base(), l, q.serve)
		ok(w.T(), err)
	})
	return q
}

func (q *quiet) addr() netip.AddrPort { return q.host.AddrPort(53) }

func (q *quiet) serve(r *evdnsserver.Request) {
	q.asked++
	switch name := dns.CanonicalName(r.Questions[0].Name); {
	case r.TCP() && name == "first.example.":
		_ = r.AddA(r.Questions[0].Name, time.Hour, netip.MustParseAddr("192.0.2.1")) // a valid name
		_ = r.Respond(dns.RcodeSuccess)
	case q.refuses && name == "refused.example.":
		_ = r.Respond(dns.RcodeRefused)
	default:
		_ = r.Drop() // a request that is not over
	}
}

func (q *quiet) close() {
	q.host.Do(func() {
		q.udp.Close()
		q.tcp.Close()
	})
}

// simulate runs a test in a simulated network in which nothing goes wrong, and times are
// exact, with a resolver that has two attempts of ten seconds.
func simulate(t *testing.T, test func(w *evtest.World, client *evtest.Host, b *evdns.Base)) {
	faultless := func(f *evtest.Faults) { *f = evtest.Faults{Latency: time.Millisecond} }
	evtest.Simulate(t, evtest.Simulation{Seeds: 1, Faults: faultless}, func(w *evtest.World) {
		client := w.Host("client")
		var b *evdns.Base
		client.Do(func() {
			var err error
			cfg := evdns.Config{Timeout: 10 * time.Second, Attempts: 2, FailureTTL: time.Minute}
			b, err = evdns.NewBaseWithConfig(client.Base(), evdns.DisableWhenInactive, cfg)
			ok(w.T(), err)
		})
		test(w, client, b)
		client.Do(func() { b.Free(false) })
	})
}

// A lookup that nobody has answered in all its time is a failure to be remembered, though
// the time of the last attempt ends with it, and whoever of those who ask has given up; but
// one that had less time says nothing about the next.
func TestSilenceIsRemembered(t *testing.T) {
	for _, test := range []struct {
		name    string
		limit   time.Duration // of a QueryConfig
		cancels bool          // the first of two gives up
		asked   int
	}{{"once", 0, false, 2}, {"twice", 0, true, 2}, {"a timeout of its own", 10 * time.Second, false, 2}} {
		t.Run(test.name, func(t *testing.T) {
			simulate(t, func(w *evtest.World, client *evtest.Host, b *evdns.Base) {
				server := newQuiet(w, "server")
				client.Do(func() { ok(w.T(), b.AddNameserver(server.addr())) })
				lookup := func() (r *evdns.Request, done *bool) {
					done = new(bool)
					client.Do(func() {
						var err error
						r, err = b.QueryWith("www.example", dns.TypeA, evdns.QueryConfig{Timeout: test.limit}, func(_ *dns.Msg, err error) {
							*done = true
							if !test.cancels {
								is(w.T(), "silence", err, evdns.ErrTimeout)
							}
						})
						ok(w.T(), err)
					})
					return r, done
				}
				first, done := lookup()
				if test.cancels {
					_, done = lookup()
					client.Do(first.Cancel)
				}
				w.Await("the end of the lookup", func() bool { return *done })
				w.Run(time.Second)
				_, done = lookup()
				w.Await("the end of the next lookup", func() bool { return *done })
				dnstest.Equal(w.T(), "questions", server.asked, test.asked)
				server.close()
			})
		})
	}
}

// A query that waits to be written to a connection that is lost was not sent, so that it
// still has this attempt: here the connection is lost, as nothing has come, in the moment
// in which a query comes to it from a nameserver that is silent.
func TestALostConnectionTakesNoAttemptOfWhatWasNotSent(t *testing.T) {
	simulate(t, func(w *evtest.World, client *evtest.Host, b *evdns.Base) {
		silent, streams := newQuiet(w, "silent"), newQuiet(w, "streams")
		var first *answer
		over := false
		client.Do(func() {
			ok(w.T(), b.SetOption("attempts", "1"))
			ok(w.T(), b.AddNameserver(silent.addr()))
			ok(w.T(), b.AddTLSNameserver(streams.addr(), dialTCP))
			first = start(w.T(), b, "first.example")
			how := evdns.QueryConfig{Nameserver: streams.addr()}
			_, err := b.QueryWith("lost.example", dns.TypeA, how, func(*dns.Msg, error) { over = true })
			ok(w.T(), err)
		})
		w.Await("the end of both lookups", func() bool { return over && first.calls > 0 })
		first.want(w.T(), "192.0.2.1")
		silent.close()
		streams.close()
	})
}

// The time of a lookup that passes while an answer is awaited is a timeout, also if another
// nameserver has refused the query.
func TestATimeoutAfterARefusal(t *testing.T) {
	simulate(t, func(w *evtest.World, client *evtest.Host, b *evdns.Base) {
		refuses, silent := newQuiet(w, "refuses"), newQuiet(w, "silent")
		refuses.refuses = true
		over := false
		client.Do(func() {
			ok(w.T(), b.AddNameserver(refuses.addr()))
			ok(w.T(), b.AddNameserver(silent.addr()))
			how := evdns.QueryConfig{Timeout: time.Second}
			_, err := b.QueryWith("refused.example", dns.TypeA, how, func(_ *dns.Msg, err error) {
				over = true
				is(w.T(), "a second", err, evdns.ErrTimeout)
			})
			ok(w.T(), err)
		})
		w.Await("the end of the lookup", func() bool { return over })
		dnstest.Equal(w.T(), "questions", refuses.asked+silent.asked, 2)
		refuses.close()
		silent.close()
	})
}
