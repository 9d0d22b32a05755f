package evtls

import "context"

// waiter is a handshake whose goroutine can wait for something else than its
// peer, while the loop, or the others that share its workers, go on.
type waiter interface {
	leave(ctx context.Context, wait func(ctx context.Context) error) error
}

// waiterKey is the key of a handshake's waiter in the context that the functions
// in a tls.Config find in what they are called with.
type waiterKey struct{}

// Wait calls wait, which may take its time: it is for the functions in a
// tls.Config that need something from the network or a disk, of which
// GetCertificate, GetConfigForClient and GetClientCertificate get a context:
//
//	GetCertificate: func(hello *tls.ClientHelloInfo) (cert *tls.Certificate, err error) {
//		err = evtls.Wait(hello.Context(), func(ctx context.Context) error {
//			cert, err = fetch(ctx, hello.ServerName)
//			return err
//		})
//		return cert, err
//	}
//
// In a handshake of this package the loop goes on meanwhile, as do those that
// wait for the same Workers; the handshake goes on when wait has returned. ctx is
// done if the handshake is given up: then wait should return soon. In any other
// context wait is just called.
func Wait(ctx context.Context, wait func(ctx context.Context) error) error {
	if w, ok := ctx.Value(waiterKey{}).(waiter); ok {
		return w.leave(ctx, wait)
	}
	return wait(ctx)
}
