package bufferevent_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A script is a resolver that says what the test wants it to, when it wants it.
type script struct {
	node, service string
	hints         *evutil.AddrInfoHints
	done          func([]evutil.AddrInfo, error)
	lookups       int
	cancelled     int

	// answer, if it is not nil, is given at once.
	answer []netip.AddrPort
	err    error
}

func (s *script) GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) func() {
	s.node, s.service, s.hints, s.done = node, service, hints, done
	s.lookups++
	if s.answer != nil || s.err != nil {
		done(infos(s.answer...), s.err)
	}
	return func() { s.cancelled++ }
}

// infos returns addresses as a resolver does.
func infos(addrs ...netip.AddrPort) (list []evutil.AddrInfo) {
	for _, addr := range addrs {
		family := syscall.AF_INET6
		if addr.Addr().Is4() {
			family = syscall.AF_INET
		}
		list = append(list, evutil.AddrInfo{
			Family: family, SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP, Addr: addr})
	}
	return list
}

func TestConnectHostname(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	var s script
	ok(t, b.Enable(event.Read))
	write(t, b, "early ")
	ok(t, b.ConnectHostname(&s, "tcp", "host.example", 80))
	want(t, "node", s.node, "host.example")
	want(t, "service", s.service, "80")
	write(t, b, "bird")
	wantError(t, "Connect", b.Connect(h.addr()), bufferevent.ErrConnecting)
	wantError(t, "ConnectHostname", b.ConnectHostname(&s, "tcp", "x", 80), bufferevent.ErrConnecting)
	settle(t, base)
	d.want(t)
	s.done(infos(h.addr()), nil)
	d.want(t)
	d.await(t, base, "write")
	d.want(t, "connected", "write")
	want(t, "DNS error", b.DNSError(), nil)
	c := h.accept()
	expectRead(t, c, "early bird")
	_, err := c.Write([]byte("hello"))
	ok(t, err)
	d.await(t, base, "read")
	want(t, "lookups", s.lookups, 1)
	want(t, "cancelled", s.cancelled, 0)
}

func TestAResolverThatKnowsAtOnce(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	s := &script{answer: []netip.AddrPort{h.addr()}}
	write(t, b, "hello")
	ok(t, b.ConnectHostname(s, "tcp", "host.example", 80))
	d.await(t, base, "write")
	d.want(t, "connected", "write")
	b.Free()
	want(t, "cancelled", s.cancelled, 0)
}

func TestHintsOfNetworks(t *testing.T) {
	base := newBase(t)
	for network, wanted := range map[string]evutil.AddrInfoHints{
		"tcp":  {Flags: evutil.AIAddrConfig},
		"tcp4": {Family: syscall.AF_INET},
		"tcp6": {Family: syscall.AF_INET6},
	} {
		b := overFD(t, base, -1, 0)
		var s script
		ok(t, b.ConnectHostname(&s, network, "host.example", 80))
		wanted.SockType, wanted.Protocol = syscall.SOCK_STREAM, syscall.IPPROTO_TCP
		want(t, network, *s.hints, wanted)
	}
	b := overFD(t, base, -1, 0)
	var s script
	hints := &evutil.AddrInfoHints{Family: syscall.AF_INET, Flags: evutil.AICanonName}
	ok(t, b.ConnectHostnameHints(&s, hints, "host.example", 80))
	want(t, "hints of one's own", *s.hints, *hints)
}

func TestConnectHostnameWithBadArguments(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	var s script
	for name, tt := range map[string]struct {
		err  error
		want error
	}{
		"network":  {b.ConnectHostname(&s, "udp", "x", 80), errors.ErrUnsupported},
		"port 0":   {b.ConnectHostname(&s, "tcp", "x", 0), bufferevent.ErrRange},
		"port":     {b.ConnectHostname(&s, "tcp", "x", 65536), bufferevent.ErrRange},
		"no hints": {b.ConnectHostnameHints(&s, nil, "x", 80), event.ErrNil},
		"family":   {b.ConnectHostnameHints(&s, &evutil.AddrInfoHints{Family: 99}, "x", 80), evutil.EAIFamily},
	} {
		wantError(t, name, tt.err, tt.want)
	}
	want(t, "lookups", s.lookups, 0)
}

func TestNamesThatCannotBeLookedUp(t *testing.T) {
	for _, atOnce := range []bool{true, false} {
		for _, tt := range []struct {
			name      string
			told, err error
		}{
			{"no such name", evutil.EAINoName, evutil.EAINoName},
			{"no address", nil, evutil.EAINoData},
		} {
			base := newBase(t)
			h := newHost(t)
			b := overFD(t, base, -1, 0)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			var s script
			if atOnce {
				s.answer, s.err = []netip.AddrPort{}, tt.told
			}
			ok(t, b.ConnectHostname(&s, "tcp", "host.example", 80))
			if !atOnce {
				s.done(nil, tt.told)
			}
			d.want(t) // the loop tells
			d.await(t, base, "error")
			settle(t, base)
			d.want(t, "error")
			wantError(t, tt.name, b.Err(), tt.err)
			wantError(t, tt.name, b.DNSError(), tt.err)
			want(t, "descriptor", b.FD(), -1)
			want(t, "enabled", b.Enabled(), event.Read|event.Write)

			// It can be tried again, and then the name was not the problem.
			s = script{answer: []netip.AddrPort{h.addr()}}
			ok(t, b.ConnectHostname(&s, "tcp", "host.example", 80))
			d.await(t, base, "connected")
			want(t, "DNS error", b.DNSError(), nil)
		}
	}
}

