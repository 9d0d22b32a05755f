package evtls

import (
	"io"
	"net"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// memory is the net.Conn that crypto/tls runs over: two buffers. It belongs to
// the handshake's goroutine while that runs, and otherwise to the loop.
//
// It gives out records one by one, each when it is there as a whole. So crypto/tls
// keeps no more than what it is working on, and after a record the buffer tells
// whether there is another.
type memory struct {
	// The buffers of the handshake, and after it those of the bufferevent
	// below.
	in, out *evbuffer.Buffer
	left    int // how much of the present record has not been given out

	// wait waits for more input and returns false if there will be none,
	// because the handshake was given up. After the handshake it is nil, and
	// Read returns errNoData.
	wait func() bool

	addrs *addresses // of the socket at the bottom, or nil if they are not known

	ended  bool // nothing follows what is in in
	cut    bool // crypto/tls has seen that
	spoken bool // something was written
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
	for !m.ready() {
		switch {
		case m.ended && m.in.Len() > 0: // a part of a record
			m.left = m.in.Len()
		case m.ended:
			m.cut = true
			return 0, io.EOF
		case m.wait == nil:
			return 0, errNoData
		case !m.wait():
			return 0, net.ErrClosed
		}
	}
	n, err := m.in.Remove(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// The header of a record: type, version, length (RFC 8446 section 5.1).
const (
	headerLen  = 5
	minType    = 20               // change_cipher_spec
	maxType    = 23               // application_data
	maxSealed  = maxRecord + 2048 // what TLS 1.2 allows; TLS 1.3 has less
	tlsVersion = 3                // the major one, of all records
)

// ready reports whether the next record is there, or the rest of the present
// one. What cannot be a record counts as one, for crypto/tls to refuse.
func (m *memory) ready() bool {
	if m.left > 0 {
		return m.in.Len() > 0
	}
	var header [headerLen]byte
	if n, err := m.in.CopyOut(header[:]); n < len(header) || err != nil {
		return false
	}
	n := int(header[3])<<8 | int(header[4])
	switch {
	case header[0] < minType, header[0] > maxType, header[1] != tlsVersion, n > maxSealed:
		m.left = m.in.Len()
	case m.in.Len() < headerLen+n:
		return false
	default:
		m.left = headerLen + n
	}
	return true
}

// Write implements net.Conn. That nothing can be written below any more is for
// the bufferevent there to tell.
func (m *memory) Write(p []byte) (int, error) {
	m.spoken = true
	_, _ = m.out.Write(p) // in memory, at an end that is not frozen
	return len(p), nil
}

// Close implements net.Conn. Closing is the bufferevents' business.
func (m *memory) Close() error { return nil }

// LocalAddr implements net.Conn.
func (m *memory) LocalAddr() net.Addr {
	if m.addrs == nil {
		return noAddr{}
	}
	return m.addrs.local
}

// RemoteAddr implements net.Conn. crypto/tls remembers sessions by it where it does
// not know the server's name.
func (m *memory) RemoteAddr() net.Addr {
	if m.addrs == nil || m.addrs.remote.Network() == none {
		return noAddr{}
	}
	return m.addrs.remote
}

// SetDeadline implements net.Conn. Timeouts are the bufferevents' business.
func (m *memory) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (m *memory) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// addresses are those of a connection.
type addresses struct{ local, remote net.Addr }

// none is the network of addresses that say that there is none.
const none = "bufferevent"

// noAddr is the address of what has none. It is empty, for which crypto/tls
// remembers no session: what has no address could be any server.
type noAddr struct{}

func (noAddr) Network() string { return none }
func (noAddr) String() string  { return "" }
