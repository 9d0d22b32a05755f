//go:build openbsd || netbsd || windows

package sysio

import "errors"

// CanSendfile tells whether the system has sendfile.
const CanSendfile = false

func sendfile(dst, src int, offset int64, n int) (int, error) {
	return 0, errors.ErrUnsupported
}
