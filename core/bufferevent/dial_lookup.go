package bufferevent

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A Resolver looks host names up. The Base of package evdns is one; with nil in
// its place, Go's own resolver works in another goroutine.
type Resolver interface {
	// GetAddrInfo looks up how to reach a service on a node, as
	// evutil.Getaddrinfo does, but without waiting: it calls done with the
	// result on the goroutine of the loop, perhaps before it returns. The
	// function that it returns cancels the lookup, and may be called more than
	// once and when the lookup is over; done is not called after that.
	GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) (cancel func())
}

// ConnectHost implements Connector. Both directions are suspended while the name is
// looked up.
func (s *socket) ConnectHost(r Resolver, hints *evutil.AddrInfoHints, host string, port int) error {
	d, err := s.dial()
	if err != nil {
		return err
	}
	d.lookup(r, hints, host, port)
	return nil
}

// DNSError implements Connector.
func (s *socket) DNSError() error {
	if s.bev.rare == nil || s.bev.rare.dial == nil {
		return nil
	}
	return s.bev.rare.dial.dnsErr
}

// lookup looks the name up. The resolver may call back before it returns.
func (d *dialer) lookup(r Resolver, hints *evutil.AddrInfoHints, host string, port int) {
	b := &d.socket.bev
	b.dialSettings().dnsErr = nil
	d.state = dialLookup
	b.suspend(event.Read, suspendLookup)
	b.suspend(event.Write, suspendLookup)
	cancel := r.GetAddrInfo(host, strconv.Itoa(port), hints, func(addrs []evutil.AddrInfo, err error) {
		if !b.begin() {
			return
		}
		if d.lookingUp() {
			d.onAddresses(addrs, err)
		}
		b.end()
	})
	if d.lookingUp() {
		d.cancel = cancel
	}
}

// lookingUp reports whether the dialer waits for its resolver.
func (d *dialer) lookingUp() bool { return d.socket.dialer == d && d.state == dialLookup }

// endLookup cancels the lookup, if it is under way, without effect on what the user
// has enabled.
func (d *dialer) endLookup() {
	if d.cancel == nil {
		return
	}
	b := &d.socket.bev
	d.cancel()
	d.cancel = nil
	b.suspended[0] &^= suspendLookup
	b.suspended[1] &^= suspendLookup
}

// onAddresses goes on with the addresses of the host.
func (d *dialer) onAddresses(addrs []evutil.AddrInfo, err error) {
	s := d.socket
	b := &s.bev
	d.cancel = nil
	b.resume(event.Read, suspendLookup)
	b.resume(event.Write, suspendLookup)
	if err == nil && len(addrs) == 0 {
		err = evutil.EAINoData
	}
	if err != nil {
		b.dialSettings().dnsErr = err
	} else {
		err = d.connectAny(addrs)
	}
	if err != nil {
		d.end()
		s.bev.report(EventError, err, TrigDeferCallbacks)
	}
}

// connectAny connects to one of the addresses: if there is a choice, and the
// descriptor has yet to be made, to the first that answers.
func (d *dialer) connectAny(addrs []evutil.AddrInfo) error {
	if d.socket.FD() < 0 && len(addrs) > 1 {
		return d.startRace(addrs)
	}
	to, err := evutil.AddrPortToSockaddr(addrs[0].Addr)
	if err != nil {
		return err
	}
	if err := d.connect(to, addrs[0].Family); err != nil {
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
	r.base.AddVirtual() // keeps the loop running
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
