package evcert

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/pkcs12"
)

// LoadPKCS12 loads a certificate, its chain and its key from a PKCS#12 file
// (.p12, .pfx). It reads what today's tools write, which is encrypted by PBES2
// with PBKDF2 and AES, and through golang.org/x/crypto/pkcs12 also what older
// ones do, which should be converted: their encryption protects little. The
// integrity of the file is checked with the password. Files that are protected
// by public keys, by scrypt or by PBMAC1 are refused with ErrEncryption. Other
// errors are ErrPassword, ErrNoCertificate, ErrKeyMismatch, and those of reading.
// Any goroutine may call it.
func LoadPKCS12(file, password string) (*tls.Certificate, error) {
	cert, err := loadPKCS12(files{}, file, password)
	if err != nil {
		return nil, opError(loadOp(file, ""), err)
	}
	return cert, nil
}

func loadPKCS12(f files, file, password string) (*tls.Certificate, error) {
	data, err := f.read(file)
	if err != nil {
		return nil, err
	}
	return parsePKCS12(data, password)
}

// ParsePKCS12 is LoadPKCS12 for data in memory.
func ParsePKCS12(data []byte, password string) (*tls.Certificate, error) {
	cert, err := parsePKCS12(data, password)
	if err != nil {
		return nil, opError("parse PKCS#12", err)
	}
	return cert, nil
}

// The structure of a file (RFC 7292 section 4).
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
)

// legacyPBE is what the identifiers of PKCS#12's own encryption begin with.
const legacyPBE = "1.2.840.113549.1.12.1."

type pfx struct {
	Version int
	Content contentInfo
	MAC     pfxMAC `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

type pfxMAC struct {
	Digest struct {
		Algorithm pkix.AlgorithmIdentifier
		Value     []byte
	}
	Salt       []byte
	Iterations int `asn1:"optional,default:1"`
}

type encryptedData struct {
	Version int
	Info    struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Content   []byte `asn1:"tag:0,optional"`
	}
}

type bag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"tag:0,explicit"`
	Attributes asn1.RawValue `asn1:"optional"`
}

type certBag struct {
	ID   asn1.ObjectIdentifier
	Data []byte `asn1:"tag:0,explicit"`
}

func parsePKCS12(data []byte, password string) (*tls.Certificate, error) {
	var file pfx
	if err := unmarshal(data, &file); err != nil {
		return nil, err
	}
	var safe []byte
	switch {
	case file.Version != 3:
		return nil, fmt.Errorf("version %d: %w", file.Version, errors.ErrUnsupported)
	case !file.Content.Type.Equal(oidData):
		return nil, fmt.Errorf("%w: content type %v", ErrEncryption, file.Content.Type)
	case file.MAC.Iterations > maxIterations:
		return nil, fmt.Errorf("%d iterations of the MAC's key are out of range", file.MAC.Iterations)
	}
	if err := unmarshal(file.Content.Content.Bytes, &safe); err != nil {
		return nil, err
	}
	var contents []contentInfo
	if err := unmarshal(safe, &contents); err != nil {
		return nil, err
	}
	legacy, err := isLegacy(contents)
	if err != nil {
		return nil, err
	}
	if legacy {
		return parseLegacyPKCS12(data, password)
	}
	if err := file.MAC.check(safe, password); err != nil {
		return nil, err
	}
	var bags bagReader
	for _, c := range contents {
		if err := bags.content(c, password); err != nil {
			return nil, err
		}
	}
	if bags.key == nil {
		return nil, fmt.Errorf("no private key: %w", ErrNoCertificate)
	}
	return assemble(bags.key, bags.certs)
}

// isLegacy reports whether something is encrypted in PKCS#12's own way.
func isLegacy(contents []contentInfo) (bool, error) {
	for _, c := range contents {
		algorithms, err := c.algorithms()
		if err != nil {
			return false, err
		}
		for _, a := range algorithms {
			if strings.HasPrefix(a.String(), legacyPBE) {
				return true, nil
			}
		}
	}
	return false, nil
}

// algorithms returns what a part of the file is encrypted by, as far as can be
// seen without the password.
func (c contentInfo) algorithms() ([]asn1.ObjectIdentifier, error) {
	switch {
	case c.Type.Equal(oidEncryptedData):
		var e encryptedData
		if err := unmarshal(c.Content.Bytes, &e); err != nil {
			return nil, err
		}
		return []asn1.ObjectIdentifier{e.Info.Algorithm.Algorithm}, nil
	case !c.Type.Equal(oidData):
		return nil, fmt.Errorf("%w: content type %v", ErrEncryption, c.Type)
	}
	bags, err := c.bags()
	if err != nil {
		return nil, err
	}
	var found []asn1.ObjectIdentifier
	for _, b := range bags {
		if !b.ID.Equal(oidShroudedBag) {
			continue
		}
		var k encryptedKey
		if err := unmarshal(b.Value.Bytes, &k); err != nil {
			return nil, err
		}
		found = append(found, k.Algorithm.Algorithm)
	}
	return found, nil
}

