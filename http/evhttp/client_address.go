package evhttp

import (
	"context"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// NewClientConnAddress is NewClientConn for an address as people write it, in one of
// the forms of [evutil.ParseAddress]: "www.example.com:http", "[::1]:8080",
// "unix:/path"; ":8080" is a port of this machine. tcp4 and tcp6 restrict cfg's
// Family. The name of a service is looked up at once, a host when it is connected
// to.
func NewClientConnAddress(base *event.Base, address string, cfg *ConnConfig) (*ClientConn, error) {
	const op = "new connection"
	a, err := evutil.ParseAddress(address)
	if err != nil {
		return nil, opError(op, err)
	}
	if a.Network == "unix" {
		return NewClientConnUnix(base, a.Path, cfg)
	}
	port, err := a.Port(context.Background())
	if err != nil {
		return nil, opError(op, err)
	}
	var own ConnConfig
	if cfg != nil {
		own = *cfg
	}
	switch a.Network {
	case "tcp4":
		own.Family = syscall.AF_INET
	case "tcp6":
		own.Family = syscall.AF_INET6
	}
	host := a.Host
	if host == "" {
		host = "localhost"
	}
	return NewClientConn(base, host, int(port), &own)
}
