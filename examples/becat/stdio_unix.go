//go:build unix

package main

import (
	"io/fs"
	"os"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"golang.org/x/sys/unix"
)

// openDirect returns nil for anything but pipes and sockets. Loops cannot wait
// for files. They could wait for terminals, but these would have to be made
// non-blocking for all programs that use them, the shell among them.
func openDirect(base *event.Base, f *os.File) (*stdio, error) {
	info, err := f.Stat()
	if err != nil || info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		return nil, err
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "fcntl", Path: f.Name(), Err: err}
	}
	bev, err := bufferevent.FromFile(base, f, 0)
	if err != nil {
		return nil, err
	}
	s := &stdio{bev: bev}
	if flags&unix.O_NONBLOCK == 0 {
		// A pipe may have other users, too, now or afterwards.
		s.restore = func() { _ = unix.SetNonblock(bev.FD(), false) } // the program ends
	}
	return s, nil
}
