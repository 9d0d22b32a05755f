package bufferevent

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Connect begins to connect to a TCP address. If the bufferevent has no
// descriptor yet, it gets a socket, which is closed if this fails, so that Connect
// can be called again. The event callback reports how it ends: EventConnected, or
// EventError or EventTimeout, for which the timeout for writing runs. Data can be put
// into the output meanwhile.
//
// The zero addr says that the descriptor is being connected already. The error
// is ErrConnecting if this bufferevent is, errors.ErrUnsupported if it stands on
// no socket, or that of the system if there cannot be a connection at all
// (bufferevent_socket_connect).
func (b *Bufferevent) Connect(addr netip.AddrPort) error {
	op := "connect " + addr.String()
	if !addr.IsValid() {
		return b.startConnect("connect", nil, 0)
	}
	sa, err := evutil.AddrPortToSockaddr(addr)
	if err != nil {
		return opError(op, err)
	}
	return b.startConnect(op, sa, familyOf(addr.Addr()))
}

// familyOf returns the socket family of an address.
func familyOf(addr netip.Addr) int {
	if addr.Is4() {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

// ConnectUnix is Connect for a Unix socket. On Linux a name that begins with @
// is one in the abstract name space.
func (b *Bufferevent) ConnectUnix(name string) error {
	return b.startConnect("connect "+name, sysio.UnixSockaddr(name), syscall.AF_UNIX)
}

// startConnect connects the first transport downwards that is a Connector.
func (b *Bufferevent) startConnect(op string, to evutil.Sockaddr, family int) error {
	at, c, err := beginAt(b, asConnector)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	if err := c.Connect(to, family); err != nil {
		return opError(op, err)
	}
	return nil
}

// ConnectHostname looks a host name up and connects to the first of its
// addresses that answers: they are tried in turn, each a little after the one
// before if that has not answered, IPv6 and IPv4 alternately (RFC 8305).
// network is tcp, tcp4 or tcp6. A TLS client without a server name takes host for it.
// The event callback reports how it ends, as for Connect; if looking up the name has
// failed, DNSError returns why. r may be nil (bufferevent_socket_connect_hostname).
func (b *Bufferevent) ConnectHostname(r Resolver, network, host string, port int) error {
	hints := evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP}
	switch network {
	case "tcp":
		hints.Flags = evutil.AIAddrConfig
	case "tcp4":
		hints.Family = syscall.AF_INET
	case "tcp6":
		hints.Family = syscall.AF_INET6
	default:
		return opError("connect "+host, fmt.Errorf("network %q: %w", network, errors.ErrUnsupported))
	}
	return b.ConnectHostnameHints(r, &hints, host, port)
}

// ConnectHostnameHints is ConnectHostname with the hints of a lookup, whose
// family is AF_UNSPEC, AF_INET or AF_INET6
// (bufferevent_socket_connect_hostname_hints).
func (b *Bufferevent) ConnectHostnameHints(r Resolver, hints *evutil.AddrInfoHints, host string, port int) error {
	op := fmt.Sprintf("connect %s port %d", host, port)
	if hints == nil {
		return opError(op, event.ErrNil)
	}
	if port < 1 || port > 65535 {
		return opError(op, ErrRange)
	}
	switch hints.Family {
	case syscall.AF_UNSPEC, syscall.AF_INET, syscall.AF_INET6:
	default:
		return opError(op, evutil.EAIFamily)
	}
	at, c, err := beginAt(b, asConnector)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	if r == nil {
		r = goResolver{at.base}
	}
	if err := c.ConnectHost(r, hints, host, port); err != nil {
		return opError(op, err)
	}
	b.namePeer(host) // before any handshake, as the loop makes the connection
	return nil
}

// Connected reports whether there is a connection: a socket has a descriptor, and is
// not being connected. Other bufferevents are connected if what they stand on is; a
// pair always is.
func (b *Bufferevent) Connected() bool {
	at, c, err := beginAt(b, asConnector)
	if err != nil {
		return errors.Is(err, errors.ErrUnsupported) // such as a pair
	}
	defer at.end()
	return c.Connected()
}

// DNSError returns why the last host name could not be looked up, or nil. It
// wraps an evutil.GAIError (bufferevent_socket_get_dns_error).
func (b *Bufferevent) DNSError() error {
	b.lock()
	defer b.unlock()
	_, c, ok := find(b, asConnector)
	if !ok {
		return nil
	}
	return c.DNSError()
}

// SetLocalAddr sets the address that sockets get which Connect and
// ConnectHostname make, before they are connected. Port 0 leaves the port to the
// system; an address that is not valid, the address. Of the addresses of a host,
// those of another family than addr fail with ErrFamily. The zero addr takes
// that back. The address of a descriptor that exists already does not change. The
// error is errors.ErrUnsupported if the bufferevent stands on no socket.
//
// Sockets with a port of their own get SO_REUSEADDR, where that does not let
// others take the port: so that several addresses of a host can be tried from it
// at the same time, and it can be used again at once.
func (b *Bufferevent) SetLocalAddr(addr netip.AddrPort) error {
	op := "set local address " + addr.String()
	at, c, err := beginAt(b, asConnector)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	c.SetLocalAddr(addr)
	return nil
}
