package evcert_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/openssl/evcert"
)

// The files in testdata were made by OpenSSL, with this password, which has a
// letter outside ASCII. Their certificates are valid for a hundred years.
const testPassword = "geheim€"

func testdata(name string) string { return filepath.Join("testdata", name) }

// checkPair fails the test unless the key of cert is that of its leaf.
func checkPair(t *testing.T, cert *tls.Certificate, name string, chain int) {
	t.Helper()
	if got := cert.Leaf.Subject.CommonName; got != name {
		t.Errorf("certificate of %s, want %s", got, name)
	}
	if got := len(cert.Certificate); got != chain {
		t.Errorf("chain of %d certificates, want %d", got, chain)
	}
	if !bytes.Equal(cert.Certificate[0], cert.Leaf.Raw) {
		t.Error("leaf is not the first certificate")
	}
	key := cert.PrivateKey.(crypto.Signer).Public()
	if !key.(interface{ Equal(crypto.PublicKey) bool }).Equal(cert.Leaf.PublicKey) {
		t.Error("key and certificate do not belong together")
	}
}

func TestLoadPEM(t *testing.T) {
	tests := []struct {
		name, cert, key, password string
		chain                     int
		err                       error
	}{
		{"two files", "cert.pem", "key.pem", "", 1, nil},
		{"one file with a chain", "combined.pem", "", "", 2, nil},
		{"key from a combined file", "cert.pem", "combined.pem", "", 1, nil},
		{"encrypted key, AES", "cert.pem", "pbes2.key", testPassword, 1, nil},
		{"encrypted key, triple DES", "cert.pem", "pbes2-sha1-des3.key", testPassword, 1, nil},
		{"wrong password", "cert.pem", "pbes2.key", "falsch", 0, evcert.ErrPassword},
		{"missing password", "cert.pem", "pbes2.key", "", 0, evcert.ErrPassword},
		{"key derived by scrypt", "cert.pem", "scrypt.key", testPassword, 0, evcert.ErrEncryption},
		{"key encrypted the old way", "cert.pem", "old.key", testPassword, 0, errors.ErrUnsupported},
		{"key of another certificate", "cert.pem", "other.key", "", 0, evcert.ErrKeyMismatch},
		{"no key", "cert.pem", "", "", 0, evcert.ErrNoCertificate},
		{"no certificate", "key.pem", "", "", 0, evcert.ErrNoCertificate},
		{"no PEM", "modern.p12", "", "", 0, evcert.ErrNoCertificate},
		{"no certificate file", "missing.pem", "key.pem", "", 0, fs.ErrNotExist},
		{"no key file", "cert.pem", "missing.key", "", 0, fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := tt.key
			if key != "" {
				key = testdata(key)
			}
			cert, err := evcert.LoadPEM(testdata(tt.cert), key, tt.password)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				if !strings.Contains(err.Error(), "testdata") {
					t.Errorf("error does not name the file: %v", err)
				}
				return
			}
			checkPair(t, cert, "ec.example.test", tt.chain)
		})
	}
}

func TestLoadPKCS12(t *testing.T) {
	tests := []struct {
		file, password, name string
		chain                int
		err                  error
	}{
		{"modern.p12", testPassword, "ec.example.test", 2, nil},
		{"aes128-sha512.p12", testPassword, "rsa.example.test", 2, nil},
		{"legacy.p12", testPassword, "ec.example.test", 2, nil},
		{"nopassword.p12", "", "ec.example.test", 1, nil},
		{"plain.p12", testPassword, "ec.example.test", 1, nil},
		{"modern.p12", "falsch", "", 0, evcert.ErrPassword},
		{"modern.p12", "", "", 0, evcert.ErrPassword},
		{"plain.p12", "falsch", "", 0, evcert.ErrPassword},
		{"legacy.p12", "falsch", "", 0, evcert.ErrPassword},
		{"mixed.p12", testPassword, "", 0, evcert.ErrEncryption},
		{"nokey.p12", testPassword, "", 0, evcert.ErrNoCertificate},
		{"missing.p12", "", "", 0, fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.password, func(t *testing.T) {
			cert, err := evcert.LoadPKCS12(testdata(tt.file), tt.password)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err == nil {
				checkPair(t, cert, tt.name, tt.chain)
			}
		})
	}
}

func TestPKCS12WithoutMACIsRefused(t *testing.T) {
	cert, err := evcert.LoadPKCS12(testdata("nomac.p12"), testPassword)
	if err == nil || cert != nil || !strings.Contains(err.Error(), "MAC") {
		t.Errorf("got %v, error %v", cert, err)
	}
}

func TestDamagedPKCS12IsAnError(t *testing.T) {
	for _, name := range []string{"modern.p12", "plain.p12", "legacy.p12"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(testdata(name))
			if err != nil {
				t.Fatal(err)
			}
			for n := range data {
				if _, err := evcert.ParsePKCS12(data[:n], testPassword); err == nil {
					t.Errorf("no error when cut after %d bytes", n)
				}
			}
			if _, err := evcert.ParsePKCS12(append(bytes.Clone(data), 0), testPassword); err == nil {
				t.Error("no error for a byte more")
			}
		})
	}
}

func TestFileThatIsTooLongIsRefused(t *testing.T) {
	name := filepath.Join(tempDir(t), "long.pem")
	if err := os.WriteFile(name, make([]byte, evcert.MaxFileSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := evcert.LoadPEM(name, "", ""); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("error %v", err)
	}
}

func FuzzParsePKCS12(f *testing.F) {
	for _, name := range []string{"modern.p12", "aes128-sha512.p12", "legacy.p12", "plain.p12", "nokey.p12"} {
		data, err := os.ReadFile(testdata(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	evcert.SetMaxIterations(5000) // not to fuzz SHA-256
	f.Fuzz(func(t *testing.T, data []byte) {
		cert, err := evcert.ParsePKCS12(data, testPassword)
		if (cert == nil) == (err == nil) {
			t.Errorf("certificate %v, error %v", cert, err)
		}
	})
}
