//go:build unix

package sock

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestAcceptedSocketsAreNonblockingAndCloseOnExec(t *testing.T) {
	_, fd := connect(t, listen(t))
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || status&unix.O_NONBLOCK == 0 {
		t.Errorf("status flags %#x, %v, want O_NONBLOCK", status, err)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v, want FD_CLOEXEC", flags, err)
	}
}
