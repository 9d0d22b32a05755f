package server

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// rawLoop is an echo server that does nothing but system calls.
type rawLoop struct {
	epfd    int
	buf     []byte
	pending map[int][]byte // what could not be written yet, by descriptor
}

// serveRaw runs a loop over epoll, level triggered: the ceiling of what a Go
// program can do with one read and one write a message.
func serveRaw(r ready) error {
	listener, addr, err := listen()
	if err != nil {
		return err
	}
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	l := &rawLoop{epfd: epfd, buf: make([]byte, readSize), pending: make(map[int][]byte)}
	if err := l.control(unix.EPOLL_CTL_ADD, listener, unix.EPOLLIN); err != nil {
		return err
	}
	r(addr)
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(epfd, events, -1)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			fd := int(e.Fd)
			switch {
			case fd == listener:
				acceptAll(listener, l.add)
			case e.Events&unix.EPOLLOUT != 0:
				l.flush(fd)
			default:
				l.echo(fd)
			}
		}
	}
}

func (l *rawLoop) control(op, fd int, events uint32) error {
	err := unix.EpollCtl(l.epfd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("epoll_ctl fd %d: %w", fd, err)
	}
	return nil
}

// add starts to serve a connection.
func (l *rawLoop) add(fd int) {
	if l.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
		unix.Close(fd)
	}
}

// echo reads once and writes that.
func (l *rawLoop) echo(fd int) {
	n, errno := rawio.Read(fd, l.buf)
	if errno == unix.EAGAIN {
		return
	}
	if n <= 0 {
		l.close(fd)
		return
	}
	l.write(fd, l.buf[:n])
}

// write writes p. If that is more than the socket takes, nothing is read until
// the rest is written.
func (l *rawLoop) write(fd int, p []byte) {
	n, errno := rawio.Write(fd, p)
	switch {
	case errno != 0 && errno != unix.EAGAIN:
		l.close(fd)
	case n < len(p):
		l.pending[fd] = bytes.Clone(p[n:])
		if l.control(unix.EPOLL_CTL_MOD, fd, unix.EPOLLOUT) != nil {
			l.close(fd)
		}
	}
}

// flush writes what is left, and reads again when nothing is.
func (l *rawLoop) flush(fd int) {
	p := l.pending[fd]
	n, errno := rawio.Write(fd, p)
	switch {
	case errno == unix.EAGAIN:
	case errno != 0:
		l.close(fd)
	case n < len(p):
		l.pending[fd] = p[n:]
	default:
		delete(l.pending, fd)
		if l.control(unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN) != nil {
			l.close(fd)
		}
	}
}

func (l *rawLoop) close(fd int) {
	delete(l.pending, fd)
	unix.Close(fd)
}
