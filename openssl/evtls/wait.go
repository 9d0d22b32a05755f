package evtls

import (
	"context"

	"github.com/go-libevent/libevent/openssl/internal/blocking"
)

// Wait calls wait, which may block: it is for the functions in a tls.Config that
// need something from the network or a disk, of which GetCertificate,
// GetConfigForClient and GetClientCertificate get a context:
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
	return blocking.Do(ctx, wait)
}
