package server

import (
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// serveHTTPOurs runs an HTTP server of this library, with its defaults. Bodies
// are not copied.
func serveHTTPOurs(r ready) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	s := evhttp.NewServer(base)
	for path, body := range httpBodies() {
		if err := s.Handle(path, func(q *evhttp.Request) {
			_ = q.OutputHeaders().Add("Content-Type", httpType) // the field is valid
			_ = q.SendReplyBytes(200, "", body)                 // a client that is gone has no use for it
		}); err != nil {
			return err
		}
	}
	b, err := s.Bind(netip.MustParseAddrPort(address))
	if err != nil {
		return err
	}
	r(net.TCPAddrFromAddrPort(b.AddrPort()))
	return base.Dispatch()
}
