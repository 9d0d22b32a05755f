package evdns

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// All of this is only here until the engine is.

type (
	queue      struct{}
	nameserver struct{}
	udpSocket  struct{}
	outcome    struct{}
	mail       struct{}
	reader     struct{}
)

func (b *Base) runDone(*event.Deferred)          {}
func (b *Base) onTimer(*event.Event, event.What) {}
func (b *Base) endRequests(bool)                 {}
func (b *Base) clearServers()                    {}

// AddNameserver adds a nameserver; port 0 is 53.
func (b *Base) AddNameserver(addr netip.AddrPort) error { return nil }

// AddNameserverString adds a nameserver: address, address:port, [address]:port.
func (b *Base) AddNameserverString(s string) error { return nil }

// AddTLSNameserver adds a nameserver that is asked over what dial makes.
func (b *Base) AddTLSNameserver(addr netip.AddrPort, dial func(*event.Base, netip.AddrPort) (*bufferevent.Bufferevent, error)) error {
	return nil
}

// CountNameservers returns how many nameservers there are.
func (b *Base) CountNameservers() int { return 0 }
