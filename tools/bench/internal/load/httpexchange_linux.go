package load

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// httpBuffer is how many bytes are read at a time. What is left of a body then
// is not copied.
const httpBuffer = 64 << 10

// httpExchange asks an HTTP server on each connection, again and again.
type httpExchange struct {
	turns
	server   *server
	work     HTTPWork
	requests []byte // what is sent at once
	streams  []stream
	buf      []byte
}

// stream is one connection's exchange.
type stream struct {
	responses
	sent time.Duration
	due  int // responses that are still to come
}

// newHTTPExchange opens the connections and makes sure of what the server sends.
func newHTTPExchange(s *server, w HTTPWork) (*httpExchange, error) {
	p, err := newPool()
	if err != nil {
		return nil, err
	}
	one := request(s.addr.String(), w.Size, w.Fresh)
	x := &httpExchange{
		server:   s,
		work:     w,
		requests: bytes.Repeat(one, w.Depth),
		streams:  make([]stream, w.Conns),
		buf:      make([]byte, httpBuffer),
	}
	for i := range x.streams {
		x.streams[i].size = w.Size
	}
	x.turns = turns{pool: p, with: x, began: time.Now()}
	if err = p.open(s, w.Conns, unix.EPOLLIN); err == nil {
		err = p.verifyHTTP(0, one, w)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return x, nil
}

// verifyHTTP sends a request on each connection from first on, and looks at all
// of the response.
func (p *pool) verifyHTTP(first int, request []byte, w HTTPWork) error {
	for i := first; i < len(p.links); i++ {
		if err := sendAll(p.links[i], request); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	for i := first; i < len(p.links); i++ {
		text, err := p.readResponse(i, w.Size)
		if err == nil {
			err = checkResponse(text, w.Size, w.Fresh)
		}
		if err == nil && w.Fresh {
			err = p.readEnd(i)
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return nil
}

// readResponse returns the next response on a connection.
func (p *pool) readResponse(i, size int) ([]byte, error) {
	r := responses{size: size}
	var text []byte
	buf := make([]byte, httpBuffer)
	for {
		n, err := p.receive(i, buf)
		if n <= 0 {
			return nil, fmt.Errorf("after %d bytes: %w", len(text), received(err))
		}
		text = append(text, buf[:n]...)
		complete, err := r.take(buf[:n])
		if complete > 0 || err != nil {
			return text, err
		}
	}
}

// readEnd makes sure that the server closes a connection.
func (p *pool) readEnd(i int) error {
	n, err := p.receive(i, make([]byte, 1))
	if n > 0 {
		return errors.New("there is more than one response")
	}
	return err
}

// send sends the next requests, which fit into an empty socket.
func (x *httpExchange) send(i int, now time.Duration) error {
	if x.work.Fresh {
		if err := x.pool.renew(x.server, i); err != nil {
			return err
		}
	}
	st := &x.streams[i]
	st.sent, st.due = now, x.work.Depth
	x.underWay++
	return sendAll(x.pool.links[i], x.requests)
}

// renew closes a connection and makes a new one in its place.
func (p *pool) renew(s *server, i int) error {
	fd, err := dial(s.addr)
	if err != nil {
		return err
	}
	unix.Close(p.fds[i])
	p.fds[i], p.links[i] = fd, plain(fd)
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(i)}
	if err := unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("epoll_ctl add fd %d: %w", fd, err)
	}
	return nil
}

// receive reads until there is nothing more for now, and asks again if that was
// all of what is due.
func (x *httpExchange) receive(i int) error {
	st := &x.streams[i]
	for {
		asked, n, err := x.read(i)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == nil && n == 0 && x.work.Fresh && st.due == 0:
			return x.next(i, time.Since(x.began))
		case n <= 0:
			return received(err)
		}
		if err := x.take(st, n); err != nil {
			return err
		}
		if x.work.Fresh {
			continue // to the end of the connection
		}
		if st.due == 0 {
			return x.next(i, x.latencies[len(x.latencies)-1]+st.sent)
		}
		if n < asked {
			return nil // there will be an event when there is more
		}
	}
}

// read reads once. It returns how many bytes it asked for and got.
func (x *httpExchange) read(i int) (asked, n int, err error) {
	st, l := &x.streams[i], x.pool.links[i]
	if st.left > 0 {
		n, err = l.discard(st.left)
		return st.left, n, err
	}
	n, err = l.receive(x.buf)
	return len(x.buf), n, err
}

// take takes n bytes that were read, and notes the responses that are complete.
func (x *httpExchange) take(st *stream, n int) error {
	complete := 0
	if st.left > 0 {
		complete = st.skip(n)
	} else {
		var err error
		if complete, err = st.responses.take(x.buf[:n]); err != nil {
			return err
		}
	}
	if complete == 0 {
		return nil
	}
	if complete > st.due {
		return errors.New("there are more responses than requests")
	}
	st.due -= complete
	latency := time.Since(x.began) - st.sent
	for range complete {
		x.latencies = append(x.latencies, latency)
	}
	return nil
}

// next asks again, unless the exchange is ending.
func (x *httpExchange) next(i int, now time.Duration) error {
	x.underWay--
	if x.ending {
		return nil
	}
	return x.send(i, now)
}
