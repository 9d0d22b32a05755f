package bufferevent

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A Resolver looks host names up. That of the package evdns is one; with nil in
// its place, Go's own resolver works in another goroutine.
type Resolver interface {
	// GetAddrInfo looks up how to reach a service on a node, as
	// evutil.Getaddrinfo does, but without waiting: it calls done when it
	// knows, on the goroutine of the loop, perhaps before it returns. The
	// result may be called to cancel, once or more often, also when it is too
	// late; done is not called after that.
	GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) (cancel func())
}

// ConnectHostname looks a host name up and connects to the first of its
// addresses that answers: they are tried in turn, each a little after the one
// before if that has not answered, IPv6 and IPv4 alternately (RFC 8305).
// network is tcp, tcp4 or tcp6. A client's TLS takes host for the name of the server
// if it was not told one. The event callback is told how it ends, as for
// Connect; if the name is the problem, DNSError says so. r may be nil
// (bufferevent_socket_connect_hostname).
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
		return opError(op, ErrNil)
	}
	if port < 1 || port > 65535 {
		return opError(op, ErrRange)
	}
	switch hints.Family {
	case syscall.AF_UNSPEC, syscall.AF_INET, syscall.AF_INET6:
	default:
		return opError(op, evutil.EAIFamily)
	}
	at, c, err := beginAt[Connector](b)
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
	b.namePeer(host) // in time for a handshake, as the loop makes the connection
	return nil
}

// NamePeer says which host the bufferevent is going to be connected to, or is, to
// the lowest transport that wants to know: of those from the bufferevent down to
// the socket and the one above that. If it does not take the name, one that is put
// over the bufferevent later finds that with PeerName. It is for who connects to an address of
// a host that was looked up otherwise, or through a proxy.
func (c *Control) NamePeer(host string) {
	if b := c.Bufferevent(); !b.namePeer(host) {
		b.extra().peerName = host
	}
}

// PeerName returns the host that NamePeer was told, if no transport was there to
// take it. What ConnectHostname was told is not it: what is put over a connection
// that is there already may be about another host, behind a proxy.
func (c *Control) PeerName() string {
	if c.extras == nil {
		return ""
	}
	return c.extras.peerName
}

// namePeer reports whether a transport has taken the name.
func (b *Bufferevent) namePeer(host string) bool {
	var lowest PeerNamer
	bottom := b
	for ; b != nil; b = b.wrapped() {
		if n, ok := b.transport.(PeerNamer); ok {
			lowest = n
		}
		bottom = b
	}
	if x := bottom.extras; lowest == nil && x != nil && x.above != nil {
		lowest, _ = x.above.(PeerNamer)
	}
	return lowest != nil && lowest.NamePeer(host)
}

// DNSError returns why the last host name could not be looked up, or nil. It
// wraps an evutil.GAIError (bufferevent_socket_get_dns_error).
func (b *Bufferevent) DNSError() error {
	b.lock()
	defer b.unlock()
	_, c, ok := find[Connector](b)
	if !ok {
		return nil
	}
	return c.DNSError()
}

// DNSError implements Connector.
func (s *socket) DNSError() error {
	if s.bev.extras == nil {
		return nil
	}
	return s.bev.extras.dnsErr
}

// ConnectHost implements Connector. Both directions rest while the name is looked up.
func (s *socket) ConnectHost(r Resolver, hints *evutil.AddrInfoHints, host string, port int) error {
	if s.connecting != nil {
		return ErrConnecting
	}
	b := &s.bev
	b.extra().dnsErr = nil
	k := &connecting{}
	s.connecting = k
	b.suspend(event.Read, suspendLookup)
	b.suspend(event.Write, suspendLookup)
	cancel := r.GetAddrInfo(host, strconv.Itoa(port), hints, func(addrs []evutil.AddrInfo, err error) {
		if !b.begin() {
			return
		}
		if s.connecting == k {
			s.lookedUp(k, addrs, err)
		}
		b.end()
	})
	if s.connecting == k {
		k.cancel = func() {
			cancel()
			b.suspended[0] &^= suspendLookup
			b.suspended[1] &^= suspendLookup
		}
	}
	return nil
}

// lookedUp goes on with the addresses of the host.
func (s *socket) lookedUp(k *connecting, addrs []evutil.AddrInfo, err error) {
	b, c := &s.bev, s.control()
	k.cancel = nil
	s.connecting = nil
	b.resume(event.Read, suspendLookup)
	b.resume(event.Write, suspendLookup)
	if err == nil && len(addrs) == 0 {
		err = evutil.EAINoData
	}
	if err != nil {
		b.extra().dnsErr = err
		c.EventDeferred(EventError, err)
		return
	}
	if err := s.connectAny(addrs); err != nil {
		c.EventDeferred(EventError, err)
	}
}

// connectAny connects to one of the addresses: if there is a choice, and a
// socket has yet to be made, to the first that answers.
func (s *socket) connectAny(addrs []evutil.AddrInfo) error {
	if s.FD() < 0 && len(addrs) > 1 {
		return s.startRace(addrs)
	}
	sa, err := evutil.AddrPortToSockaddr(addrs[0].Addr)
	if err != nil {
		return err
	}
	if err := s.Connect(sa, addrs[0].Family); err != nil {
		return fmt.Errorf("connect %v: %w", addrs[0].Addr, err)
	}
	return nil
}

// goResolver is Go's resolver, in a goroutine for each name that is not
// numeric.
type goResolver struct{ base *event.Base }

// GetAddrInfo implements Resolver.
func (r goResolver) GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) func() {
	ctx, stop := context.WithCancel(context.Background())
	numeric := *hints
	numeric.Flags |= evutil.AINumericHost | evutil.AINumericServ
	if addrs, err := evutil.Getaddrinfo(ctx, node, service, &numeric); err == nil {
		done(addrs, nil)
		return stop
	}
	var canceled atomic.Bool
	wanted := *hints
	r.base.AddVirtual() // the loop has something to wait for
	go func() {
		addrs, err := evutil.Getaddrinfo(ctx, node, service, &wanted)
		r.base.Post(func() {
			r.base.DelVirtual()
			if !canceled.Load() {
				done(addrs, err)
			}
		})
	}()
	return func() {
		canceled.Store(true)
		stop()
	}
}
