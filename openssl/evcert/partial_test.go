package evcert_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-libevent/libevent/openssl/evcert"
)

// An office is an authority with others below it.
type office struct{ levels []*authority } // the root first

func newOffice(t testing.TB, name string, intermediates int) *office {
	t.Helper()
	o := &office{levels: []*authority{newAuthority(t, name+" root")}}
	for range intermediates {
		above := o.levels[len(o.levels)-1]
		below := newAuthority(t, fmt.Sprint(name, " intermediate ", len(o.levels)))
		der, err := above.sign(below.key.Public(), nil, func(c *x509.Certificate) {
			c.Subject = below.cert.Subject
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		})
		ok(t, err)
		below.cert, err = x509.ParseCertificate(der)
		ok(t, err)
		o.levels = append(o.levels, below)
	}
	return o
}

// issue returns a certificate with its chain, which has the root if that is wanted.
func (o *office) issue(t testing.TB, cn string, withRoot bool) *tls.Certificate {
	t.Helper()
	last := o.levels[len(o.levels)-1]
	cert := last.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = cn }, "x.test")
	cert.Certificate = cert.Certificate[:1]
	for i := len(o.levels) - 1; i > 0 || i == 0 && withRoot; i-- {
		cert.Certificate = append(cert.Certificate, o.levels[i].cert.Raw)
	}
	return cert
}

// certPEM and keyPEM return what is in the files of a certificate.
func certPEM(cert *tls.Certificate) (data []byte) {
	for _, der := range cert.Certificate {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return data
}

func keyPEM(t testing.TB, cert *tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	ok(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// inUse returns the chain that clients get.
func inUse(t testing.TB, s *evcert.Store) [][]byte {
	t.Helper()
	cert, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: "x.test", SupportedVersions: []uint16{tls.VersionTLS13}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}})
	ok(t, err)
	return cert.Certificate
}

func sameCerts(a, b [][]byte) bool {
	return bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil)) && len(a) == len(b)
}

// damages are what can be found in place of a file while it is written anew, or
// after that was cut off. n counts the bytes that have been written.
var damages = []struct {
	name string
	of   func(old, next []byte, n int) []byte
}{
	{"cut off", func(_, next []byte, n int) []byte { return next[:n] }},
	{"written over", func(old, next []byte, n int) []byte {
		return append(bytes.Clone(next[:n]), old[min(n, len(old)):]...)
	}},
	{"filled up with zeros", func(_, next []byte, n int) []byte {
		return append(bytes.Clone(next[:n]), make([]byte, len(next)-n)...)
	}},
}

// cuts returns places in PEM data: those around the lines that blocks begin and end
// with, and some between.
func cuts(data []byte) (places []int) {
	near := func(n int) bool {
		return bytes.Contains(data[max(n-9, 0):min(n+9, len(data))], []byte("-----"))
	}
	for n := range data {
		if n%127 == 0 || near(n) && !testing.Short() {
			places = append(places, n)
		}
	}
	return places
}

// Whatever is there of new files, clients get the old chain or the new one, never
// a part of either, and the rest of the writing is noticed.
func TestPartsOfFilesAreNeverUsed(t *testing.T) {
	sameOffice := newOffice(t, "one", 2)
	offices := map[string][2]*office{
		"the same issuers":           {sameOffice, sameOffice},
		"other issuers":              {sameOffice, newOffice(t, "other", 2)},
		"no intermediate issuers":    {newOffice(t, "one", 0), newOffice(t, "other", 0)},
		"fewer intermediate issuers": {sameOffice, newOffice(t, "other", 1)},
	}
	for name, pair := range offices {
		for _, combined := range []bool{false, true} {
			for _, damage := range damages {
				title := name + ", " + damage.name
				if combined {
					title += ", with the key"
				}
				t.Run(title, func(t *testing.T) {
					dir := tempDir(t)
					source := evcert.Source{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
					old, next := pair[0].issue(t, "old", true), pair[1].issue(t, "new", true)
					oldCert, nextCert, oldKey, nextKey := certPEM(old), certPEM(next), keyPEM(t, old), keyPEM(t, next)
					if combined {
						source.KeyFile = ""
						oldCert, nextCert = append(oldCert, oldKey...), append(nextCert, nextKey...)
					} else {
						ok(t, os.WriteFile(source.KeyFile, oldKey, 0o600))
					}
					ok(t, os.WriteFile(source.CertFile, oldCert, 0o600))
					s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{source}})
					if !combined {
						ok(t, os.WriteFile(source.KeyFile, nextKey, 0o600))
					}
					for _, n := range cuts(nextCert) {
						ok(t, os.WriteFile(source.CertFile, damage.of(oldCert, nextCert, n), 0o600))
						err := s.Reload()
						chain := inUse(t, s)
						if sameCerts(chain, next.Certificate) && err == nil {
							break // all that matters is there
						}
						if !sameCerts(chain, old.Certificate) || err == nil && n > 0 && damage.name != "written over" {
							t.Fatalf("%d bytes of %d are there: a chain of %d is in use, and the error is %v", n, len(nextCert), len(chain), err)
						}
					}
					ok(t, os.WriteFile(source.CertFile, nextCert, 0o600))
					ok(t, s.Reload())
					want(t, "the new chain is in use", sameCerts(inUse(t, s), next.Certificate), true)
				})
			}
		}
	}
}

