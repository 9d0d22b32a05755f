//go:build darwin || openbsd

package poller

import "golang.org/x/sys/unix"

// keventNow asks what is ready now. System calls go through the C library
// here, for which Go has no raw form.
func keventNow(kq int, buf []kevent) (int, error) {
	var now unix.Timespec
	return unix.Kevent(kq, nil, buf, &now)
}
