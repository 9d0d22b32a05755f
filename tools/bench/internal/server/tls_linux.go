package server

import (
	"crypto/tls"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evtls"
	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
)

// tlsConfig returns what the servers that use crypto/tls have in common: its
// defaults, for which the load offers one way to do everything.
func tlsConfig() (*tls.Config, error) {
	cert, err := certificate.Load()
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}, nil
}

// serveTLSOurs runs an echo server on TLS bufferevents of this library, with
// workers for the handshakes, or none.
func serveTLSOurs(r ready, workers *evtls.Workers) error {
	config, err := tlsConfig()
	if err != nil {
		return err
	}
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	cfg := &evtls.Config{TLS: config, Workers: workers}
	l, err := listener.NewBind(base, netip.MustParseAddrPort(address), listener.CloseOnFree, -1,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) { acceptTLS(base, fd, cfg) })
	if err != nil {
		return err
	}
	r(l.Addr())
	return base.Dispatch()
}

func acceptTLS(base *event.Base, fd int, cfg *evtls.Config) {
	b, err := evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
	if err != nil {
		return // a constructor with CloseOnFree has closed the descriptor
	}
	b.SetCallbacks(onInput, nil, onTLSEvent)
	if err := b.Enable(event.Read); err != nil {
		b.Free()
	}
}

// onTLSEvent does what onStreamEvent does, but answers a close_notify alert with
// one, as crypto/tls does, and takes no notice of the end of the handshake.
func onTLSEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch {
	case what&bufferevent.EventConnected != 0:
	case what&bufferevent.EventEOF != 0 && b.CloseWrite() == nil:
		b.SetCallbacks(nil, (*bufferevent.Bufferevent).Free, onStreamEvent)
	default:
		b.Free()
	}
}

// serveTLSNet runs a goroutine a connection.
func serveTLSNet(r ready, serve func(net.Conn)) error {
	config, err := tlsConfig()
	if err != nil {
		return err
	}
	return acceptNet(r, func(raw net.Conn) {
		conn := tls.Server(raw, config)
		defer conn.Close()
		serve(conn)
	})
}