// The same for the file of the key.
func TestPartsOfKeysAreNeverUsed(t *testing.T) {
	o := newOffice(t, "one", 1)
	old, next := o.issue(t, "old", false), o.issue(t, "new", false)
	for _, damage := range damages {
		t.Run(damage.name, func(t *testing.T) {
			dir := tempDir(t)
			source := evcert.Source{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
			ok(t, os.WriteFile(source.CertFile, certPEM(old), 0o600))
			ok(t, os.WriteFile(source.KeyFile, keyPEM(t, old), 0o600))
			s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{source}})
			ok(t, os.WriteFile(source.CertFile, certPEM(next), 0o600))
			key := keyPEM(t, next)
			for n := range len(key) - 1 { // the last byte ends a line
				ok(t, os.WriteFile(source.KeyFile, damage.of(keyPEM(t, old), key, n), 0o600))
				err := s.Reload()
				if err == nil && sameCerts(inUse(t, s), next.Certificate) && damage.name == "written over" {
					break // the public half, which comes after the private one, does not matter
				}
				if err == nil || !sameCerts(inUse(t, s), old.Certificate) {
					t.Fatalf("%d bytes of %d are there, and the error is %v", n, len(key), err)
				}
			}
			ok(t, os.WriteFile(source.KeyFile, key, 0o600))
			ok(t, s.Reload())
		})
	}
}

// And for PKCS#12.
func TestPartsOfPKCS12AreNeverUsed(t *testing.T) {
	data, err := os.ReadFile(testdata("modern.p12"))
	ok(t, err)
	file := filepath.Join(tempDir(t), "x.p12")
	ok(t, os.WriteFile(file, data, 0o600))
	s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{{PKCS12File: file, Password: testPassword}}})
	before := inUse(t, s)
	for n := 0; n < len(data); n += 101 {
		for _, damage := range damages {
			if damage.name == "written over" {
				continue // by the same
			}
			ok(t, os.WriteFile(file, damage.of(nil, data, n), 0o600))
			if err := s.Reload(); err == nil || !sameCerts(inUse(t, s), before) {
				t.Fatalf("%s after %d bytes of %d: the error is %v", damage.name, n, len(data), err)
			}
		}
	}
	ok(t, os.WriteFile(file, data, 0o600))
	ok(t, s.Reload())
}

// What replaces a chain may be shorter if it is whole, and need not have issuers
// that nobody had.
func TestChainsThatMayReplaceOthers(t *testing.T) {
	long, short, none := newOffice(t, "long", 2), newOffice(t, "short", 0), newOffice(t, "none", 0)
	other := newOffice(t, "other", 1)
	tests := []struct {
		name      string
		old, next *tls.Certificate
		err       error
	}{
		{"renewal", long.issue(t, "old", false), long.issue(t, "new", false), nil},
		{"renewal with the root", long.issue(t, "old", true), long.issue(t, "new", true), nil},
		{"the root is new", long.issue(t, "old", false), long.issue(t, "new", true), nil},
		{"shorter chain to a root", long.issue(t, "old", false), short.issue(t, "new", true), nil},
		{"without issuers as before", none.issue(t, "old", false), short.issue(t, "new", false), nil},
		{"more issuers than before", none.issue(t, "old", false), long.issue(t, "new", false), nil},
		{"the root is missing", long.issue(t, "old", true), long.issue(t, "new", false), evcert.ErrIncomplete},
		{"shorter chain to nobody", long.issue(t, "old", false), other.issue(t, "new", false), evcert.ErrIncomplete},
		{"no issuers", long.issue(t, "old", false), short.issue(t, "new", false), evcert.ErrIncomplete},
		{"issuers of another", long.issue(t, "old", false), func() *tls.Certificate {
			c := *other.issue(t, "new", true)
			c.Certificate = append(c.Certificate[:1:1], long.issue(t, "x", false).Certificate[1:]...)
			return &c
		}(), evcert.ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := writePEM(t, filepath.Join(tempDir(t), "x.pem"), tt.old)
			s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{{CertFile: file}}})
			writePEM(t, file, tt.next)
			if err := s.Reload(); !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			want := tt.next
			if tt.err != nil {
				want = tt.old
			}
			if !sameCerts(inUse(t, s), want.Certificate) {
				t.Error("the wrong chain is in use")
			}
		})
	}
}

// A store that watches its files goes on with the old chain while the new one is
// written, and takes the new one when it is there.
func TestStoreWaitsForTheRestOfAFile(t *testing.T) {
	base, o := newBase(t), newOffice(t, "one", 1)
	old, next := o.issue(t, "old", false), o.issue(t, "new", false)
	file := writePEM(t, filepath.Join(tempDir(t), "x.pem"), old)
	told := make(chan error, 100)
	s := newStore(t, base, evcert.StoreConfig{
		Sources: []evcert.Source{{CertFile: file}}, Interval: time.Millisecond,
		OnReload: func(_ *evcert.Source, err error) { told <- err },
	})
	whole := append(certPEM(next), keyPEM(t, next)...)
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: next.Certificate[0]})
	runWith(t, base, func() {
		writeFile(t, file, append(bytes.Clone(leaf), keyPEM(t, next)...)) // a chain that lacks its issuer
		if err := <-told; !errors.Is(err, evcert.ErrIncomplete) {
			t.Errorf("told %v", err)
		}
		writeFile(t, file, whole)
		if err := <-told; err != nil {
			t.Errorf("told %v", err)
		}
	})
	want(t, "the new chain is in use", sameCerts(inUse(t, s), next.Certificate), true)
}
