package evtls

import (
	"io"
	"net"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// memory is the net.Conn that crypto/tls runs over: two buffers. It belongs to
// whoever is at work on the connection: the handshake's goroutine while that
// runs, and otherwise the loop.
type memory struct {
	in  evbuffer.Buffer // from the peer
	out evbuffer.Buffer // to the peer

	// wait waits for more input and returns false if there will be none,
	// because the handshake was given up. After the handshake it is nil, and
	// who reads is told to come back.
	wait func() bool

	ended bool // nothing follows what is in in
	cut   bool // crypto/tls has seen that
}

// errNoData is what Read returns if there is nothing. Being temporary it does
// not stick to the tls.Conn, which goes on later where it has stopped, at
// whatever byte that is.
type noData struct{}

func (noData) Error() string   { return "no data yet" }
func (noData) Timeout() bool   { return true }
func (noData) Temporary() bool { return true }

var errNoData net.Error = noData{}

// Read implements net.Conn.
func (m *memory) Read(p []byte) (int, error) {
	for m.in.Len() == 0 {
		switch {
		case m.ended:
			m.cut = true
			return 0, io.EOF
		case m.wait == nil:
			return 0, errNoData
		case !m.wait():
			return 0, net.ErrClosed
		}
	}
	return m.in.Remove(p)
}

// hasRecord reports whether in has a whole record of a handshake, or something
// that is none and that crypto/tls will refuse. A client that sends it slowly
// keeps nothing of ours busy but its own bytes.
func (m *memory) hasRecord() bool {
	var header [5]byte // type, version, length (RFC 8446 section 5.1)
	if n, err := m.in.CopyOut(header[:]); n < len(header) || err != nil {
		return false
	}
	const typeHandshake = 22
	n := int(header[3])<<8 | int(header[4])
	return header[0] != typeHandshake || n > maxRecord || m.in.Len() >= len(header)+n
}

// Write implements net.Conn.
func (m *memory) Write(p []byte) (int, error) { return m.out.Write(p) }

// Close implements net.Conn. Closing is the bufferevents' business.
func (m *memory) Close() error { return nil }

// LocalAddr implements net.Conn.
func (m *memory) LocalAddr() net.Addr { return address{} }

// RemoteAddr implements net.Conn.
func (m *memory) RemoteAddr() net.Addr { return address{} }

// SetDeadline implements net.Conn. Timeouts are the bufferevents' business.
func (m *memory) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (m *memory) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// address is the address of memory.
type address struct{}

func (address) Network() string { return "bufferevent" }
func (address) String() string  { return "bufferevent" }
