package evtls

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxCertificateFile is how long a file with certificates or keys may be, in
// bytes.
const MaxCertificateFile = 1 << 20

// LoadPEM loads a certificate, the chain that leads from it to its issuers, and
// its key from two PEM files, or from one if keyFile is empty. What else is in
// the files does not matter, unless it is a block that is not whole. The first certificate is the server's or client's
// own, each of the others the issuer of the one before.
//
// password opens a key that is encrypted as PKCS#8 ("BEGIN ENCRYPTED PRIVATE
// KEY", by PBES2), and otherwise is not looked at. Keys with the older
// "Proc-Type: 4,ENCRYPTED" are not secure, and refused with ErrEncryption;
// "openssl pkcs8 -topk8" converts them. Other errors are ErrNoCertificate,
// ErrIncomplete, ErrKeyMismatch, ErrPassword, and those of reading. Any goroutine may call it.
func LoadPEM(certFile, keyFile, password string) (*tls.Certificate, error) {
	certs, err := readLimited(certFile)
	if err != nil {
		return nil, opError("load certificate", err)
	}
	keys := certs
	if keyFile == "" {
		keyFile = certFile
	} else if keys, err = readLimited(keyFile); err != nil {
		return nil, opError("load key", err)
	}
	cert, err := ParsePEM(certs, keys, password)
	if err != nil {
		return nil, fmt.Errorf("load %s, %s: %w", certFile, keyFile, err)
	}
	return cert, nil
}

// ParsePEM is LoadPEM for what is in memory; both can be in certPEM if keyPEM is
// nil.
func ParsePEM(certPEM, keyPEM []byte, password string) (*tls.Certificate, error) {
	if keyPEM == nil {
		keyPEM = certPEM
	}
	blocks, err := pemBlocks(certPEM)
	if err != nil {
		return nil, opError("parse PEM", err)
	}
	var ders [][]byte
	for _, block := range blocks {
		if block.Type == "CERTIFICATE" {
			ders = append(ders, block.Bytes)
		}
	}
	if len(ders) == 0 {
		return nil, opError("parse PEM", ErrNoCertificate)
	}
	key, err := keyOf(keyPEM, password)
	if err != nil {
		return nil, opError("parse PEM", err)
	}
	cert := &tls.Certificate{Certificate: ders, PrivateKey: key}
	chain, err := parseChain(cert)
	if err != nil {
		return nil, opError("parse PEM", err)
	}
	leaf := chain[0]
	if !belongs(key, leaf) {
		return nil, opError("parse PEM", fmt.Errorf("first certificate: %w", ErrKeyMismatch))
	}
	cert.Leaf = leaf
	return cert, nil
}

// keyOf returns the first private key in PEM data.
func keyOf(data []byte, password string) (crypto.Signer, error) {
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

// parseKey parses a private key in whatever form it is.
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

// belongs reports whether a key is that of a certificate.
func belongs(key crypto.Signer, cert *x509.Certificate) bool {
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && pub.Equal(cert.PublicKey)
}

// assemble puts certificates that come in no order into the one that TLS wants:
// that of the key first, and then each one's issuer. Others are left out.
func assemble(key crypto.Signer, certs []*x509.Certificate) (*tls.Certificate, error) {
	var leaf *x509.Certificate
	for _, c := range certs {
		if belongs(key, c) {
			leaf = c
			break
		}
	}
	switch {
	case len(certs) == 0:
		return nil, ErrNoCertificate
	case leaf == nil:
		return nil, ErrKeyMismatch
	}
	chain := [][]byte{leaf.Raw}
	for c := issuerOf(leaf, certs); c != nil && len(chain) <= len(certs); c = issuerOf(c, certs) {
		chain = append(chain, c.Raw)
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}, nil
}

// issuerOf returns the certificate that has signed c, or nil if it is not there
// or c itself.
func issuerOf(c *x509.Certificate, among []*x509.Certificate) *x509.Certificate {
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return nil
	}
	for _, i := range among {
		if bytes.Equal(c.RawIssuer, i.RawSubject) && c.CheckSignatureFrom(i) == nil {
			return i
		}
	}
	return nil
}

// readLimited reads a file that is not longer than MaxCertificateFile.
func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxCertificateFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxCertificateFile {
		return nil, fmt.Errorf("read %s: longer than %d bytes", name, MaxCertificateFile)
	}
	return data, nil
}
