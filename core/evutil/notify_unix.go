//go:build unix

package evutil

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// oneNotification is what an eventfd adds to its counter; to a pipe it is
// just some bytes.
var oneNotification = binary.NativeEndian.AppendUint64(nil, 1)

// sysNotify may be interrupted, but never writes half a notification.
func sysNotify(w int) error {
	for {
		_, err := unix.Write(w, oneNotification)
		if err != unix.EINTR {
			return err
		}
	}
}

func sysDrain(r int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(r, buf)
		if err != unix.EINTR {
			return n, err
		}
	}
}
