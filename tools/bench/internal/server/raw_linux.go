package server

import (
	"bytes"
	"fmt"
	"net"

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
	listener, addr, err := listenRaw()
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
				l.accept(listener)
			case e.Events&unix.EPOLLOUT != 0:
				l.flush(fd)
			default:
				l.echo(fd)
			}
		}
	}
}

// listenRaw returns a listening descriptor. TCP_NODELAY is inherited by what it
// accepts.
func listenRaw() (int, net.Addr, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, nil, fmt.Errorf("socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, nil, fmt.Errorf("set TCP_NODELAY: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, nil, fmt.Errorf("bind: %w", err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return -1, nil, fmt.Errorf("listen: %w", err)
	}
	addr, err := localAddr(fd)
	return fd, addr, err
}

// localAddr returns the address of an IPv4 socket.
func localAddr(fd int) (net.Addr, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("getsockname fd %d: %w", fd, err)
	}
	sa4, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return nil, fmt.Errorf("fd %d is no IPv4 socket", fd)
	}
	return &net.TCPAddr{IP: sa4.Addr[:], Port: sa4.Port}, nil
}

func (l *rawLoop) control(op, fd int, events uint32) error {
	err := unix.EpollCtl(l.epfd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("epoll_ctl fd %d: %w", fd, err)
	}
	return nil
}

// accept accepts all connections that wait.
func (l *rawLoop) accept(listener int) {
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR || err == unix.ECONNABORTED {
			continue
		}
		if err != nil {
			return
		}
		if l.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
			unix.Close(fd)
		}
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
