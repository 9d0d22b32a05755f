//go:build unix

package evcert_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A server with two certificates, whose files are watched; a hangup signal has
// them read at once.
func ExampleStore() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	store, err := evcert.NewStore(base, &evcert.StoreConfig{
		Sources: []evcert.Source{
			{CertFile: "testdata/cert.pem", KeyFile: "testdata/key.pem"},
			{PKCS12File: "testdata/aes128-sha512.p12", Password: "geheim€"},
		},
		OnReload: func(source *evcert.Source, err error) { slog.Info("reloaded", "source", source, "error", err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Free()
	cfg := &evtls.Config{TLS: &tls.Config{GetCertificate: store.GetCertificate}} // for evtls.NewSocket

	hangup, err := base.NewSignal(syscall.SIGHUP, func(*event.Event, event.What) {
		if err := store.Reload(); err != nil {
			slog.Warn("certificates", "error", err)
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer hangup.Free()
	if err := hangup.Add(); err != nil {
		fmt.Println(err)
	}

	for _, name := range []string{"ec.example.test", "rsa.example.test", "other.test"} {
		hello := &tls.ClientHelloInfo{
			ServerName:        name,
			SupportedVersions: []uint16{tls.VersionTLS13},
			SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256},
		}
		cert, err := cfg.TLS.GetCertificate(hello)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, "gets", cert.Leaf.Subject.CommonName)
	}
	// Output:
	// ec.example.test gets ec.example.test
	// rsa.example.test gets rsa.example.test
	// other.test gets ec.example.test
}
