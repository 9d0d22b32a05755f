//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poller

import (
	"runtime"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// What the kernel has for kqueue. Tests on Linux put an emulation in its place, see
// kqueue_emulated.go.

type kevent = unix.Kevent_t

const (
	evfiltRead  = unix.EVFILT_READ
	evfiltWrite = unix.EVFILT_WRITE

	evAdd    = unix.EV_ADD
	evDelete = unix.EV_DELETE
	evClear  = unix.EV_CLEAR
)

func kqueueOpen() (int, error)                   { return unix.Kqueue() }
func kqueueClose(kq int) error                   { return sysio.Close(kq) }
func kqueueCloseOnExec(kq int)                   { unix.CloseOnExec(kq) }
func setKevent(e *kevent, fd, filter, flags int) { unix.SetKevent(e, fd, filter, flags) }

// keventWait blocks the thread until there is an event or timeout, unless nil, has
// passed.
func keventWait(kq int, events []kevent, timeout *unix.Timespec) (int, error) {
	return unix.Kevent(kq, nil, events, timeout)
}

// keventChange applies changes. It leaves no room for events, so that the kernel
// reports an error as such.
func keventChange(kq int, changes []kevent) error {
	_, err := unix.Kevent(kq, changes, nil, nil)
	return err
}

// fileNote makes a regular file readable at its end too, as poll has it, where the
// kernel knows how: by NOTE_FILE_POLL or NOTE_EOF. Zero says that it does not.
var fileNote = func() uint32 {
	switch runtime.GOOS {
	case "freebsd", "openbsd":
		return 0x2
	}
	return 0
}()
