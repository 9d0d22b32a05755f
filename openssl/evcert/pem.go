package evcert

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// LoadPEM loads a certificate, the chain that leads from it to its issuers, and
// its key from two PEM files, or from one if keyFile is empty. The first certificate
// is the server's or client's own, each of the others the issuer of the one before.
// Other kinds of blocks are ignored, but each block must be whole.
//
// password opens a key that is encrypted as PKCS#8 ("BEGIN ENCRYPTED PRIVATE
// KEY", by PBES2), and is not used otherwise. Keys with the older
// "Proc-Type: 4,ENCRYPTED" are not secure, and refused with ErrEncryption;
// "openssl pkcs8 -topk8" converts them. Other errors are ErrNoCertificate,
// ErrIncomplete, ErrKeyMismatch, ErrPassword, and those of reading. Any goroutine
// may call it.
func LoadPEM(certFile, keyFile, password string) (*tls.Certificate, error) {
	cert, err := loadPEM(files{}, certFile, keyFile, password)
	if err != nil {
		return nil, opError(loadOp(certFile, keyFile), err)
	}
	return cert, nil
}

func loadPEM(f files, certFile, keyFile, password string) (*tls.Certificate, error) {
	certs, err := f.read(certFile)
	if err != nil {
		return nil, err
	}
	keys := certs
	if keyFile != "" {
		if keys, err = f.read(keyFile); err != nil {
			return nil, err
		}
	}
	return parsePEM(certs, keys, password)
}

// loadOp returns the operation in the errors of loading files, the second of which
// may be "".
func loadOp(file, second string) string {
	if second == "" {
		return "load " + file
	}
	return "load " + file + ", " + second
}

// ParsePEM is LoadPEM for PEM data in memory; certPEM has the key, too, if keyPEM is
// nil.
func ParsePEM(certPEM, keyPEM []byte, password string) (*tls.Certificate, error) {
	if keyPEM == nil {
		keyPEM = certPEM
	}
	cert, err := parsePEM(certPEM, keyPEM, password)
	if err != nil {
		return nil, opError("parse PEM", err)
	}
	return cert, nil
}

func parsePEM(certPEM, keyPEM []byte, password string) (*tls.Certificate, error) {
	blocks, err := pemBlocks(certPEM)
	if err != nil {
		return nil, err
	}
	var ders [][]byte
	for _, block := range blocks {
		if block.Type == "CERTIFICATE" {
			ders = append(ders, block.Bytes)
		}
	}
	if len(ders) == 0 {
		return nil, ErrNoCertificate
	}
	key, err := findKey(keyPEM, password)
	if err != nil {
		return nil, err
	}
	cert := &tls.Certificate{Certificate: ders, PrivateKey: key}
	chain, err := parseChain(cert)
	if err != nil {
		return nil, err
	}
	cert.Leaf = chain[0]
	if !matches(key, cert.Leaf) {
		return nil, fmt.Errorf("first certificate: %w", ErrKeyMismatch)
	}
	return cert, nil
}

// The lines that a block of PEM begins and ends with (RFC 7468 section 3).
var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
)

// pemBlocks returns the blocks in PEM data. The error is ErrIncomplete if one of
// them is not whole, as in a file that is being written or whose writing was cut
// off: encoding/pem would skip it.
func pemBlocks(data []byte) ([]*pem.Block, error) {
	begun, ended := countLines(data, pemBegin), countLines(data, pemEnd)
	if i := bytes.IndexByte(data, 0); i >= 0 && begun > 0 { // what some file systems leave after a crash
		return nil, fmt.Errorf("%w: byte %d is zero", ErrIncomplete, i)
	}
	var blocks []*pem.Block
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block)
	}
	if begun != len(blocks) || ended != len(blocks) || endsInMarker(data) {
		return nil, fmt.Errorf("%w: %d blocks begin, %d end, %d are whole", ErrIncomplete, begun, ended, len(blocks))
	}
	return blocks, nil
}

// countLines returns how many lines begin with a text.
func countLines(data, prefix []byte) (n int) {
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// endsInMarker reports whether data ends inside the line that begins a block.
func endsInMarker(data []byte) bool {
	last := data[bytes.LastIndexByte(data, '\n')+1:]
	return len(last) > 0 && bytes.HasPrefix(pemBegin, last)
}

// findKey returns the first private key in PEM data.
func findKey(data []byte, password string) (crypto.Signer, error) {
	blocks, err := pemBlocks(data)
	if err != nil {
		return nil, err
	}
	for _, block := range blocks {
		switch block.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, fmt.Errorf("key encrypted by %s: %w", block.Headers["DEK-Info"], ErrEncryption)
			}
			return parseKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return decryptKey(block.Bytes, password)
		}
	}
	return nil, fmt.Errorf("no private key: %w", ErrNoCertificate)
}

// parseKey parses a private key in PKCS#8, PKCS#1 or SEC 1 form.
func parseKey(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if rsa, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			return rsa, nil
		}
		if ec, err := x509.ParseECPrivateKey(der); err == nil {
			return ec, nil
		}
		return nil, fmt.Errorf("private key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key: a %T cannot sign: %w", key, errors.ErrUnsupported)
	}
	return signer, nil
}

// matches reports whether a key is that of a certificate.
func matches(key crypto.Signer, cert *x509.Certificate) bool {
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && pub.Equal(cert.PublicKey)
}
