package evtls

import (
	"crypto/tls"
	"errors"

	"github.com/go-libevent/libevent/core/bufferevent"
)

// A connection is the capability by which this package's functions find TLS in a
// stack of bufferevents; ConnectionState is the part of it that other packages use.
//
// Only a stream has it, as only this package makes TLS bufferevents.
type connection interface {
	ConnectionState() tls.ConnectionState
	tlsConn() *tls.Conn
	getFlags() Flags
	changeFlags(f, to Flags)
	detach() (*Conn, error)
	bufferevent() *bufferevent.Bufferevent
}

// TLSConn returns crypto/tls's side of a TLS bufferevent, or of one below b, or nil if
// there is none: to look at it, not to read or write, and not before EventConnected.
// Its addresses are those of the socket at the bottom, if there is one
// (bufferevent_openssl_get_ssl).
func TLSConn(b *bufferevent.Bufferevent) *tls.Conn {
	if c, ok := bufferevent.As[connection](b); ok {
		return c.tlsConn()
	}
	return nil
}

func (s *stream) tlsConn() *tls.Conn {
	s.bev.Lock()
	defer s.bev.Unlock()
	if s.opened() {
		s.noteAddresses()
	}
	return s.conn.tls
}

// ConnectionState returns what the handshake of a TLS bufferevent, or of one below b,
// has led to: version, cipher suite, protocol, certificates. ok is false while it is
// not done, and if there is none. Packages that do not import this one ask
// bufferevent.As for the method of this name.
func ConnectionState(b *bufferevent.Bufferevent) (state tls.ConnectionState, ok bool) {
	if c, found := bufferevent.As[connection](b); found {
		state = c.ConnectionState()
	}
	return state, state.HandshakeComplete
}

// ConnectionState returns what the handshake has led to, or the zero value before.
func (s *stream) ConnectionState() tls.ConnectionState {
	s.bev.Lock()
	defer s.bev.Unlock()
	if !s.opened() {
		return tls.ConnectionState{}
	}
	return s.conn.tls.ConnectionState()
}

// GetFlags returns the flags of a TLS bufferevent, or of one below b, or none if there
// is none (bufferevent_ssl_get_flags).
func GetFlags(b *bufferevent.Bufferevent) Flags {
	if c, ok := bufferevent.As[connection](b); ok {
		return c.getFlags()
	}
	return 0
}

func (s *stream) getFlags() Flags {
	s.bev.Lock()
	defer s.bev.Unlock()
	return s.flags
}

// SetFlags sets flags of a TLS bufferevent, or of one below b, and leaves the others
// as they are. The error is ErrNotTLS or ErrFlags (bufferevent_ssl_set_flags).
func SetFlags(b *bufferevent.Bufferevent, f Flags) error { return changeFlags(b, "set flags", f, f) }

// ClearFlags clears flags and leaves the others as they are. The errors are
// those of SetFlags (bufferevent_ssl_clear_flags).
func ClearFlags(b *bufferevent.Bufferevent, f Flags) error {
	return changeFlags(b, "clear flags", f, 0)
}

func changeFlags(b *bufferevent.Bufferevent, op string, f, to Flags) error {
	c, ok := bufferevent.As[connection](b)
	switch {
	case !ok:
		return opError(op, ErrNotTLS)
	case f&^allFlags != 0:
		return opError(op, ErrFlags)
	}
	c.changeFlags(f, to)
	return nil
}

func (s *stream) changeFlags(f, to Flags) {
	s.bev.Lock()
	defer s.bev.Unlock()
	s.flags = s.flags&^f | to
}

// AllowDirtyShutdown reports whether DirtyShutdown is set
// (bufferevent_openssl_get_allow_dirty_shutdown).
func AllowDirtyShutdown(b *bufferevent.Bufferevent) bool { return GetFlags(b)&DirtyShutdown != 0 }

// SetAllowDirtyShutdown sets or clears DirtyShutdown
// (bufferevent_openssl_set_allow_dirty_shutdown).
func SetAllowDirtyShutdown(b *bufferevent.Bufferevent, allow bool) error {
	if allow {
		return SetFlags(b, DirtyShutdown)
	}
	return ClearFlags(b, DirtyShutdown)
}

// Renegotiate always fails, with an error that wraps errors.ErrUnsupported:
// crypto/tls renegotiates only as a client, when the server asks, and in a call
// that would have to wait. TLS 1.3 has no renegotiation
// (bufferevent_ssl_renegotiate).
func Renegotiate(b *bufferevent.Bufferevent) error {
	if _, ok := bufferevent.As[connection](b); !ok {
		return opError("renegotiate", ErrNotTLS)
	}
	return opError("renegotiate", errors.ErrUnsupported)
}

// Detach frees a TLS bufferevent, and returns its connection, to go on over
// another one in state Open. What is below stays, whatever CloseOnFree says,
// with its watermarks and timeouts, and has what was encrypted. Output that was not
// encrypted yet, and input that was not taken, are lost: flush and read before. The error is ErrNotTLS, or
// ErrNotOpen if the handshake is not done or the stream has ended.
func Detach(b *bufferevent.Bufferevent) (*Conn, error) {
	c, ok := bufferevent.As[connection](b)
	if !ok || c.bufferevent() != b { // what is over it could not go on
		return nil, opError("detach", ErrNotTLS)
	}
	conn, err := c.detach()
	if err != nil {
		return nil, opError("detach", err)
	}
	return conn, nil
}

func (s *stream) bufferevent() *bufferevent.Bufferevent { return &s.bev }

func (s *stream) detach() (*Conn, error) {
	s.bev.Lock()
	defer s.bev.Unlock()
	if input, output := s.layer.Ended(); !s.opened() || input || output {
		return nil, ErrNotOpen
	}
	s.phase = phaseDetached
	conn := s.conn
	conn.taken = false
	conn.mem.in, conn.mem.out, conn.mem.addrs = nil, nil, nil
	s.bev.Free()
	return conn, nil
}
