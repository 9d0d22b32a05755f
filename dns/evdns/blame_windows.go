package evdns

import (
	"syscall"

	"github.com/go-libevent/libevent/core/datagram"
)

// The errors of Winsock of which the package syscall has no names.
const (
	wsaEMFILE        = syscall.Errno(10024)
	wsaEAFNOSUPPORT  = syscall.Errno(10047)
	wsaEADDRNOTAVAIL = syscall.Errno(10049)
	wsaENETUNREACH   = syscall.Errno(10051)
	wsaENOBUFS       = syscall.Errno(10055)
	wsaEHOSTUNREACH  = syscall.Errno(10065)
)

// What the system says when there is no way to a nameserver, when this host is short of
// something, and when the other side has reset a connection.
var (
	noWay          = []error{datagram.ErrRefused, wsaENETUNREACH, wsaEHOSTUNREACH, wsaEAFNOSUPPORT, wsaEADDRNOTAVAIL}
	shortage       = []error{wsaEMFILE, wsaENOBUFS}
	errReset error = syscall.WSAECONNRESET
)
