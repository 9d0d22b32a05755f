package evcert_test

import (
	"crypto/tls"
	"fmt"
	"net/http/httptest"
	"strings"

	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A certificate with its chain and key, all in one file.
func ExampleLoadPEM() {
	cert, err := evcert.LoadPEM("testdata/combined.pem", "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{*cert}}}
	fmt.Println(cert.Leaf.DNSNames, len(cfg.TLS.Certificates[0].Certificate))
	// Output: [ec.example.test] 2
}

func ExampleLoadPKCS12() {
	cert, err := evcert.LoadPKCS12("testdata/modern.p12", "geheim€")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cert.Leaf.DNSNames)
	_, err = evcert.LoadPKCS12("testdata/modern.p12", "secret")
	fmt.Println(err)
	// Output:
	// [ec.example.test]
	// evcert: load testdata/modern.p12: wrong or missing password
}

// A server whose certificates have OCSP responses with them.
func ExampleStapler() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	stapler, err := evcert.NewStapler(base, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := evcert.NewStore(base, &evcert.StoreConfig{
		Sources: []evcert.Source{{CertFile: "testdata/combined.pem"}},
		Stapler: stapler,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	store.Free()                 // a server would do this at its end
	fmt.Println(base.Dispatch()) // and run until then
	// Output: <nil>
}

// A server that gets its certificates from an authority.
func ExampleACME() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	a, err := evcert.NewACME(base, &evcert.ACMEConfig{Manager: &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist("www.example.com"),
		Cache:      autocert.DirCache("/var/lib/example/certificates"),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Free()
	cfg := &evtls.Config{TLS: a.TLSConfig("http/1.1")} // for evtls.NewSocket, at port 443

	// At port 80 any server for net/http's handlers answers the authority, and sends
	// everybody else to port 443.
	challenges := httptest.NewServer(a.HTTPHandler(nil))
	defer challenges.Close()
	// a.Prepare("www.example.com") would obtain the certificate here.
	fmt.Println(strings.Join(cfg.TLS.NextProtos, ", "))
	// Output: http/1.1, acme-tls/1
}

// A client that connects only to servers that show an OCSP response if their
// certificate says that they do.
func ExampleStaplePolicy_ClientConfig() {
	cfg := &evtls.Config{TLS: evcert.HonorMustStaple.ClientConfig(&tls.Config{ServerName: "www.example.com"})}
	fmt.Println(evcert.HonorMustStaple, cfg.TLS.VerifyConnection != nil)
	// Output: honor must-staple true
}
