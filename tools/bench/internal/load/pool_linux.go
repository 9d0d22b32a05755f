package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// patience is how long the load waits for the server to do anything.
const patience = 10 * time.Second

// pool is a number of connections and the epoll descriptor that watches them.
// An event's user data is the index of its connection.
type pool struct {
	epfd   int
	fds    []int
	links  []link // over them
	events []unix.EpollEvent
}

// errSilent says that the server has not done anything for too long.
var errSilent = errors.New("the server keeps silent")

// newPool returns a pool without connections.
func newPool() (*pool, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	return &pool{epfd: epfd, events: make([]unix.EpollEvent, 1024)}, nil
}

// open adds connections to a server whose events are watched.
func (p *pool) open(s *server, conns int, events uint32) error {
	for range conns {
		fd, err := dial(s.addr)
		if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
			return fmt.Errorf("%w: %w", measure.ErrUnable, err)
		}
		if err != nil {
			return err
		}
		ev := unix.EpollEvent{Events: events | unix.EPOLLET, Fd: int32(len(p.fds))}
		p.fds = append(p.fds, fd)
		l, err := s.link(fd)
		if err != nil {
			return err
		}
		p.links = append(p.links, l)
		if err := unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return fmt.Errorf("epoll_ctl add fd %d: %w", fd, err)
		}
	}
	return nil
}

// wait returns the events that there are, or none after the timeout.
func (p *pool) wait(timeout time.Duration) ([]unix.EpollEvent, error) {
	for {
		n, err := unix.EpollWait(p.epfd, p.events, int(timeout.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("epoll_wait: %w", err)
		}
		return p.events[:n], nil
	}
}

// close closes all connections.
func (p *pool) close() {
	for _, fd := range p.fds {
		unix.Close(fd)
	}
	unix.Close(p.epfd)
}

// dial returns a connected socket that does not block, does not delay small
// segments, and leaves nothing behind when it is closed.
func dial(addr netip.AddrPort) (int, error) {
	if !addr.Addr().Is4() {
		return -1, fmt.Errorf("dial %v: not an IPv4 address", addr)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = errors.Join(
		wrapCall("connect", unix.Connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})),
		wrapCall("set TCP_NODELAY", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
		wrapCall("set SO_LINGER", unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})),
		wrapCall("set nonblocking", unix.SetNonblock(fd, true)),
	)
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("dial %v: %w", addr, err)
	}
	return fd, nil
}

// wrapCall adds the call to its error, if there is one.
func wrapCall(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", call, err)
}
