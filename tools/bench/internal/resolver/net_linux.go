package resolver

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// resolveNet looks names up with net.Resolver, in Go, in so many goroutines. The
// names end with a dot, so that no search list applies.
func resolveNet(upstream netip.AddrPort, lookups, atOnce int) error {
	var dialer net.Dialer
	r := &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, upstream.String())
		},
	}
	var started atomic.Int64
	group, ctx := errgroup.WithContext(context.Background())
	for range atOnce {
		group.Go(func() error {
			for {
				i := int(started.Add(1) - 1)
				if i >= lookups {
					return nil
				}
				name := name(i)
				addrs, err := r.LookupNetIP(ctx, "ip4", name+".")
				if err := check(name, addrs, err); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}
