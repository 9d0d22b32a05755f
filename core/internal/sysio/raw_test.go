//go:build linux || freebsd || netbsd || dragonfly

package sysio

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlySocketsAreSockets(t *testing.T) {
	fd := int(newFile(t, "0123456789").Fd())
	for _, size := range []int{4, 2} {
		_, err := Recv(fd, pieces("....", size))
		want(t, "Recv from a file", err, ErrNotSocket)
		_, err = Send(fd, pieces("....", size))
		want(t, "Send to a file", err, ErrNotSocket)
	}
}

// Even a socket in blocking mode does not make Recv wait.
func TestBlockingSocketsDoNotWait(t *testing.T) {
	pair := socketPair(t)
	ok(t, unix.SetNonblock(pair[0], false))
	_, err := Recv(pair[0], pieces("....", 4))
	want(t, "Recv", err, ErrAgain)
}

// Only what may take time to close is closed the long way.
func TestWhatLingers(t *testing.T) {
	pair := socketPair(t)
	tests := []struct {
		name string
		set  *unix.Linger
		want bool
	}{
		{"a new socket", nil, false},
		{"a socket that lingers", &unix.Linger{Onoff: 1, Linger: 1}, true},
		{"a socket that drops what it has", &unix.Linger{Onoff: 1}, false},
		{"a socket that does not linger", &unix.Linger{Linger: 1}, false},
	}
	for _, tt := range tests {
		if tt.set != nil {
			ok(t, unix.SetsockoptLinger(pair[0], unix.SOL_SOCKET, unix.SO_LINGER, tt.set))
		}
		want(t, tt.name, lingers(pair[0]), tt.want)
	}
	want(t, "a file", lingers(int(newFile(t, "").Fd())), true)
	want(t, "no descriptor", lingers(-1), true)
}

func TestWhatSendfileCannotDo(t *testing.T) {
	for _, err := range []error{unix.EINVAL, unix.ENOSYS, unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOTSOCK} {
		want(t, err.Error(), CannotSendfile(err), true)
	}
	for _, err := range []error{nil, unix.EAGAIN, unix.EPIPE, unix.EBADF, unix.EIO} {
		want(t, "other errors", CannotSendfile(err), false)
	}
}
