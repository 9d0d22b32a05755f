// Package blocking lets a function that runs inside a TLS handshake, such as
// tls.Config's GetCertificate, block without blocking the event loop that drives
// the handshake. Package evtls runs such sections; package evcert has them, without
// knowing whose handshake it is in.
//
// # Files
//
//	blocking.go    Section, With, Do
package blocking

import "context"

// A Section is the driver of a handshake. Block calls fn while the driver lets its
// loop and its other handshakes go on, and returns what fn does once the handshake
// may go on. The context that fn gets is done when the handshake is given up.
type Section interface {
	Block(ctx context.Context, fn func(ctx context.Context) error) error
}

// key is the key of a Section in a context.
type key struct{}

// With returns a context in which Do calls s.
func With(ctx context.Context, s Section) context.Context { return context.WithValue(ctx, key{}, s) }

// Do calls fn in the Section of the context, or directly if the context has none.
func Do(ctx context.Context, fn func(ctx context.Context) error) error {
	if s, ok := ctx.Value(key{}).(Section); ok {
		return s.Block(ctx, fn)
	}
	return fn(ctx)
}
