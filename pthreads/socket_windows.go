package pthreads

import (
	"net"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// adopt finds out the handle of a listener, and leaves it to package net to
// close it.
func adopt(l net.Listener) (*socket, error) {
	s := &socket{addr: l.Addr(), close: l.Close}
	c, err := l.(syscall.Conn).SyscallConn()
	if err == nil {
		err = control(c, func(fd int) error {
			s.fd = fd
			return evutil.SetNonblock(fd)
		})
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}
