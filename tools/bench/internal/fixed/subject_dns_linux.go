package fixed

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// nameserver answers queries for addresses.
type nameserver struct{ stream }

// ttl and target are those of each answer.
const ttl = 300 * time.Second

var target = netip.AddrFrom4([4]byte{192, 0, 2, 1})

func newDNSServer(w Work, base *event.Base, _ string) (subject, error) {
	s := &nameserver{stream{base: base, work: w, conns: w.N}}
	fd, err := datagram.Listen(loopback, 0)
	if err != nil {
		return nil, err
	}
	if s.addr, err = datagram.LocalAddr(fd); err != nil {
		return nil, err
	}
	_, err = evdnsserver.NewUDP(base, fd, s.answer)
	return s, err
}

func (s *nameserver) answer(request *evdnsserver.Request) {
	s.units++
	for _, q := range request.Questions {
		if q.Qtype != dns.TypeA {
			continue
		}
		if err := request.AddA(q.Name, ttl, target); err != nil {
			s.err = err
		}
	}
	if err := request.Respond(0); err != nil {
		s.err = err
	}
}

// lookups are those of a resolver, of names that it has not seen before.
type lookups struct {
	stream
	resolver *evdns.Base
	next     int
}

func newResolver(w Work, base *event.Base, peer string) (subject, error) {
	upstream, err := netip.ParseAddrPort(peer)
	if err != nil {
		return nil, err
	}
	resolver, err := evdns.NewBase(base, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		resolver.AddNameserver(upstream),
		resolver.SetOption("max-inflight", strconv.Itoa(w.N)),
		resolver.SetOption("timeout", "60"))
	return &lookups{stream: stream{base: base, work: w, conns: w.N}, resolver: resolver}, err
}

func (l *lookups) issue() error {
	for range l.work.N {
		name := "host-" + strconv.Itoa(l.next) + ".bench.example"
		l.next++
		if _, err := l.resolver.ResolveIPv4(name, evdns.NoSearch, l.onAnswer); err != nil {
			return err
		}
	}
	_, err := l.base.Loop(event.LoopNonblock) // which sends the queries
	return err
}

func (l *lookups) onAnswer(a evdns.Answer, err error) {
	l.units++
	if err == nil && (len(a.Addrs) != 1 || a.Addrs[0] != target) {
		err = fmt.Errorf("a name has the addresses %v, want %v", a.Addrs, target)
	}
	if err != nil {
		l.err = err
	}
}
