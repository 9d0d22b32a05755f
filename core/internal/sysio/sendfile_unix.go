//go:build linux || darwin || freebsd || dragonfly || solaris

package sysio

import "golang.org/x/sys/unix"

// CanSendfile tells whether the system has sendfile.
const CanSendfile = true

// maxSendfile bounds one call, for systems that count in 32 bits.
const maxSendfile = 1 << 30

// sendfile reports success if anything was sent: the BSDs tell both how much
// that was and why it is not more, Solaris only moves the offset.
func sendfile(dst, src int, offset int64, n int) (int, error) {
	start := offset
	sent, err := unix.Sendfile(dst, src, &offset, min(n, maxSendfile))
	if sent > 0 {
		return sent, nil
	}
	if offset > start {
		return int(offset - start), nil
	}
	return 0, err
}
