package evtls

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
)

// Errors that a caller may want to tell apart with errors.Is. What they are
// wrapped in names the operation.
var (
	// ErrFlags is a flag that does not exist.
	ErrFlags = errors.New("unknown flag")
	// ErrState is a state that does not exist.
	ErrState = errors.New("unknown state")
	// ErrNotTLS is the use of a bufferevent that is not one of this package.
	ErrNotTLS = errors.New("not a TLS bufferevent")
	// ErrNotOpen is the use of a connection whose handshake is not done, or
	// that has ended.
	ErrNotOpen = errors.New("TLS connection is not open")
	// ErrInUse is a Conn that another bufferevent has.
	ErrInUse = errors.New("TLS connection is in use")
	// ErrRenegotiation is a configuration that allows renegotiation.
	ErrRenegotiation = errors.New("renegotiation is not supported")
	// ErrHandshakeTimeout is a handshake that has taken too long. It is an
	// os.ErrDeadlineExceeded, too.
	ErrHandshakeTimeout = fmt.Errorf("handshake timed out: %w", os.ErrDeadlineExceeded)
)

// opError names the operation that an error is about.
func opError(op string, err error) error {
	return fmt.Errorf("evtls: %s: %w", op, err)
}

// withAlert makes a tls.AlertError of the alert that an error is about, so that
// errors.As finds it: crypto/tls has a type of its own for it, which no other package
// can name, except in QUIC.
func withAlert(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" && op.Op != "local error" {
		return err
	}
	if alert := reflect.ValueOf(op.Err); alert.Kind() == reflect.Uint8 {
		return fmt.Errorf("%w%.0w", err, tls.AlertError(alert.Uint()))
	}
	return err
}
