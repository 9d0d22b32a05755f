package bufferevent

import (
	"context"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// ConnectAddress connects to an address as people write it, in one of the forms of
// [evutil.ParseAddress]: "www.example.com:https", "127.0.0.1:8080", "[::1]:80",
// "unix:/path"; ":8080" is a port of loopback. It is ConnectHostname, or ConnectUnix
// for a Unix socket, with their errors and events.
//
// Nothing is looked up for an IP address. A host name is looked up by r, or if r
// is nil by Go's own resolver in another goroutine; the loop does not wait for
// either. The name of a service is looked up by the caller's goroutine, which
// for most systems is to read a file once.
func (b *Bufferevent) ConnectAddress(r Resolver, address string) error {
	a, err := evutil.ParseAddress(address)
	if err != nil {
		return opError("connect", err) // it names the address
	}
	if a.Network == "unix" {
		return b.ConnectUnix(a.Path)
	}
	port, err := a.Port(context.Background())
	if err != nil {
		return opError("connect "+address, err)
	}
	hints := evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP}
	switch a.Network {
	case "tcp4":
		hints.Family = syscall.AF_INET
	case "tcp6":
		hints.Family = syscall.AF_INET6
	default:
		hints.Flags = evutil.AIAddrConfig
	}
	return b.ConnectHostnameHints(r, &hints, a.Host, int(port))
}
