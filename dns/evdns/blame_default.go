//go:build !windows

package evdns

import (
	"syscall"

	"github.com/go-libevent/libevent/core/datagram"
)

// What the system says when there is no way to a nameserver, when this host is short of
// something, and when the other side has reset a connection.
var (
	noWay = []error{
		datagram.ErrRefused, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EAFNOSUPPORT, syscall.EADDRNOTAVAIL,
	}
	shortage       = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}
	errReset error = syscall.ECONNRESET
)
