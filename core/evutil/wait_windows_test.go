package evutil_test

import (
	"testing"

	"golang.org/x/sys/windows"

	"github.com/go-libevent/libevent/core/evutil"
)

// waitForData peeks in blocking mode, and leaves the socket non-blocking.
func waitForData(t *testing.T, fd int) {
	t.Helper()
	const fionbio = 0x8004667e // the ioctl that turns non-blocking mode on or off
	off := [4]byte{}
	var n uint32
	err := windows.WSAIoctl(windows.Handle(fd), fionbio, &off[0], uint32(len(off)), nil, 0, &n, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var c byte
	flags := uint32(windows.MSG_PEEK)
	err = windows.WSARecv(windows.Handle(fd), &windows.WSABuf{Len: 1, Buf: &c}, 1, &n, &flags, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := evutil.SetNonblock(fd); err != nil {
		t.Fatal(err)
	}
}
