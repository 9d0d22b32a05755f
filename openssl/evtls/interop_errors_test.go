//go:build unix

package evtls_test

import (
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
)

// wantRemoteAlert checks that an error is an alert that the peer has sent.
func wantRemoteAlert(t testing.TB, err error, text string) {
	t.Helper()
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want a remote error with %q", err, text)
	}
}

// isA reports whether an error wraps one of a type.
func isA[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// isInvalid returns a function that reports whether an error says that a
// certificate is invalid, for a reason.
func isInvalid(reason x509.InvalidReason) func(error) bool {
	return func(err error) bool {
		var invalid x509.CertificateInvalidError
		return errors.As(err, &invalid) && invalid.Reason == reason
	}
}
