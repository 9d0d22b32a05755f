package evutil

import "fmt"

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
	pair, err := sysSocketpair(family, typ, proto)
	if err != nil {
		return noPair, fmt.Errorf("socketpair family %d type %d: %w", family, typ, err)
	}
	return pair, nil
}

// noPair is what a failed call returns.
var noPair = [2]int{InvalidSocket, InvalidSocket}

// closePair closes both ends of a pair that is not going to be handed out.
func closePair(pair [2]int) {
	_ = CloseSocket(pair[0]) // it is closed in any case
	_ = CloseSocket(pair[1]) // it is closed in any case
}
