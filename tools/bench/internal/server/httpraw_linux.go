package server

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// rawHTTP is an HTTP server that does next to nothing but system calls.
type rawHTTP struct {
	epfd, listener int
	buf            []byte // that is read into
	out            []byte // the responses of one event, if they are several
	bodies         map[string][]byte
	responses      [2]map[string][]byte // by path; the second ones close the connection
	date           string
	second         int64                // of the date
	conns          map[int]*rawHTTPConn // those with something left to do, by descriptor
}

// rawHTTPConn is what one event of a connection has left for the next.
type rawHTTPConn struct {
	part    []byte // of a request
	pending []byte // what could not be written yet
	closing bool   // then
}

// serveHTTPRaw runs a loop over epoll, level triggered, with one read an event and
// one write for all the requests in it: the ceiling of what a Go program can do. It
// looks for the path, the end of a request and "Connection: close", and knows no
// other HTTP.
func serveHTTPRaw(r ready) error {
	listener, addr, err := listen()
	if err != nil {
		return err
	}
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	s := &rawHTTP{epfd: epfd, listener: listener, buf: make([]byte, readSize), bodies: httpBodies(), conns: make(map[int]*rawHTTPConn)}
	if err := s.control(unix.EPOLL_CTL_ADD, listener, unix.EPOLLIN); err != nil {
		return err
	}
	r(addr)
	return s.loop()
}

func (s *rawHTTP) loop() error {
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(s.epfd, events, -1)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		s.tick()
		for _, e := range events[:max(n, 0)] {
			fd := int(e.Fd)
			switch {
			case fd == s.listener:
				s.accept()
			case e.Events&unix.EPOLLOUT != 0:
				s.flush(fd)
			default:
				s.receive(fd)
			}
		}
	}
}

// tick makes all responses anew when there is another date. None is changed: the
// old ones may still have to be written.
func (s *rawHTTP) tick() {
	now := time.Now()
	if now.Unix() == s.second {
		return
	}
	s.second, s.date = now.Unix(), now.UTC().Format(http.TimeFormat)
	for i := range s.responses {
		s.responses[i] = make(map[string][]byte)
		for path, body := range s.bodies {
			s.responses[i][path] = s.compose("200 OK", body, i == 1)
		}
	}
}

func (s *rawHTTP) compose(status string, body []byte, closing bool) []byte {
	head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nDate: %s\r\nContent-Length: %d\r\n", status, httpType, s.date, len(body))
	if closing {
		head += "Connection: close\r\n"
	}
	return append([]byte(head+"\r\n"), body...)
}

func (s *rawHTTP) control(op, fd int, events uint32) error {
	err := unix.EpollCtl(s.epfd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("epoll_ctl fd %d: %w", fd, err)
	}
	return nil
}

// accept accepts all connections that wait.
func (s *rawHTTP) accept() {
	for {
		fd, errno := rawio.Accept(s.listener)
		switch errno {
		case 0:
			s.add(fd)
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return
		}
	}
}

// add starts to serve a connection.
func (s *rawHTTP) add(fd int) {
	if s.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
		rawio.Close(fd)
	}
}

// conn returns what is left of a connection's last event, to be written to.
func (s *rawHTTP) conn(fd int) *rawHTTPConn {
	c := s.conns[fd]
	if c == nil {
		c = new(rawHTTPConn)
		s.conns[fd] = c
	}
	return c
}

// receive reads once, and answers all requests that are whole then.
func (s *rawHTTP) receive(fd int) {
	n, errno := rawio.Read(fd, s.buf)
	if errno == unix.EAGAIN {
		return
	}
	if n <= 0 {
		s.close(fd)
		return
	}
	text := s.buf[:n]
	if c := s.conns[fd]; c != nil {
		text = append(c.part, text...)
		delete(s.conns, fd)
	}
	rest, out, closing := s.answerAll(text)
	if len(rest) > readSize {
		s.close(fd) // no request is that long
		return
	}
	if len(rest) > 0 {
		s.conn(fd).part = bytes.Clone(rest)
	}
	if len(out) > 0 {
		s.write(fd, out, closing)
	}
}

// answerAll returns the responses to requests, up to one that closes the
// connection, and the rest.
func (s *rawHTTP) answerAll(text []byte) (rest, out []byte, closing bool) {
	for !closing {
		head, after, whole := bytes.Cut(text, []byte("\r\n\r\n"))
		if !whole {
			return text, out, false
		}
		text = after
		closing = bytes.Contains(head, []byte("\r\nConnection: close"))
		response := s.answer(head, closing)
		if out == nil {
			out = response
			s.out = s.out[:0]
			continue
		}
		if len(s.out) == 0 {
			s.out = append(s.out, out...)
		}
		s.out = append(s.out, response...)
		out = s.out
	}
	return nil, out, true
}

// answer returns the response to one request.
func (s *rawHTTP) answer(head []byte, closing bool) []byte {
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	path := bytes.TrimSuffix(bytes.TrimPrefix(line, []byte("GET ")), []byte(" HTTP/1.1"))
	responses := s.responses[0]
	if closing {
		responses = s.responses[1]
	}
	if response, ok := responses[string(path)]; ok {
		return response
	}
	return s.compose("404 Not Found", nil, closing)
}

// write writes p, and closes the connection if it is to be. If p is more than the
// socket takes, nothing is read until the rest is written.
func (s *rawHTTP) write(fd int, p []byte, closing bool) {
	n, errno := rawio.Write(fd, p)
	switch {
	case errno != 0 && errno != unix.EAGAIN:
		s.close(fd)
	case n < len(p):
		c := s.conn(fd)
		c.pending, c.closing = p[n:], closing
		s.out = nil // it may be the connection's now
		if s.control(unix.EPOLL_CTL_MOD, fd, unix.EPOLLOUT) != nil {
			s.close(fd)
		}
	case closing:
		s.close(fd)
	}
}

// flush writes what is left, and reads again when nothing is.
func (s *rawHTTP) flush(fd int) {
	c := s.conns[fd]
	n, errno := rawio.Write(fd, c.pending)
	switch {
	case errno == unix.EAGAIN:
	case errno != 0, n == len(c.pending) && c.closing:
		s.close(fd)
	case n < len(c.pending):
		c.pending = c.pending[n:]
	default:
		c.pending = nil
		if len(c.part) == 0 {
			delete(s.conns, fd)
		}
		if s.control(unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN) != nil {
			s.close(fd)
		}
	}
}

func (s *rawHTTP) close(fd int) {
	delete(s.conns, fd)
	rawio.Close(fd)
}
