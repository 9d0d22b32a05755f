package evproxy

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"unicode/utf8"
)

// A TLV is something that a proxy says beside the addresses: a type, and a value of up to
// 65535 bytes (section 2.2). Those of types that this package does not know are
// kept as they are.
type TLV struct {
	Type  TLVType
	Value []byte
}

// A TLVType says what a TLV is about. Those from TypeCustom to TypeCustom+15 are free for
// programs.
type TLVType uint8

// Types of TLVs (PP2_TYPE_*). Checksums and padding are no TLVs of a Header, which says
// Checksum instead.
const (
	TypeALPN      TLVType = 0x01
	TypeAuthority TLVType = 0x02
	TypeCRC32C    TLVType = 0x03
	TypeNoop      TLVType = 0x04
	TypeUniqueID  TLVType = 0x05
	TypeTLS       TLVType = 0x20 // PP2_TYPE_SSL
	TypeNetNS     TLVType = 0x30
	TypeCustom    TLVType = 0xe0
)

// Types of TLVs within one of TLS (PP2_SUBTYPE_SSL_*).
const (
	typeTLSVersion     TLVType = 0x21
	typeTLSCommonName  TLVType = 0x22
	typeTLSCipher      TLVType = 0x23
	typeTLSSigAlg      TLVType = 0x24
	typeTLSKeyAlg      TLVType = 0x25
	typeTLSGroup       TLVType = 0x26
	typeTLSSigScheme   TLVType = 0x27
	typeTLSCertificate TLVType = 0x28
)

const tlvHead = 3 // bytes before the value

// cutTLV returns the TLV at the beginning of p, whose value is part of p, and the rest.
func cutTLV(p []byte) (t TLV, rest []byte, err error) {
	if len(p) < tlvHead {
		return t, nil, invalid("%d bytes of a TLV", len(p))
	}
	n := tlvHead + int(binary.BigEndian.Uint16(p[1:]))
	if len(p) < n {
		return t, nil, invalid("TLV %#02x has %d bytes of %d", p[0], len(p), n)
	}
	return TLV{TLVType(p[0]), p[tlvHead:n]}, p[n:], nil
}

func appendTLV(p []byte, t TLVType, value []byte) []byte {
	p = append(p, byte(t))
	p = binary.BigEndian.AppendUint16(p, uint16(len(value)))
	return append(p, value...)
}

// parseTLVs parses the TLVs of a whole header, which are at its end.
func (h *Header) parseTLVs(header, p []byte) error {
	p = bytes.Clone(p)
	var seen [256]bool
	for at := len(header) - len(p); len(p) > 0; {
		t, rest, err := cutTLV(p)
		if err != nil {
			return err
		}
		switch {
		case t.Type == TypeNoop:
		case seen[t.Type] && t.once():
			return invalid("TLV %#02x comes twice", uint8(t.Type))
		case t.Type == TypeCRC32C:
			if h.Checksum = true; !hasSum(header, at+tlvHead, t.Value) {
				return ErrChecksum
			}
		default:
			if err := t.check(); err != nil {
				return err
			}
			h.TLVs = append(h.TLVs, t)
		}
		seen[t.Type] = true
		at += len(p) - len(rest)
		p = rest
	}
	return nil
}

// once reports whether a TLV may come once only, as two would contradict each other.
func (t *TLV) once() bool { return t.Type <= TypeNetNS }

// check looks for what is wrong with a TLV of a type that is known.
func (t *TLV) check() error {
	if len(t.Value) > math.MaxUint16 {
		return ErrTooLong
	}
	switch t.Type {
	case TypeCRC32C, TypeNoop:
		return invalid("TLV %#02x in Header.TLVs", uint8(t.Type))
	case TypeAuthority:
		if !utf8.Valid(t.Value) {
			return invalid("authority %q", t.Value)
		}
	case TypeNetNS:
		if !isASCII(t.Value) {
			return invalid("namespace %q", t.Value)
		}
	case TypeUniqueID:
		if len(t.Value) > maxUniqueID {
			return invalid("unique ID of %d bytes", len(t.Value))
		}
	case TypeTLS:
		_, err := parseTLS(t.Value)
		return err
	}
	return nil
}

