package evdns

import (
	"syscall"

	"github.com/go-libevent/libevent/core/datagram"
)

// Errors of Winsock that package syscall does not name.
const (
	wsaEMFILE        = syscall.Errno(10024)
	wsaEAFNOSUPPORT  = syscall.Errno(10047)
	wsaEADDRNOTAVAIL = syscall.Errno(10049)
	wsaENETUNREACH   = syscall.Errno(10051)
	wsaENOBUFS       = syscall.Errno(10055)
	wsaEHOSTUNREACH  = syscall.Errno(10065)
)

// The errors of the system that say that a nameserver is unreachable, that this host is
// short of a resource, and that the peer has reset a connection.
var (
	unreachableErrors       = []error{datagram.ErrRefused, wsaENETUNREACH, wsaEHOSTUNREACH, wsaEAFNOSUPPORT, wsaEADDRNOTAVAIL}
	resourceErrors          = []error{wsaEMFILE, wsaENOBUFS}
	errReset          error = syscall.WSAECONNRESET
)
