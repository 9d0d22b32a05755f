//go:build !windows

package evdns

import (
	"syscall"

	"github.com/go-libevent/libevent/core/datagram"
)

// The errors of the system that say that a nameserver is unreachable, that this host is
// short of a resource, and that the peer has reset a connection.
var (
	unreachableErrors = []error{
		datagram.ErrRefused, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EAFNOSUPPORT, syscall.EADDRNOTAVAIL,
	}
	resourceErrors       = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}
	errReset       error = syscall.ECONNRESET
)
