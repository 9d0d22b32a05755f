package listener

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// NewUnix makes a listener for a Unix socket, whose file it makes at path. On
// Linux a path that starts with @ is a name in the abstract name space, which
// has no files. The backlog must not be zero. The socket is closed if NewUnix
// fails, and otherwise as New says; Free with CloseOnFree removes the file, if
// it still is the one that NewUnix made.
//
// A file that is there already is an error, ErrAddrInUse. With Reuseable it is
// removed if it is a socket at which no process listens; to find out, NewUnix
// connects to it. Except on Linux, a listener whose queue is full looks like
// none. Of programs that do this to one path in the same moment, more than one
// can get it. ReuseablePort and the other flags for TCP are
// errors (evconnlistener_new_bind).
func NewUnix(b *event.Base, path string, flags Flag, backlog int, cb Callback) (*Listener, error) {
	l, err := newUnix(b, path, flags, backlog, cb)
	if err != nil {
		return nil, fmt.Errorf("listener: listen unix %s: %w", path, err)
	}
	return l, nil
}

func newUnix(b *event.Base, path string, flags Flag, backlog int, cb Callback) (*Listener, error) {
	if err := flags.check(bindFlags); err != nil {
		return nil, err
	}
	if path == "" || strings.Contains(path, "\x00") {
		return nil, syscall.EINVAL
	}
	return open(b, syscall.AF_UNIX, flags, backlog, cb, func(fd int) (*sysio.SocketFile, error) {
		if err := bindUnix(fd, path, flags); err != nil || isAbstract(path) {
			return nil, err
		}
		file, err := sysio.FindSocket(path)
		if err != nil {
			return nil, nil // it has gone already
		}
		return &file, nil
	})
}

func isAbstract(path string) bool { return runtime.GOOS == "linux" && path[0] == '@' }

func bindUnix(fd int, path string, flags Flag) error {
	err := sysio.Bind(fd, sysio.UnixSockaddr(path))
	if err != ErrAddrInUse || flags&Reuseable == 0 || isAbstract(path) {
		return err
	}
	file, failed := sysio.FindSocket(path)
	if failed != nil || !file.IsSocket() || isServed(path) {
		return err
	}
	if err := file.Remove(); err != nil {
		return err
	}
	return sysio.Bind(fd, sysio.UnixSockaddr(path))
}

// isServed reports whether a process may listen at the socket at path.
func isServed(path string) bool {
	fd, err := sysio.Socket(syscall.AF_UNIX, sysio.Mode{})
	if err != nil {
		return true
	}
	defer evutil.CloseSocket(fd)
	return sysio.Connect(fd, sysio.UnixSockaddr(path)) != sysio.ErrRefused
}
