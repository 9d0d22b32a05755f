//go:build !linux

package datagram_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
)

func TestLocalAddressesAreNotSupported(t *testing.T) {
	fd := listen(t, loopbacks[0], 0)
	wantError(t, "TellLocal", datagram.TellLocal(fd), errors.ErrUnsupported)
	messages := texts(addrOf(t, fd), "one", "two")
	messages[0].Local = loopbacks[0].Addr()
	n, err := datagram.NewBatch(4, 0).Send(fd, messages)
	want(t, "messages done with", n, 2)
	wantError(t, "Send", err, errors.ErrUnsupported)
	recv(t, fd, 1)
}