func isASCII(p []byte) bool {
	return !bytes.ContainsFunc(p, func(r rune) bool { return r >= utf8.RuneSelf })
}

// hasSum reports whether sum, which is at a place in a header, is its checksum: that of
// the header with zeros there.
func hasSum(header []byte, at int, sum []byte) bool {
	if len(sum) != 4 {
		return false
	}
	crc := crc32.Update(0, castagnoli, header[:at])
	crc = crc32.Update(crc, castagnoli, make([]byte, 4))
	crc = crc32.Update(crc, castagnoli, header[at+4:])
	return crc == binary.BigEndian.Uint32(sum)
}

// A TLS is what a proxy says of TLS between the client and itself (section 2.2.6).
type TLS struct {
	// Client says that the client has spoken TLS at all.
	Client bool
	// Certificate says that the client has shown a certificate on this connection,
	// and SessionCertificate that it has in this session.
	Certificate, SessionCertificate bool
	// Verified says that the client has shown a certificate, and that it was found
	// right.
	Verified bool
	// Version is such as "TLSv1.3", and CommonName that of the client's
	// certificate. The others have the names that the proxy has for them.
	Version, CommonName, Cipher, SignatureAlgorithm, KeyAlgorithm, Group, SignatureScheme string
	// Raw is the client's certificate, if the proxy passes it on (DER).
	Raw []byte
}

// Bits of the first byte.
const (
	tlsClient  = 1 << iota // PP2_CLIENT_SSL
	tlsConn                // PP2_CLIENT_CERT_CONN
	tlsSession             // PP2_CLIENT_CERT_SESS

	tlsFixed = 5 // that byte, and the result of the verification
)

// texts returns where the strings are, by their types from typeTLSVersion on.
func (t *TLS) texts() [7]*string {
	return [7]*string{&t.Version, &t.CommonName, &t.Cipher, &t.SignatureAlgorithm, &t.KeyAlgorithm, &t.Group, &t.SignatureScheme}
}

func parseTLS(p []byte) (*TLS, error) {
	if len(p) < tlsFixed {
		return nil, invalid("%d bytes about TLS", len(p))
	}
	t := &TLS{Client: p[0]&tlsClient != 0, Certificate: p[0]&tlsConn != 0, SessionCertificate: p[0]&tlsSession != 0,
		Verified: binary.BigEndian.Uint32(p[1:]) == 0}
	texts := t.texts()
	for rest := p[tlsFixed:]; len(rest) > 0; {
		sub, after, err := cutTLV(rest)
		if err != nil {
			return nil, err
		}
		if i := int(sub.Type) - int(typeTLSVersion); i >= 0 && i < len(texts) {
			*texts[i] = string(sub.Value)
		}
		if sub.Type == typeTLSCertificate {
			t.Raw = bytes.Clone(sub.Value)
		}
		rest = after
	}
	return t, nil
}

// TLV returns what t says as a TLV for Header.TLVs, without what is empty.
func (t *TLS) TLV() TLV {
	var bits byte
	for i, set := range []bool{t.Client, t.Certificate, t.SessionCertificate} {
		if set {
			bits |= 1 << i
		}
	}
	p := []byte{bits, 0, 0, 0, 0}
	if !t.Verified {
		p[4] = 1
	}
	for i, s := range t.texts() {
		if *s != "" {
			p = appendTLV(p, typeTLSVersion+TLVType(i), []byte(*s))
		}
	}
	if len(t.Raw) > 0 {
		p = appendTLV(p, typeTLSCertificate, t.Raw)
	}
	return TLV{TypeTLS, p}
}
