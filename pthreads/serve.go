package pthreads

import (
	"errors"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/event"
)

// A Service is what each loop of a group does with connections: evhttp.Servers,
// for example.
type Service interface {
	// Setup makes what loop i has of the service, and Teardown frees it. They
	// are called as GroupConfig's Setup and Teardown.
	Setup(i int, b *event.Base) error
	Teardown(i int, b *event.Base)
	// Accept serves a connection on the loop of b. It is an AcceptFunc.
	Accept(b *event.Base, fd int, peer netip.AddrPort)
}

// Serve makes a group, has it serve connections to an address, and returns with
// the address that is listened at; Wait or Stop ends it. It is NewGroup and
// Listen in one, with their arguments and errors: cfg's Setup runs before the
// service's, its Teardown after the service's. The error is event.ErrNil for a nil
// service. It may be called from any goroutine.
func Serve(cfg *GroupConfig, address string, s Service) (*Group, net.Addr, error) {
	if s == nil {
		return nil, nil, event.ErrNil
	}
	var own GroupConfig
	if cfg != nil {
		own = *cfg
	}
	own.Setup, own.Teardown = serviceSetup(own, s), serviceTeardown(own, s)
	g, err := NewGroup(&own)
	if err != nil {
		return nil, nil, err
	}
	addr, err := g.Listen(address, s.Accept)
	if err != nil {
		g.exit(nil)
		return nil, nil, errors.Join(err, g.Wait())
	}
	return g, addr, nil
}

// serviceSetup returns a Setup for both the user of a group and a service.
func serviceSetup(cfg GroupConfig, s Service) func(i int, b *event.Base) error {
	return func(i int, b *event.Base) error {
		if cfg.Setup != nil {
			if err := cfg.Setup(i, b); err != nil {
				return err
			}
		}
		err := s.Setup(i, b)
		if err != nil && cfg.Teardown != nil {
			cfg.Teardown(i, b)
		}
		return err
	}
}

// serviceTeardown returns a Teardown for both, in the other order.
func serviceTeardown(cfg GroupConfig, s Service) func(i int, b *event.Base) {
	return func(i int, b *event.Base) {
		s.Teardown(i, b)
		if cfg.Teardown != nil {
			cfg.Teardown(i, b)
		}
	}
}
