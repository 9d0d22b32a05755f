package evtls_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A certificate with its chain and key, all in one file.
func ExampleLoadPEM() {
	cert, err := evtls.LoadPEM("testdata/combined.pem", "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{*cert}}}
	fmt.Println(cert.Leaf.DNSNames, len(cfg.TLS.Certificates[0].Certificate))
	// Output: [ec.example.test] 2
}

func ExampleLoadPKCS12() {
	cert, err := evtls.LoadPKCS12("testdata/modern.p12", "geheim€")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cert.Leaf.DNSNames)
	_, err = evtls.LoadPKCS12("testdata/modern.p12", "secret")
	fmt.Println(err)
	// Output:
	// [ec.example.test]
	// load testdata/modern.p12: evtls: parse PKCS#12: wrong or missing password
}

// A server whose certificates have OCSP responses with them.
func ExampleStapler() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	stapler, err := evtls.NewStapler(base, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := evtls.NewCertStore(base, &evtls.CertStoreConfig{
		Sources: []evtls.CertSource{{CertFile: "testdata/combined.pem"}},
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
	a, err := evtls.NewACME(base, &evtls.ACMEConfig{Manager: &autocert.Manager{
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

	// This would have port 80, and send everybody but the authority to port 443.
	challenges, err := a.HTTPChallenges(netip.MustParseAddrPort("127.0.0.1:0"), &evtls.ChallengeConfig{Redirect: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer challenges.Free()
	// a.Prepare("www.example.com") would obtain the certificate here.
	fmt.Println(strings.Join(cfg.TLS.NextProtos, ", "))
	// Output: http/1.1, acme-tls/1
}

// A server that answers the challenges of some other ACME client.
func ExampleNewChallengeServer() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	const folder = "/.well-known/acme-challenge/"
	answers := map[string]string{folder + "token": "token.thumbprint"}
	s, err := evtls.NewChallengeServer(base, netip.MustParseAddrPort("127.0.0.1:0"), &evtls.ChallengeConfig{
		Answer: func(_ context.Context, host, path string) ([]byte, error) {
			if answer, ok := answers[path]; ok {
				return []byte(answer), nil
			}
			return nil, evtls.ErrNoChallenge
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Free()
	url := "http://" + s.Addr().String()
	go func() {
		defer base.LoopExit(0)
		for _, token := range []string{"token", "guess"} {
			res, err := http.Get(url + folder + token)
			if err != nil {
				fmt.Println(err)
				return
			}
			res.Body.Close()
			fmt.Println(res.Status)
		}
	}()
	fmt.Println(base.Dispatch())
	// Output:
	// 200 OK
	// 404 Not Found
	// <nil>
}
