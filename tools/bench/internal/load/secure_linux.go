package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// recordRoom is the length of the buffer that records are decrypted into, to be
// forgotten: the most that one holds.
const recordRoom = 16 << 10

// secure is the link that is a TLS connection, a client's.
type secure struct {
	conn *tls.Conn
	wire *wire
}

// forgotten is where discard puts what it receives.
var forgotten [recordRoom]byte

// newSecure does the handshake over a connected socket, and waits as long as that
// takes.
func newSecure(fd int, cfg *tls.Config) (*secure, error) {
	w := &wire{fd: fd, waits: true}
	s := &secure{conn: tls.Client(w, cfg), wire: w}
	err := s.conn.Handshake()
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	w.waits = false
	return s, nil
}

// send implements link. What crypto/tls has encrypted it regards as sent: p is
// taken as a whole, or not at all while something waits for the socket.
func (s *secure) send(p []byte) (int, error) {
	if err := s.wire.flush(); err != nil {
		return 0, err
	}
	n, err := s.conn.Write(p)
	if err != nil {
		return n, err
	}
	if err := s.wire.flush(); err != nil && err != unix.EAGAIN {
		return n, err
	}
	return n, nil
}

// flush implements link.
func (s *secure) flush() error { return s.wire.flush() }

// receive implements link.
func (s *secure) receive(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	return n, plainError(err)
}

// discard implements link. It goes on until there is nothing more, because what
// crypto/tls has read ahead makes no event.
func (s *secure) discard(n int) (int, error) {
	total := 0
	for total < n {
		got, err := s.conn.Read(forgotten[:min(n-total, recordRoom)])
		total += got
		if err != nil && total == 0 {
			return 0, plainError(err)
		}
		if err != nil {
			break // it comes again if it is not unix.EAGAIN
		}
	}
	return total, nil
}

// plainError makes errors those of a link.
func plainError(err error) error {
	switch {
	case err == io.EOF:
		return nil
	case errors.Is(err, unix.EAGAIN):
		return unix.EAGAIN
	}
	return err
}

// wire is the net.Conn that crypto/tls runs over. It gathers what is written, so
// that several records need one system call. That there is nothing to read now is
// an error that crypto/tls forgets, since it is a temporary one.
type wire struct {
	fd      int
	waits   bool // for input, which is what a handshake needs
	pending []byte
}

// flush writes what was gathered.
func (w *wire) flush() error {
	for written := 0; ; {
		if written == len(w.pending) {
			w.pending = w.pending[:0]
			return nil
		}
		n, errno := rawio.Write(w.fd, w.pending[written:])
		written += n
		if errno != 0 {
			w.pending = append(w.pending[:0], w.pending[written:]...)
			return errno
		}
	}
}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.waits {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	for {
		n, errno := rawio.Read(w.fd, p)
		switch {
		case n > 0:
			return n, nil
		case errno == 0:
			return 0, io.EOF
		case errno != unix.EAGAIN || !w.waits:
			return 0, errno
		}
		if err := awaitReadable(w.fd); err != nil {
			return 0, err
		}
	}
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	w.pending = append(w.pending, p...)
	return len(p), nil
}

// Close implements net.Conn. Sockets are the pool's to close.
func (w *wire) Close() error { return nil }

// LocalAddr implements net.Conn.
func (w *wire) LocalAddr() net.Addr { return nil }

// RemoteAddr implements net.Conn.
func (w *wire) RemoteAddr() net.Addr { return nil }

// SetDeadline implements net.Conn. What waits does so with patience.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
