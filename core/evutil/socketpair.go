package evutil

import (
	"fmt"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Socketpair returns two sockets that are connected to each other. Both are
// non-blocking and close-on-exec from the start, which in C takes flags. The
// caller closes them with [CloseSocket].
//
// On Unix family is [syscall.AF_UNIX], typ one of [syscall.SOCK_STREAM],
// [syscall.SOCK_DGRAM] and SOCK_SEQPACKET, as far as the system knows it, and
// proto is 0. On Windows, which has no such pairs, the sockets come from
// [LoopbackPair]: family is AF_UNIX or AF_INET, typ SOCK_STREAM and proto 0.
// The error wraps that of the system, on Windows WSAEAFNOSUPPORT for anything
// else (evutil_socketpair).
func Socketpair(family, typ, proto int) ([2]int, error) {
	pair, err := sysio.Socketpair(family, typ, proto)
	if err != nil {
		return pair, opError(fmt.Sprintf("socketpair family %d type %d", family, typ), err)
	}
	return pair, nil
}

// LoopbackPair returns two TCP sockets that are connected to each other by
// way of 127.0.0.1, non-blocking and close-on-exec. It works wherever the loopback interface is up and not firewalled. The
// caller closes the sockets with [CloseSocket].
//
// Another program may connect to the port in the instant between listen and
// accept; its connection is closed. The call blocks for the time it takes to
// connect (evutil_ersatz_socketpair_).
func LoopbackPair() ([2]int, error) {
	pair, err := sysio.LoopbackPair()
	if err != nil {
		return pair, opError("loopback pair", err)
	}
	return pair, nil
}