// A lookup, and what follows it, can be given up at any time.
func TestALookupGivenUp(t *testing.T) {
	for name, giveUp := range map[string]func(b *bufferevent.Bufferevent){
		"Free":  func(b *bufferevent.Bufferevent) { b.Free() },
		"SetFD": func(b *bufferevent.Bufferevent) { ok(t, b.SetFD(-1)) },
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			h := newHost(t)
			b := overFD(t, base, -1, 0)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			write(t, b, "hello")
			var s script
			ok(t, b.ConnectHostname(&s, "tcp", "host.example", 80))
			giveUp(b)
			want(t, "cancelled", s.cancelled, 1)
			s.done(infos(h.addr()), nil) // too late
			s.done(nil, evutil.EAINoName)
			settle(t, base)
			d.want(t)
			want(t, "events that wait", waiting(base), 0)
			if name == "SetFD" { // both directions go on
				ok(t, b.Connect(h.addr()))
				d.await(t, base, "write")
				d.want(t, "connected", "write")
			}
		})
	}
}

// An answer that comes twice counts once.
func TestAnswersThatComeTwice(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	var s script
	ok(t, b.ConnectHostname(&s, "tcp", "host.example", 80))
	s.done(infos(h.addr()), nil)
	s.done(nil, evutil.EAINoName)
	s.done(infos(h.addr()), nil)
	d.await(t, base, "connected")
	settle(t, base)
	d.want(t, "connected")
}

// The timeouts do not run while the name is looked up, and both directions rest.
func TestALookupIsNoConnection(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	fd, err := newTCPSocket()
	ok(t, err)
	b := overFD(t, base, fd, 0)
	ok(t, b.SetTimeouts(patience, patience))
	ok(t, b.Enable(event.Read))
	var s script
	ok(t, b.ConnectHostname(&s, "tcp", "host.example", 80))
	want(t, "events that wait", waiting(base), 0)
	s.done(infos(h.addr()), nil)
	want(t, "timeouts that run", timers(base), 2)
	want(t, "descriptor", b.FD(), fd) // it had one
	var d diary
	d.keep(b)
	d.await(t, base, "connected")
}

func TestGosResolver(t *testing.T) {
	h := newHost(t)
	port := int(h.addr().Port())
	for _, name := range []string{"127.0.0.1", "localhost"} {
		base := newBase(t)
		b := overFD(t, base, -1, 0)
		var d diary
		d.keep(b)
		write(t, b, "hello")
		ok(t, b.ConnectHostname(nil, "tcp4", name, port))
		d.want(t)
		d.await(t, base, "write")
		d.want(t, "connected", "write")
		expectRead(t, h.accept(), "hello")
	}
}

func TestGosResolverThatFails(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	hints := &evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM, Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no network")
		}}}
	ok(t, b.ConnectHostnameHints(nil, hints, "host.example.", 80))
	d.await(t, base, "error")
	if _, is := errors.AsType[evutil.GAIError](b.DNSError()); !is {
		t.Errorf("DNS error %v", b.DNSError())
	}
}

// The loop has something to wait for while the name is looked up, and no longer
// once nobody wants to know.
func TestGosResolverGivenUp(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	asked := make(chan struct{}, 10)
	hints := &evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM, Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			asked <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}}}
	ok(t, b.ConnectHostnameHints(nil, hints, "host.example.", 80))
	<-asked
	want(t, "virtual events", base.NumEvents(event.CountVirtual), 1)
	b.Free()
	ok(t, base.Dispatch())
	want(t, "virtual events", base.NumEvents(event.CountVirtual), 0)
}

func TestConnectHostnameThroughAFilter(t *testing.T) {
	base := newBase(t)
	under := overFD(t, base, -1, 0)
	b, err := bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree, nil)
	ok(t, err)
	defer b.Free()
	var d diary
	d.keep(b)
	s := &script{err: evutil.EAIFail}
	ok(t, b.ConnectHostname(s, "tcp", "host.example", 80))
	d.await(t, base, "error")
	wantError(t, "DNS error", b.DNSError(), evutil.EAIFail)
	wantError(t, "error", b.Err(), evutil.EAIFail)
}

// Errors name the address that they are about.
func TestErrorsOfConnectingNameTheAddress(t *testing.T) {
	base := newBase(t)
	addrs := []netip.AddrPort{closedPort(t), closedPort(t)}
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.ConnectHostname(&script{answer: addrs}, "tcp", "host.example", 80))
	d.await(t, base, "error")
	if !strings.Contains(b.Err().Error(), addrs[0].String()) {
		t.Errorf("%q does not name %v", b.Err(), addrs[0])
	}
}
