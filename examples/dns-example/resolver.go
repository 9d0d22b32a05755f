package main

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// resolver makes a resolver that asks these nameservers. It does not keep the loop
// going when it has nothing to do.
func (s *nameservers) resolver(base *event.Base) (*evdns.Base, error) {
	flags := evdns.DisableWhenInactive
	if s.conf == "" && s.overTLS == "" {
		flags |= evdns.InitializeNameservers
	}
	resolver, err := evdns.NewBase(base, flags)
	if err != nil {
		return nil, err
	}
	switch {
	case s.conf != "":
		err = resolver.ParseResolvConf(evdns.OptionsAll, s.conf)
	case s.overTLS != "":
		err = s.addTLS(resolver)
	}
	if err != nil {
		resolver.Free(false)
		return nil, err
	}
	return resolver, nil
}

// addTLS adds the nameserver that is asked over TLS. It must prove to be the one
// with its name, which is its address unless -servername says otherwise.
func (s *nameservers) addTLS(resolver *evdns.Base) error {
	addr, err := s.tlsAddr()
	if err != nil {
		return err
	}
	cfg, err := s.identity.Client(addr.Addr().String())
	if err != nil {
		return err
	}
	secure := &evtls.Config{TLS: cfg}
	return resolver.AddTLSNameserver(addr, func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
		return dialTLS(base, addr, secure)
	})
}

// dialTLS begins a connection. Its owner learns how it goes on.
func dialTLS(base *event.Base, addr netip.AddrPort, cfg *evtls.Config) (*bufferevent.Bufferevent, error) {
	b, err := evtls.NewSocket(base, evutil.InvalidSocket, evtls.Connecting, cfg, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	if err := b.Connect(addr); err != nil {
		b.Free()
		return nil, err
	}
	return b, nil
}
