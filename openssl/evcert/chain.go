package evtls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// The lines that a block of PEM begins and ends with (RFC 7468 section 3).
var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
)

// pemBlocks returns the blocks in PEM data. The error is ErrIncomplete if some of
// them is not whole, as in a file that is being written or whose writing was cut
// off: encoding/pem would pass over it.
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

// endsInMarker reports whether data ends in the middle of the beginning of a block.
func endsInMarker(data []byte) bool {
	last := data[bytes.LastIndexByte(data, '\n')+1:]
	return len(last) > 0 && bytes.HasPrefix(pemBegin, last)
}

// checkReplacement reports whether a certificate that is to replace another one
// lacks a part of its chain, as when its file was cut off between two of them: the
// error is ErrIncomplete. A chain is whole if it ends with an issuer that has signed
// itself, or leads to one that the system trusts; otherwise it must have what the
// chain before had.
func checkReplacement(old, next *tls.Certificate, now time.Time) error {
	before, err := parseChain(old)
	if err != nil {
		return nil // it may be replaced by anything
	}
	chain, err := parseChain(next)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	if broken := brokenLink(chain); broken >= 0 && brokenLink(before) < 0 {
		return fmt.Errorf("%w: certificate %d of the chain is not signed by the one after it", ErrIncomplete, broken+1)
	}
	last := chain[len(chain)-1]
	lacks := len(chain) < len(before)
	for _, c := range before {
		lacks = lacks || signedBy(last, c)
	}
	if signedBy(last, last) || !lacks || isTrusted(chain, now) {
		return nil
	}
	return fmt.Errorf("%w: the chain of %d certificates lacks the issuer %q, and the one before had %d", ErrIncomplete, len(chain), last.Issuer, len(before))
}

func parseChain(cert *tls.Certificate) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for _, der := range cert.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return chain, nil
}

// brokenLink returns the index of the first certificate that is signed neither by
// the one after it nor by itself, or -1. At the end it may be signed by others,
// unless it says that it is not.
func brokenLink(chain []*x509.Certificate) int {
	for i, c := range chain {
		last := i == len(chain)-1
		switch {
		case signedBy(c, c), !last && signedBy(c, chain[i+1]):
		case last && !bytes.Equal(c.RawIssuer, c.RawSubject):
		default:
			return i
		}
	}
	return -1
}

// signedBy reports whether a certificate was signed by another one, or by itself.
func signedBy(c, by *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, by.RawSubject) && by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// isTrusted reports whether a chain leads to an issuer that the system trusts.
func isTrusted(chain []*x509.Certificate, now time.Time) bool {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err == nil
}
