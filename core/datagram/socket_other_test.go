//go:build !linux

package datagram_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evtest"
)

func TestPeerErrorsAreNotSupported(t *testing.T) {
	_, err := datagram.ListenSocket(evtest.Base(t), loopbacks[0], 0, datagram.Config{PeerErrors: true})
	wantError(t, "ListenSocket", err, errors.ErrUnsupported)
}
