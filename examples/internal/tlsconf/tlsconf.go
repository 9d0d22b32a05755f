// Package tlsconf makes crypto/tls configurations of the flags that the programs
// with TLS have in common.
package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
)

// An Identity is the certificate that a program shows, and where it comes from.
type Identity struct {
	certFile, keyFile string
}

// Flags adds -cert and -key.
func (id *Identity) Flags(set *flag.FlagSet) {
	set.StringVar(&id.certFile, "cert", "", "show the certificate, and those that follow it, in this PEM `file`")
	set.StringVar(&id.keyFile, "key", "", "use the private key in this PEM `file`, for -cert")
}

// Check reports flags that make no sense.
func (id *Identity) Check() error {
	if (id.certFile == "") != (id.keyFile == "") {
		return errors.New("-cert and -key need each other")
	}
	return nil
}

// Given reports whether the flags name a certificate.
func (id *Identity) Given() bool { return id.certFile != "" }

// Certificate reads the certificate that the flags name. Without them it makes
// one, signed by itself.
func (id *Identity) Certificate() (tls.Certificate, error) {
	if !id.Given() {
		return Generate()
	}
	return tls.LoadX509KeyPair(id.certFile, id.keyFile)
}

// A Verification says how a client finds out that it talks to the right server.
type Verification struct {
	serverName, caFile string
	insecure           bool
}

// Flags adds -servername and -insecure. CAFlag is separate, because servers can
// have that as well.
func (v *Verification) Flags(set *flag.FlagSet) {
	set.StringVar(&v.serverName, "servername", "", "ask for the server of this `name`, and expect its certificate; empty is the host that is connected to")
	set.BoolVar(&v.insecure, "insecure", false, "accept every certificate")
}

// CAFlag adds -ca with a text that says what for.
func (v *Verification) CAFlag(set *flag.FlagSet, usage string) {
	set.StringVar(&v.caFile, "ca", "", usage)
}

// Check reports flags that make no sense.
func (v *Verification) Check() error {
	if v.insecure && v.caFile != "" {
		return errors.New("-insecure accepts every certificate, whatever -ca says")
	}
	return nil
}

// Client returns the configuration of a client that connects to host.
func (v *Verification) Client(host string) (*tls.Config, error) {
	pool, err := v.Pool()
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{ServerName: v.serverName, RootCAs: pool, InsecureSkipVerify: v.insecure}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg, nil
}

// Pool returns the certificates to trust, or nil without -ca.
func (v *Verification) Pool() (*x509.CertPool, error) {
	if v.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(v.caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificates", v.caFile)
	}
	return pool, nil
}
