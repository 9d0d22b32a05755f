//go:build unix

package pthreads

import (
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// adopt takes the socket of a listener over from package net, which watches the
// descriptors that it owns, and so would be woken by every connection, too.
func adopt(l net.Listener) (*socket, error) {
	defer l.Close()
	c, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{addr: l.Addr()}
	err = control(c, func(fd int) (err error) {
		s.fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		return os.NewSyscallError("fcntl", err)
	})
	if err != nil {
		return nil, err
	}
	s.close = func() error { return unix.Close(s.fd) }
	if l, ok := l.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
		s.close = s.closeAndUnlink
	}
	return s, nil
}

// closeAndUnlink closes a Unix socket and removes its file, unless it is one in
// Linux's abstract name space, which has none.
func (s *socket) closeAndUnlink() error {
	if path := s.addr.String(); !strings.HasPrefix(path, "@") {
		os.Remove(path) // first, as net does: afterwards it could be somebody else's
	}
	return unix.Close(s.fd)
}
