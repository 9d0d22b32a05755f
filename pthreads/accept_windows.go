package pthreads

import (
	"syscall"
	"unsafe"

	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/windows"
)

// Winsock's plain accept, which neither syscall nor x/sys has.
var procAccept = windows.NewLazySystemDLL("ws2_32.dll").NewProc("accept")

// accept accepts a connection. It is non-blocking because the listener is.
//
// Winsock writes to raw and size before the call returns, which keeps them
// alive.
func accept(listener int) (fd int, peer syscall.Sockaddr, err error) {
	var raw syscall.RawSockaddrAny
	size := int32(unsafe.Sizeof(raw))
	r, _, err := procAccept.Call(uintptr(listener), uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&size)))
	if windows.Handle(r) == windows.InvalidHandle {
		return evutil.InvalidSocket, nil, err
	}
	fd = int(r)
	if err := evutil.SetCloseOnExec(fd); err != nil {
		evutil.CloseSocket(fd)
		return evutil.InvalidSocket, nil, err
	}
	peer, _ = raw.Sockaddr() // fails for families that have no peer to tell
	return fd, peer, nil
}
