package bufferevent_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// epoll watches no files on disk, nor what was closed, and says so.
func onEpoll(t *testing.T) *event.Base {
	t.Helper()
	base := newBase(t)
	if base.Method() != "epoll" {
		t.Skip("this is about epoll")
	}
	return base
}

func TestWhatCannotBeWatchedCannotBeRead(t *testing.T) {
	base := onEpoll(t)
	fd, err := unix.Open(filepath.Join(t.TempDir(), "f"), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	ok(t, err)
	b := overFD(t, base, fd, 0)
	wantError(t, "Enable", b.Enable(event.Read), unix.EPERM)
	var d diary
	d.keep(b)
	write(t, b, "but written")
	settle(t, base)
	d.want(t, "write")
	text, err := os.ReadFile(fmt.Sprint("/proc/self/fd/", fd))
	ok(t, err)
	want(t, "the file", string(text), "but written")
}

// There is no room, and no way to wait for some.
func TestWhatCannotBeWatchedCannotBeWaitedFor(t *testing.T) {
	base := onEpoll(t)
	fd, err := unix.Open(filepath.Join(t.TempDir(), "f"), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	ok(t, err)
	b := overFD(t, base, fd, 0)
	var d diary
	d.keep(b)
	defer sysio.SetHook(refuse(sysio.OpSend, fd, 1, sysio.ErrAgain))()
	write(t, b, "hello")
	settle(t, base)
	d.want(t, "writing|error")
	wantError(t, "error", b.Err(), unix.EPERM)
}
