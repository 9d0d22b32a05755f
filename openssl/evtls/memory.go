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
//
// It hands out whole records, one at a time. So crypto/tls keeps no more memory
// than the longest one needs, wants no turn for half of one, and the loop knows
// without asking whether there is something to decrypt.
type memory struct {
	in  evbuffer.Buffer // from the peer
	out evbuffer.Buffer // to the peer

	// wait waits for more input and returns false if there will be none,
	// because the handshake was given up. After the handshake it is nil, and
	// who reads is told to come back.
	wait func() bool

	left  int  // how much of the record at the front of in is to be handed out
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
	for !m.ready() {
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
	n, err := m.in.Remove(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// ready reports whether there is something to hand out: a whole record, what
// crypto/tls will refuse for not being one, or the rest before the end. Of a
// record that comes slowly nobody else needs to know.
func (m *memory) ready() bool {
	if m.left > 0 {
		return true
	}
	const (
		headerLen     = 5 // type, version, length (RFC 8446 section 5.1)
		maxCiphertext = maxRecord + 2048
	)
	var header [headerLen]byte
	have := m.in.Len()
	if have < headerLen {
		if m.ended {
			m.left = have
		}
		return m.left > 0
	}
	if _, err := m.in.CopyOut(header[:]); err != nil {
		return false
	}
	n := int(header[3])<<8 | int(header[4])
	isRecord := header[0] >= 20 && header[0] <= 23 && header[1] == 3 && n <= maxCiphertext
	switch {
	case isRecord && have >= headerLen+n:
		m.left = headerLen + n
	case !isRecord || m.ended:
		m.left = have
	}
	return m.left > 0
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
