package main

import (
	"errors"
	"log"
	"net/netip"
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/extra/evproxy"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A proxied is servers behind proxies that say, by the PROXY protocol, for whom each
// connection is: each loop reads the headers of its connections, before TLS and HTTP.
type proxied struct {
	*evhttp.Servers
	cfg       *evproxy.Config
	tls       *evtls.Config // or nil
	receivers sync.Map      // of *event.Base to *evproxy.Receiver
}

// Setup implements pthreads.Service.
func (p *proxied) Setup(loop int, base *event.Base) error {
	receiver, err := evproxy.NewReceiver(base, p.cfg)
	if err != nil {
		return err
	}
	p.receivers.Store(base, receiver)
	return p.Servers.Setup(loop, base)
}

// Teardown implements pthreads.Service.
func (p *proxied) Teardown(loop int, base *event.Base) {
	p.receiver(base).Free()
	p.receivers.Delete(base)
	p.Servers.Teardown(loop, base)
}

// Accept implements pthreads.Service.
func (p *proxied) Accept(base *event.Base, fd int, peer netip.AddrPort) {
	server := p.On(base)
	err := p.receiver(base).Accept(fd, peer, func(b *bufferevent.Bufferevent, _ *evproxy.Header, err error) {
		if err == nil {
			err = p.serve(server, b)
		}
		if err != nil && !errors.Is(err, evhttp.ErrServerClosed) {
			log.Print(err)
		}
	})
	if err != nil {
		log.Print(err)
	}
}

func (p *proxied) receiver(base *event.Base) *evproxy.Receiver {
	found, _ := p.receivers.Load(base) // Setup has stored it
	return found.(*evproxy.Receiver)
}

// serve serves what follows a header.
func (p *proxied) serve(server *evhttp.Server, b *bufferevent.Bufferevent) error {
	if p.tls != nil {
		var err error
		if b, err = evtls.NewFilter(b, evtls.Accepting, p.tls, bufferevent.CloseOnFree); err != nil {
			return err
		}
	}
	return server.Serve(b)
}
