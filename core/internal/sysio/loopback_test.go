package sysio

import (
	"testing"

	"github.com/go-libevent/libevent/core/internal/leak"
)

// A program that connects between listen and accept is turned away.
func TestLoopbackPairsAreNotMadeWithStrangers(t *testing.T) {
	leak.Check(t)
	listener, err := listenLoopback()
	ok(t, err)
	defer CloseSocket(listener)
	var strangers []int
	for range 3 {
		fd, err := dialLoopback(listener)
		ok(t, err)
		defer CloseSocket(fd)
		strangers = append(strangers, fd)
	}
	connector, err := dialLoopback(listener)
	ok(t, err)
	defer CloseSocket(connector)
	acceptor, err := acceptFrom(listener, connector)
	ok(t, err)
	defer CloseSocket(acceptor)

	sa, err := Peername(acceptor)
	ok(t, err)
	peer, err := SockaddrToAddrPort(sa)
	ok(t, err)
	want(t, "peer", peer, addrOf(t, connector))
	ok(t, SetNonblock(connector))
	if _, err := Recv(connector, [][]byte{make([]byte, 1)}); err != ErrAgain {
		t.Errorf("own connection: %v, want %v", err, ErrAgain)
	}
	for _, fd := range strangers { // which wait for the end
		if n, err := Read(fd, [][]byte{make([]byte, 1)}); n != 0 {
			t.Errorf("a stranger has read %d bytes, error %v", n, err)
		}
	}
}
