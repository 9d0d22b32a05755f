package evtls

import (
	"crypto/tls"
	"errors"

	"github.com/go-libevent/libevent/core/bufferevent"
)

// streamOf returns the transport of a TLS bufferevent, or nil.
func streamOf(b *bufferevent.Bufferevent) *stream {
	if b == nil {
		return nil
	}
	s, _ := (*bufferevent.Control)(b).Transport().(*stream)
	return s
}

// TLSConn returns crypto/tls's side of a TLS bufferevent, or nil if b is none:
// to look at it, not to read or write, and not before EventConnected. Its addresses
// are those of the socket at the bottom, if there is one
// (bufferevent_openssl_get_ssl).
func TLSConn(b *bufferevent.Bufferevent) *tls.Conn {
	s := streamOf(b)
	if s == nil {
		return nil
	}
	b.Lock()
	defer b.Unlock()
	if s.open() {
		s.noteAddresses()
	}
	return s.conn.tls
}

// ConnectionState returns what the handshake has led to: version, cipher suite,
// protocol, certificates. ok is false while it is not done, and if b is no TLS
// bufferevent.
func ConnectionState(b *bufferevent.Bufferevent) (state tls.ConnectionState, ok bool) {
	s := streamOf(b)
	if s == nil {
		return tls.ConnectionState{}, false
	}
	b.Lock()
	defer b.Unlock()
	if !s.open() {
		return tls.ConnectionState{}, false
	}
	return s.conn.tls.ConnectionState(), true
}

// GetFlags returns the flags, or none if b is no TLS bufferevent
// (bufferevent_ssl_get_flags).
func GetFlags(b *bufferevent.Bufferevent) Flags {
	s := streamOf(b)
	if s == nil {
		return 0
	}
	b.Lock()
	defer b.Unlock()
	return s.flags
}

// SetFlags sets flags and leaves the others as they are. The error is ErrNotTLS
// or ErrFlags (bufferevent_ssl_set_flags).
func SetFlags(b *bufferevent.Bufferevent, f Flags) error { return changeFlags(b, "set flags", f, f) }

// ClearFlags clears flags and leaves the others as they are. The errors are
// those of SetFlags (bufferevent_ssl_clear_flags).
func ClearFlags(b *bufferevent.Bufferevent, f Flags) error {
	return changeFlags(b, "clear flags", f, 0)
}

func changeFlags(b *bufferevent.Bufferevent, op string, f, to Flags) error {
	s := streamOf(b)
	switch {
	case s == nil:
		return opError(op, ErrNotTLS)
	case f&^allFlags != 0:
		return opError(op, ErrFlags)
	}
	b.Lock()
	defer b.Unlock()
	s.flags = s.flags&^f | to
	return nil
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
	if streamOf(b) == nil {
		return opError("renegotiate", ErrNotTLS)
	}
	return opError("renegotiate", errors.ErrUnsupported)
}

// Detach frees a TLS bufferevent, and returns its connection, to go on over
// another one in state Open. What is below stays, whatever CloseOnFree says,
// without watermarks and timeouts, and has what was encrypted. Output that was not
// encrypted yet, and input that was not taken, are lost: flush and read before. The error is ErrNotTLS, or
// ErrNotOpen if the handshake is not done or the stream has ended.
func Detach(b *bufferevent.Bufferevent) (*Conn, error) {
	s := streamOf(b)
	if s == nil {
		return nil, opError("detach", ErrNotTLS)
	}
	b.Lock()
	defer b.Unlock()
	if !s.open() || s.ended || s.broken || s.closed {
		return nil, opError("detach", ErrNotOpen)
	}
	s.detached = true
	conn := s.conn
	conn.taken = false
	conn.mem.in, conn.mem.out, conn.mem.addrs = nil, nil, nil
	b.Free()
	return conn, nil
}
