package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// HTTPClient measures a client of HTTP against a server that is faster than any
// of them. The client is a program that gets three more arguments: the server's
// address, the size of the bodies that it is to ask for, which are small enough
// for an empty socket, and how many requests are under way, each on a connection
// that it keeps. It prints the address as its first line, answers lines with its
// allocations so far, checks all responses, and ends when its standard input does.
func HTTPClient(command []string, size, conns int, d time.Duration) ([]measure.Figure, error) {
	o, err := newOrigin(size, conns)
	if err != nil {
		return nil, err
	}
	defer o.close()
	args := append(command[:len(command):len(command)], o.addr.String(), strconv.Itoa(size), strconv.Itoa(conns))
	return with(args, func(client *server) ([]measure.Figure, error) { return o.measure(client, d) })
}

// origin is a server with one loop, level triggered. A connection has one request
// under way.
type origin struct {
	epfd, listener int
	addr           netip.AddrPort
	target         []byte // what each request begins with
	body           []byte // what it ends with
	response       []byte
	conns          map[int][]byte // by descriptor, the part of a request that has come
	most           int            // connections
	holding        bool           // requests wait for their responses
	waiting        []int          // the descriptors whose requests do
	requests       int            // that came
	buf            []byte
	events         []unix.EpollEvent
}

// newOrigin returns an origin that holds the first requests.
func newOrigin(size, conns int) (*origin, error) {
	o := &origin{target: []byte("GET /" + strconv.Itoa(size) + " HTTP/1.1\r\n"), response: originResponse(size)}
	if err := o.open(conns); err != nil {
		return nil, err
	}
	return o, nil
}

// open begins to listen.
func (o *origin) open(conns int) error {
	o.listener, o.most, o.holding = -1, conns, true
	o.conns = make(map[int][]byte)
	o.buf, o.events = make([]byte, httpBuffer), make([]unix.EpollEvent, 1024)
	var err error
	if o.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	if err := o.listen(); err != nil {
		o.close()
		return err
	}
	return nil
}

func originResponse(size int) []byte {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: %s\r\nContent-Length: %d\r\n\r\n",
		time.Now().UTC().Format(http.TimeFormat), size)
	return append([]byte(head), letters(size)...)
}

func (o *origin) listen() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	o.listener = fd
	if err := errors.Join(
		wrapCall("set TCP_NODELAY", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
		wrapCall("bind", unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})),
		wrapCall("listen", unix.Listen(fd, unix.SOMAXCONN)),
	); err != nil {
		return err
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return fmt.Errorf("getsockname: %w", err)
	}
	o.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(sa.(*unix.SockaddrInet4).Port))
	return o.watch(fd)
}

func (o *origin) watch(fd int) error {
	if err := unix.EpollCtl(o.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("epoll_ctl add fd %d: %w", fd, err)
	}
	return nil
}

func (o *origin) close() {
	for fd := range o.conns {
		unix.Close(fd)
	}
	if o.listener >= 0 {
		unix.Close(o.listener)
	}
	unix.Close(o.epfd)
}

// measure serves the client for a while, after a warm-up. When the client is asked
// for its allocations all of its requests are held.
func (o *origin) measure(client *server, d time.Duration) ([]measure.Figure, error) {
	if err := o.run(warmup); err != nil {
		return nil, err
	}
	if err := o.hold(); err != nil {
		return nil, err
	}
	before, err := client.allocations()
	if err != nil {
		return nil, err
	}
	held := o.requests
	m, err := newMeter(client)
	if err != nil {
		return nil, err
	}
	if err := o.run(d); err != nil {
		return nil, err
	}
	used, err := m.stop()
	if err != nil {
		return nil, err
	}
	timed := o.requests - held
	if err := o.hold(); err != nil {
		return nil, err
	}
	after, err := client.allocations()
	if err != nil {
		return nil, err
	}
	n := float64(timed)
	return append([]measure.Figure{
		{Name: "rate", Value: n / used.elapsed.Seconds() / 1000},
		{Name: "client CPU", Value: microseconds(used.server) / n},
		{Name: "allocations", Value: float64(after-before) / float64(o.requests-held)},
	}, used.figures()...), nil
}

// run answers what is held, once each connection has a request, and what comes for
// a while.
func (o *origin) run(d time.Duration) error {
	if err := o.hold(); err != nil {
		return err
	}
	o.holding = false
	for _, fd := range o.waiting {
		if err := o.answer(fd); err != nil {
			return err
		}
	}
	o.waiting = o.waiting[:0]
	before := o.requests
	for end := time.Now().Add(d); time.Now().Before(end) || o.requests == before; {
		if err := o.step(); err != nil {
			return err
		}
	}
	return nil
}

// hold lets requests wait until each connection has one that does.
func (o *origin) hold() error {
	o.holding = true
	for len(o.waiting) < o.most {
		if err := o.step(); err != nil {
			return err
		}
	}
	return nil
}

// step waits for something to come and takes it.
func (o *origin) step() error {
	n, err := unix.EpollWait(o.epfd, o.events, int(patience.Milliseconds()))
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	if n == 0 {
		return errors.New("the client keeps silent")
	}
	for _, e := range o.events[:n] {
		fd := int(e.Fd)
		if fd == o.listener {
			err = o.accept()
		} else {
			err = o.receive(fd)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *origin) accept() error {
	fd, _, err := unix.Accept4(o.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err == unix.EINTR || err == unix.EAGAIN || err == unix.ECONNABORTED {
		return nil
	}
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	o.conns[fd] = nil
	if len(o.conns) > o.most {
		return fmt.Errorf("the client opens more than %d connections", o.most)
	}
	return o.watch(fd)
}

// receive reads a request, which must be the only one under way.
func (o *origin) receive(fd int) error {
	n, errno := rawio.Read(fd, o.buf)
	if errno == unix.EAGAIN {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("read: %w", errno)
	}
	if n == 0 {
		return errors.New("the client closes a connection")
	}
	request := o.buf[:n]
	if part := o.conns[fd]; len(part) > 0 {
		request = append(part, request...)
		o.conns[fd] = nil
	}
	end := bytes.Index(request, []byte("\r\n\r\n"))
	if (end < 0 || len(request)-end-4 < len(o.body)) && len(request) < longestHead+len(o.body) {
		o.conns[fd] = bytes.Clone(request)
		return nil
	}
	if !bytes.Equal(request[end+4:], o.body) || !bytes.HasPrefix(request, o.target) {
		return fmt.Errorf("the client sends %q", request)
	}
	o.requests++
	if o.holding {
		o.waiting = append(o.waiting, fd)
		return nil
	}
	return o.answer(fd)
}

// answer sends the response, which fits into an empty socket.
func (o *origin) answer(fd int) error { return sendAll(plain(fd), o.response) }
