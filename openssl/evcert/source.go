package evcert

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// A Source says where a certificate is, and which hosts it is for.
type Source struct {
	// CertFile and KeyFile are as for LoadPEM; PKCS12File is as for
	// LoadPKCS12, and excludes them. Password opens either.
	CertFile   string
	KeyFile    string
	PKCS12File string
	Password   string

	// Names are the names of servers that clients get this certificate for,
	// instead of those in the certificate. "*.example.com" matches each name
	// with one more label.
	Names []string

	// TLS, if not nil, is a configuration for these names alone, such as other
	// client certificates or protocols. Without certificates of its own it has
	// those of the store.
	TLS *tls.Config
}

// String returns the name of the certificate's file.
func (c *Source) String() string {
	if c.PKCS12File != "" {
		return c.PKCS12File
	}
	return c.CertFile
}

// load loads the certificate from files that are in f.
func (c *Source) load(f files) (*tls.Certificate, error) {
	if c.PKCS12File != "" {
		return loadPKCS12(f, c.PKCS12File, c.Password)
	}
	return loadPEM(f, c.CertFile, c.KeyFile, c.Password)
}

// files returns the names of the files.
func (c *Source) files() []string {
	switch {
	case c.PKCS12File != "":
		return []string{c.PKCS12File}
	case c.KeyFile == "":
		return []string{c.CertFile}
	}
	return []string{c.CertFile, c.KeyFile}
}

// check returns why the source cannot be used.
func (c *Source) check() error {
	switch {
	case c.CertFile == "" && c.PKCS12File == "":
		return fmt.Errorf("source names no file: %w", ErrNoCertificate)
	case c.PKCS12File != "" && (c.CertFile != "" || c.KeyFile != ""):
		return fmt.Errorf("source %s has PEM files, too: %w", c.PKCS12File, ErrSource)
	}
	for _, name := range c.Names {
		rest := strings.TrimPrefix(name, "*.")
		if rest == "" || rest[0] == '.' || strings.Contains(rest, "*") {
			return fmt.Errorf("source %v: %w: name %q", c, ErrSource, name)
		}
	}
	return nil
}
