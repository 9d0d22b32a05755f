package evhttp

import (
	"context"
	"net"
	"strconv"
	"strings"
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

// withPort returns an authority that has its port in any case.
func withPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// hostField returns the value of a Host field: the authority, without the port if it is
// the default one of the scheme (RFC 9110, section 7.2), which is https if the stream is one
// of TLS to the host, and otherwise http.
func hostField(secure bool, host string, port int) string {
	if secure && port == 443 || !secure && port == 80 {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return withPort(host, port)
}