// bags returns what is in a part that is not encrypted.
func (c contentInfo) bags() (bags []bag, err error) {
	var data []byte
	if err := unmarshal(c.Content.Bytes, &data); err != nil {
		return nil, err
	}
	return bags, unmarshal(data, &bags)
}

// parseLegacyPKCS12 parses a file with PKCS#12's own encryption.
func parseLegacyPKCS12(data []byte, password string) (*tls.Certificate, error) {
	blocks, err := pkcs12.ToPEM(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, ErrPassword
	case errors.As(err, new(pkcs12.NotImplementedError)):
		return nil, fmt.Errorf("%w: %w", ErrEncryption, err)
	case err != nil:
		return nil, err
	}
	var bags bagReader
	for _, b := range blocks {
		add := bags.addKey
		if b.Type == "CERTIFICATE" {
			add = bags.addCert
		}
		if err := add(b.Bytes); err != nil {
			return nil, err
		}
	}
	if bags.key == nil {
		return nil, fmt.Errorf("no private key: %w", ErrNoCertificate)
	}
	return assemble(bags.key, bags.certs)
}

// bagReader collects what is in a file.
type bagReader struct {
	key   crypto.Signer // the first one
	certs []*x509.Certificate
}

func (r *bagReader) content(c contentInfo, password string) error {
	if !c.Type.Equal(oidEncryptedData) {
		bags, err := c.bags()
		if err != nil {
			return err
		}
		return r.bags(bags, password)
	}
	var e encryptedData
	if err := unmarshal(c.Content.Bytes, &e); err != nil {
		return err
	}
	plain, err := decryptPBES2(e.Info.Algorithm, e.Info.Content, password)
	if err != nil {
		return err
	}
	var bags []bag
	if err := unmarshal(plain, &bags); err != nil {
		return err
	}
	return r.bags(bags, password)
}

// bags collects keys and certificates, and ignores revocation lists and secrets.
func (r *bagReader) bags(bags []bag, password string) error {
	for _, b := range bags {
		var err error
		switch {
		case b.ID.Equal(oidKeyBag):
			err = r.addKey(b.Value.Bytes)
		case b.ID.Equal(oidShroudedBag) && r.key == nil:
			r.key, err = decryptKey(b.Value.Bytes, password)
		case b.ID.Equal(oidCertBag):
			var c certBag
			if err = unmarshal(b.Value.Bytes, &c); err == nil && c.ID.Equal(oidX509) {
				err = r.addCert(c.Data)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *bagReader) addKey(der []byte) (err error) {
	if r.key == nil {
		r.key, err = parseKey(der)
	}
	return err
}

func (r *bagReader) addCert(der []byte) error {
	c, err := x509.ParseCertificate(der)
	if err == nil {
		r.certs = append(r.certs, c)
	}
	return err
}

// macHashes are the hashes of a file's MAC.
var macHashes = map[string]func() hash.Hash{
	"1.3.14.3.2.26":          sha1.New,
	"2.16.840.1.101.3.4.2.4": sha256.New224,
	"2.16.840.1.101.3.4.2.1": sha256.New,
	"2.16.840.1.101.3.4.2.2": sha512.New384,
	"2.16.840.1.101.3.4.2.3": sha512.New,
}

// check checks the integrity of a file's content, and so the password.
func (m *pfxMAC) check(content []byte, password string) error {
	algorithm := m.Digest.Algorithm.Algorithm
	h, ok := macHashes[algorithm.String()]
	switch {
	case len(algorithm) == 0:
		return errors.New("file has no MAC")
	case !ok:
		return fmt.Errorf("%w: MAC %v", ErrEncryption, algorithm)
	case m.Iterations < 1:
		return fmt.Errorf("%d iterations of the MAC's key are out of range", m.Iterations)
	}
	passwords := [][]byte{bmpString(password)}
	if password == "" {
		passwords = append(passwords, nil) // programs encode the lack of a password in two ways
	}
	for _, p := range passwords {
		mac := hmac.New(h, macKey(h, p, m.Salt, m.Iterations))
		mac.Write(content)
		if hmac.Equal(mac.Sum(nil), m.Digest.Value) {
			return nil
		}
	}
	return ErrPassword
}

// macKey derives the key of a MAC from a password (RFC 7292 appendix B.2), of
// which one round is enough: the key is as long as the hash.
func macKey(newHash func() hash.Hash, password, salt []byte, iterations int) []byte {
	const forMAC = 3
	h := newHash()
	block := h.BlockSize()
	for range block {
		h.Write([]byte{forMAC})
	}
	h.Write(fill(salt, block))
	h.Write(fill(password, block))
	key := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(key)
		key = h.Sum(key[:0])
	}
	return key
}

// fill repeats p up to a multiple of the block's length.
func fill(p []byte, block int) []byte {
	whole := make([]byte, (len(p)+block-1)/block*block)
	for i := 0; i < len(whole); {
		i += copy(whole[i:], p)
	}
	return whole
}

// bmpString returns a password as PKCS#12 hashes it: UTF-16, with a zero.
func bmpString(s string) []byte {
	var p []byte
	for _, u := range utf16.Encode([]rune(s)) {
		p = binary.BigEndian.AppendUint16(p, u)
	}
	return append(p, 0, 0)
}
