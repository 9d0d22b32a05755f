package evutil

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// An Address is where to listen or to connect: what [ParseAddress] makes of the
// text that people write for it. It holds names as they were written; nothing has
// been looked up.
type Address struct {
	// Network is "tcp", "tcp4" (IPv4 alone), "tcp6" (IPv6 alone) or "unix".
	Network string
	// Host is the text of an IP address, without brackets, or a host name. Empty,
	// it is every address of the machine to listen at, and loopback to connect to.
	Host string
	// Service is a port number from 0 to 65535 or the name of a service. Port 0
	// is a free one to listen at.
	Service string
	// Path is that of a Unix socket, with the other two empty. On Linux a path that
	// begins with @ is a name in the abstract name space.
	Path string
}

var ()

// ParseAddress parses an address in one of the forms
//
//	host:port       localhost:8080, 192.0.2.1:80, www.example.com:https
//	[IPv6]:port     [::1]:0, [fe80::1%eth0]:80
//	:port           :8080
//	unix:path       unix:/run/server.sock, unix:@abstract
//
// where the port is a number from 0 to 65535 or the name of a service. The first
// three may begin with tcp:, tcp4: (for IPv4 alone) or tcp6: (for IPv6 alone), as
// in tcp6:[::]:80. Nothing is looked up: see Resolve, listener.Listen and
// bufferevent.ConnectAddress. It may be called from any goroutine.
func ParseAddress(s string) (Address, error) {
	a, err := parseAddress(s)
	if err != nil {
		return Address{}, opError(fmt.Sprintf("parse address %q", s), err)
	}
	return a, nil
}

func parseAddress(s string) (Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || strings.Contains(path, "\x00") {
			return Address{}, errBadUnixPath
		}
		return Address{Network: "unix", Path: path}, nil
	}
	network, rest := cutNetwork(s)
	host, service, err := splitHostService(rest)
	if err != nil {
		return Address{}, err
	}
	if !isService(service) {
		return Address{}, errBadService
	}
	a := Address{Network: network, Host: host, Service: service}
	return a, a.check()
}

// cutNetwork takes the network off an address. A host may have a network's name:
// that is what tcp4:80 is, since its port would be missing otherwise.
func cutNetwork(s string) (network, rest string) {
	for _, network := range []string{"tcp", "tcp4", "tcp6"} {
		if rest, ok := strings.CutPrefix(s, network+":"); ok && strings.Contains(rest, ":") {
			return network, rest
		}
	}
	return "tcp", s
}

func splitHostService(s string) (host, service string, err error) {
	if bracketed, ok := strings.CutPrefix(s, "["); ok {
		host, rest, ok := strings.Cut(bracketed, "]")
		if !ok {
			return "", "", errNoBracket
		}
		if rest == "" {
			return "", "", errNoService
		}
		service, ok := strings.CutPrefix(rest, ":")
		if !ok {
			return "", "", errAfterBracket
		}
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
			return "", "", errNotIPv6
		}
		return host, service, nil
	}
	host, service, ok := strings.Cut(s, ":")
	switch {
	case !ok || service == "":
		return "", "", errNoService
	case strings.Contains(service, ":"):
		return "", "", errNoBrackets
	case strings.ContainsFunc(host, notInHost):
		return "", "", errBadHost
	}
	return host, service, nil
}

// notInHost reports whether a character cannot be part of a host name: names may
// be internationalized, so all letters and digits there are can.
func notInHost(r rune) bool {
	return !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit) && !strings.ContainsRune("-._", r)
}

// isService reports whether s is a port number or can be the name of a service:
// letters, digits and hyphens, at least one of which is a letter (RFC 6335,
// section 5.1), and what /etc/services has beside these.
func isService(s string) bool {
	if _, err := strconv.ParseUint(s, 10, 16); err == nil {
		return true
	}
	letters := 0
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letters++
		case '0' <= c && c <= '9', strings.IndexByte("-_.+", c) >= 0:
		default:
			return false
		}
	}
	return letters > 0
}

// check refuses numeric addresses of the family that the network leaves out.
func (a Address) check() error {
	addr, err := netip.ParseAddr(a.Host)
	switch {
	case err != nil: // a name, or nothing
		return nil
	case a.Network == "tcp4" && !addr.Is4():
		return errNotIPv4
	case a.Network == "tcp6" && !addr.Is6():
		return errNotIPv6
	}
	return nil
}

// String returns the address in the form that ParseAddress reads.
func (a Address) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Path
	}
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	prefix := ""
	if a.Network == "tcp4" || a.Network == "tcp6" || isNetwork(host) {
		prefix = a.Network + ":"
	}
	return prefix + host + ":" + a.Service
}

func isNetwork(host string) bool {
	return host == "tcp" || host == "tcp4" || host == "tcp6" || host == "unix"
}

// AddrPort returns the IP address and port, if both are numbers, so that there is
// nothing to look up.
func (a Address) AddrPort() (ap netip.AddrPort, ok bool) {
	port, err := strconv.ParseUint(a.Service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	addr, ok := parseNumericHost(a.Host)
	if !ok {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr, uint16(port)), true
}

// Port returns the port of a TCP address. The name of a service is looked up in
// what the system has for that, which for most is a file that is read once; if it
// is not there, the error wraps [EAIService].
func (a Address) Port(ctx context.Context) (uint16, error) {
	q, err := PrepareAddrInfo(ctx, "", a.Service, a.hints())
	if err != nil {
		return 0, err
	}
	return q.port, nil
}

// Resolve returns the TCP addresses that a stands for, the best first, those of
// loopback if there is no host. It looks names up as [Getaddrinfo] does, with the
// same errors, and blocks meanwhile: it is for a program that starts, or for a
// goroutine other than the loop's. For a Unix socket the error wraps
// [syscall.EAFNOSUPPORT].
func (a Address) Resolve(ctx context.Context) ([]netip.AddrPort, error) {
	if a.Network == "unix" {
		return nil, opError(fmt.Sprint("resolve ", a), syscall.EAFNOSUPPORT)
	}
	infos, err := Getaddrinfo(ctx, a.Host, a.Service, a.hints())
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.AddrPort, len(infos))
	for i, info := range infos {
		addrs[i] = info.Addr
	}
	return addrs, nil
}

func (a Address) hints() *AddrInfoHints {
	h := &AddrInfoHints{SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP}
	switch a.Network {
	case "tcp4":
		h.Family = syscall.AF_INET
	case "tcp6":
		h.Family = syscall.AF_INET6
	}
	return h
}
