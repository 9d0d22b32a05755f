package sock

import (
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/windows"
)

// Winsock's plain accept, which package windows does not have.
var procAccept = windows.NewLazySystemDLL("ws2_32.dll").NewProc("accept")

// accept gets a socket that is non-blocking because the listener is.
func accept(listener int) (int, error) {
	r, _, err := procAccept.Call(uintptr(listener), 0, 0)
	if windows.Handle(r) == windows.InvalidHandle {
		return evutil.InvalidSocket, err
	}
	fd := int(r)
	if err := evutil.SetCloseOnExec(fd); err != nil {
		evutil.CloseSocket(fd)
		return evutil.InvalidSocket, err
	}
	return fd, nil
}
