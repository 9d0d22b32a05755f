// Package dnsport serves DNS at one address, over UDP and TCP, as nameservers
// must: an answer that does not fit a UDP message is asked for again over TCP.
package dnsport

import (
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// attempts is how often a port is tried that the system has chosen for UDP, and
// that may be taken for TCP.
const attempts = 10

// Ports are both of a server's ports.
type Ports struct {
	addr netip.AddrPort
	udp  *evdnsserver.Server
	tcp  *evdnsserver.Server
}

// Open opens both ports. With port 0 the system chooses one that is free for both.
// Requests go to answer.
func Open(base *event.Base, addr netip.AddrPort, answer func(*evdnsserver.Request)) (*Ports, error) {
	if addr.Port() != 0 {
		return open(base, addr, answer)
	}
	var err error
	for range attempts {
		var p *Ports
		if p, err = open(base, addr, answer); err == nil {
			return p, nil
		}
	}
	return nil, err
}

// open opens both ports, TCP first, so that the system chooses among more.
func open(base *event.Base, addr netip.AddrPort, answer func(*evdnsserver.Request)) (*Ports, error) {
	l, err := listener.NewBind(base, addr, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, nil)
	if err != nil {
		return nil, err
	}
	p := &Ports{addr: l.AddrPort()}
	if p.tcp, err = evdnsserver.NewTCP(base, l, answer); err != nil {
		return nil, err
	}
	fd, err := datagram.Listen(p.addr, 0)
	if err != nil {
		p.tcp.Close()
		return nil, err
	}
	if p.udp, err = evdnsserver.NewUDP(base, fd, answer); err != nil {
		p.tcp.Close()
		return nil, err
	}
	return p, nil
}

// Addr returns the address of both ports.
func (p *Ports) Addr() netip.AddrPort { return p.addr }

// Close closes both ports. Requests that are not answered by then never are.
func (p *Ports) Close() {
	p.udp.Close()
	p.tcp.Close()
}

// SetMaxClients limits the connections that are open at a time.
func (p *Ports) SetMaxClients(n int) error {
	if err := p.tcp.SetMaxClients(n); err != nil {
		return fmt.Errorf("at most %d connections: %w", n, err)
	}
	return nil
}
