package evdnsserver_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// With locks, any goroutine may answer requests and close ports, while the loop
// runs.
func TestServerWithManyGoroutines(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Wine does not have package net's UDP")
	}
	const workers, clients, rounds = 4, 4, 50
	evtest.Leaks(t)
	evtest.Locks(t)
	loop, err := event.NewBase()
	ok(t, err)
	defer loop.Free()
	requests := make(chan *evdnsserver.Request, 1000)
	hold := func(r *evdnsserver.Request) { requests <- r }

	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	udpAddr, err := datagram.LocalAddr(fd)
	ok(t, err)
	udp, err := evdnsserver.NewUDP(loop, fd, hold)
	ok(t, err)
	l, err := listener.NewBind(loop, serverAddr, listener.CloseOnFree|listener.ThreadSafe, listener.DefaultBacklog, nil)
	ok(t, err)
	tcpAddr := l.AddrPort()
	tcp, err := evdnsserver.NewTCP(loop, l, hold)
	ok(t, err)
	ended := make(chan error, 1)
	go func() { ended <- loop.Dispatch() }()

	var working, asking sync.WaitGroup
	for range workers {
		working.Go(func() {
			for r := range requests {
				r.SetFlags(evdnsserver.FlagAA)
				ok := r.AddA(r.Questions[0].Name, time.Minute, v4) == nil
				if _, err := r.Msg(); err != nil || !ok || r.Respond(0) != nil {
					t.Error("a request was not answered")
				}
				udp.Stats()
			}
		})
	}
	for _, c := range []struct{ net, addr string }{{"udp", udpAddr.String()}, {"tcp", tcpAddr.String()}} {
		for i := range clients {
			asking.Go(func() {
				client := dns.Client{Net: c.net, Timeout: patience}
				conn, err := client.Dial(c.addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for j := range rounds {
					m := query(fmt.Sprintf("c%dn%d.example", i, j))
					answer, _, err := client.ExchangeWithConn(m, conn)
					if err != nil {
						t.Error(err)
						return
					}
					if len(answer.Answer) != 1 || answer.Question[0] != m.Question[0] {
						t.Errorf("answer %v", answer)
					}
				}
			})
		}
	}
	asking.Wait()
	dnstest.Equal(t, "answers by UDP", udp.Stats().Answers, clients*rounds)
	dnstest.Equal(t, "answers by TCP", tcp.Stats().Answers, clients*rounds)
	var closing sync.WaitGroup
	for _, p := range []*evdnsserver.Server{udp, tcp} {
		closing.Go(p.Close)
		closing.Go(p.Close)
	}
	closing.Wait()
	ok(t, <-ended)
	close(requests)
	working.Wait()
}
