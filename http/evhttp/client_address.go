package evhttp

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/internal/message"
	"golang.org/x/net/idna"
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

// splitHost returns the host and the port of a URL.
func splitHost(u *url.URL) (host string, port int, err error) {
	host, err = asciiHost(u.Hostname())
	if err != nil {
		return "", 0, err
	}
	switch text := u.Port(); {
	case text != "":
		if port, err = parsePort(text); err != nil {
			return "", 0, err
		}
	case strings.EqualFold(u.Scheme, "https"):
		port = 443
	default:
		port = 80
	}
	return host, port, checkHost(host, port)
}

func checkHost(host string, port int) error {
	if host == "" || !message.ValidValue(host) || port < 1 || port > 65535 {
		return fmt.Errorf("host %q, port %d: %w", host, port, ErrInvalid)
	}
	return nil
}

// asciiHost returns the name by which a host is looked up.
func asciiHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= 0x80 {
			name, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", fmt.Errorf("host %q: %w: %w", host, ErrInvalid, err)
			}
			return name, nil
		}
	}
	return strings.ToLower(host), nil
}

func parsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("port %q: %w", text, ErrInvalid)
	}
	return port, nil
}
