// Package certificate makes the certificate of the servers that speak TLS: the
// load makes one, and tells its server where it is by a variable of the
// environment, so that servers in any language can take it from there.
package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Variable is the name of the environment's variable that holds the path of a
// file in PEM, with the certificate and its key.
const Variable = "EVBENCH_CERTIFICATE"

// Name is whom the certificate is for.
const Name = "evbench.test"

// validity is how long before and after its making a certificate is valid.
const validity = time.Hour

// Create makes a key on the curve P-256 and a certificate that it signs itself,
// in a new file in dir, and returns the file's path.
func Create(dir string) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: Name},
		DNSNames:     []string{Name},
		NotBefore:    time.Now().Add(-validity),
		NotAfter:     time.Now().Add(validity),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", fmt.Errorf("make a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encode the key: %w", err)
	}
	var text bytes.Buffer
	text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	text.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	path := filepath.Join(dir, "certificate.pem")
	return path, os.WriteFile(path, text.Bytes(), 0o600)
}

// Load returns the certificate that the environment names.
func Load() (tls.Certificate, error) {
	path := os.Getenv(Variable)
	if path == "" {
		return tls.Certificate{}, fmt.Errorf("%s names no certificate", Variable)
	}
	return tls.LoadX509KeyPair(path, path)
}
