package server

import (
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// serveDNSOurs runs a DNS server on a server port of this library.
func serveDNSOurs(r ready) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	fd, err := datagram.Listen(netip.MustParseAddrPort(address), 0)
	if err != nil {
		return err
	}
	addr, err := datagram.LocalAddr(fd)
	if err != nil {
		return err
	}
	if _, err := evdnsserver.NewUDP(base, fd, answerOurs); err != nil {
		return err
	}
	r(net.UDPAddrFromAddrPort(addr))
	return base.Dispatch()
}

func answerOurs(request *evdnsserver.Request) {
	for _, q := range request.Questions {
		if q.Qtype == dns.TypeA && q.Qclass == dns.ClassINET {
			_ = request.AddA(q.Name, dnsTTL*time.Second, netip.AddrFrom4(dnsAddress)) // the name is that of the question
		}
	}
	_ = request.Respond(0) // a client that is gone asks again
}
