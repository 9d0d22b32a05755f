package evproxy

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
)

// A Header is what a proxy says of a connection, or of a datagram.
type Header struct {
	// Version is 1, a line of text, or 2, which is binary and has all that follows.
	Version int
	// Local says that the proxy has made the connection for itself, to see whether
	// the server is there: the addresses are those of the connection. Version 1
	// cannot say it.
	Local bool
	// Source is the address of who has connected to the proxy, and Destination the
	// one that it has connected to. Both are *net.TCPAddr, or *net.UDPAddr, or
	// *net.UnixAddr of network "unix" or "unixgram"; or both are nil, if the proxy
	// does not say. A name of an abstract Unix socket begins with "@". Version 1
	// says TCP addresses only.
	Source, Destination net.Addr
	// Checksum says that the header has a checksum, which is right in one that was
	// received. It needs version 2.
	Checksum bool
	// TLVs is what else the proxy says, in its order. It needs version 2.
	TLVs []TLV
}

// maxUniqueID is the length that the protocol gives an identifier at most.
const maxUniqueID = 128

// HeaderOf returns a header of version 2 for what comes from a stream: its source is
// the peer of the stream, and its destination the address that the peer has connected to.
// So what was received from one proxy goes on to the next one. It has no addresses if
// those of the stream cannot be sent, as those of half of a pair.
func HeaderOf(b *bufferevent.Bufferevent) *Header {
	h := &Header{Version: 2}
	if local, remote := b.NetAddrs(); sendable(remote, local) {
		h.Source, h.Destination = remote, local
	}
	return h
}

// sendable reports whether version 2 can say these addresses.
func sendable(source, destination net.Addr) bool {
	_, err := appendAddrs(nil, source, destination)
	return err == nil
}

// Lookup returns the value of the first TLV of a type.
func (h *Header) Lookup(t TLVType) (value []byte, ok bool) {
	for _, tlv := range h.TLVs {
		if tlv.Type == t {
			return tlv.Value, true
		}
	}
	return nil, false
}

// ALPN returns the protocol that the client has agreed on with the proxy, such as "h2"
// (RFC 7301), or nothing.
func (h *Header) ALPN() string { return h.text(TypeALPN) }

// Authority returns the name of the host that the client has asked for, such as by SNI, or
// nothing.
func (h *Header) Authority() string { return h.text(TypeAuthority) }

// UniqueID returns what identifies the connection at all proxies on the way, or nil.
func (h *Header) UniqueID() []byte {
	id, _ := h.Lookup(TypeUniqueID)
	return id
}

// NetNS returns the name of the network namespace, or nothing.
func (h *Header) NetNS() string { return h.text(TypeNetNS) }

// TLS returns what the proxy says of TLS between the client and itself, or nil.
func (h *Header) TLS() *TLS {
	value, ok := h.Lookup(TypeTLS)
	if !ok {
		return nil
	}
	t, err := parseTLS(value)
	if err != nil {
		return nil // only in a header that was made by hand
	}
	return t
}

func (h *Header) text(t TLVType) string {
	value, _ := h.Lookup(t)
	return string(value)
}

// String describes a header for a log.
func (h *Header) String() string {
	switch {
	case h.Local:
		return fmt.Sprintf("PROXY v%d local", h.Version)
	case h.Source == nil:
		return fmt.Sprintf("PROXY v%d unknown", h.Version)
	}
	return fmt.Sprintf("PROXY v%d %s %v -> %v", h.Version, h.Source.Network(), h.Source, h.Destination)
}

// Parse parses the header at the beginning of p, and returns how long it is. It keeps
// nothing of p. A datagram has one at its beginning as well. The error is ErrIncomplete if
// p ends within what may become a header.
func Parse(p []byte) (h *Header, n int, err error) {
	n, err = size(p)
	switch {
	case err != nil:
		return nil, 0, opError("parse", err)
	case n == 0 || n > len(p):
		return nil, 0, ErrIncomplete
	}
	if h, err = parse(p[:n]); err != nil {
		return nil, 0, opError("parse", err)
	}
	return h, n, nil
}

// parse parses a whole header, whose size is known.
func parse(p []byte) (*Header, error) {
	if p[0] == line[0] {
		return parseLine(string(p[:len(p)-2]))
	}
	return parseBinary(p)
}

// size returns the length of the header that p begins with, or 0 if that takes more of
// it. It finds what is no header at the first byte that says so.
func size(p []byte) (int, error) {
	if len(p) > 0 && p[0] == line[0] {
		return lineSize(p)
	}
	return binarySize(p)
}

// AppendTo appends the header to p. The error wraps ErrInvalid if it has what its version
// cannot say, and ErrTooLong if it is longer than 65551 bytes.
func (h *Header) AppendTo(p []byte) ([]byte, error) {
	var err error
	switch h.Version {
	case 1:
		p, err = h.appendLine(p)
	case 2:
		p, err = h.appendBinary(p)
	default:
		err = invalid("version %d", h.Version)
	}
	if err != nil {
		return p, opError("append header", err)
	}
	return p, nil
}

// addrPort returns the address and port of a TCP or UDP address.
func addrPort(a net.Addr) (ap netip.AddrPort, ok bool) {
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return ap, ap.IsValid()
}
