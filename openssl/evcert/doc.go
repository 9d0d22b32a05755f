// Package evcert loads, chooses, renews and checks the certificates of TLS servers
// and clients. Everything in it plugs into crypto/tls's Config, so it serves package
// evtls and net/http alike. What renews itself in the background belongs to an
// event.Base: its timers are the loop's, what it reports is reported on the loop,
// and what waits for a disk or the network does so in goroutines.
//
// # Loading
//
// [LoadPEM] and [LoadPKCS12] load a certificate with its chain and key, encrypted or
// not; [ParsePEM] and [ParsePKCS12] do so from memory. A file that was not written to
// its end is refused with [ErrIncomplete], wherever it ends.
//
// # Stores
//
// A [Store] has the certificates of many names, gives each client the one that it
// asks for, and reloads files that have changed without touching connections:
//
//	store, err := evcert.NewStore(base, &evcert.StoreConfig{
//		Sources: []evcert.Source{{CertFile: "server.pem", KeyFile: "server.key"}},
//	})
//	...
//	cfg := &tls.Config{GetCertificate: store.GetCertificate}
//
// A broken, mismatched or expired new file leaves the old certificate in use.
//
// # OCSP
//
// A [Stapler] gets OCSP responses for a server's certificates and keeps them fresh;
// a Store and an ACME use it if they are given one. [VerifyStaple] checks a response,
// [FetchStaple] asks the responder, by net/http's default client or by another one
// ([FetchStapleBy]). A client's [StaplePolicy] demands responses:
//
//	cfg = evcert.HonorMustStaple.ClientConfig(cfg)
//
// # ACME
//
// An [ACME] has an authority issue certificates on demand and renews them, by
// golang.org/x/crypto/acme/autocert. The authority's checks are answered by the TLS
// server itself ([ACME.TLSConfig]), and by a handler at port 80 ([ACME.HTTPHandler])
// that any server for net/http's handlers can serve. On the loop that is evhttp's, with
// package evnethttp:
//
//	server.SetGenericStream(evnethttp.Handler(acme.HTTPHandler(nil)))
//
// A handshake that needs a certificate which is not there waits for it; in evtls
// neither loop nor workers wait with it.
//
// # Errors
//
// Errors name the operation and the file or certificate, and wrap one of this
// package's errors where there is a decision to make: see [ErrNoCertificate] and the
// others. Nil arguments are event.ErrNil. What goes wrong in the background goes to
// OnReload, OnUpdate and OnCertificate, or into the log.
//
// # Goroutines
//
// Functions of the package, GetCertificate and GetConfigForClient may be called from
// any goroutine. NewStore and Store.Free belong to the goroutine of the loop. The
// callbacks are called on it.
//
// # Coming from C
//
// libevent leaves certificates to OpenSSL: SSL_CTX_use_certificate_chain_file and
// SSL_CTX_use_PrivateKey_file are LoadPEM, PKCS12_parse is ParsePKCS12,
// SSL_CTX_set_tlsext_servername_callback is Store, SSL_CTX_set_tlsext_status_cb is
// Stapler.
//
// # Files
//
//	pem.go             LoadPEM, ParsePEM: PEM blocks and keys
//	chain.go           chains: putting in order, validity, comparing with the one before
//	pkcs12.go          LoadPKCS12, ParsePKCS12
//	pbes2.go           decryption by password (RFC 8018)
//	source.go          Source: where a certificate is, and for which hosts
//	files.go           files of the system or of an fs.FS, and whether they have changed
//	store.go           Store: its configuration, GetCertificate, Free
//	store_names.go     the set of certificates in use, by name
//	store_reload.go    checking, reading and replacing files
//	ocsp.go            VerifyStaple
//	ocsp_fetch.go      FetchStaple, FetchStapleBy: asking responders
//	stapler.go         Stapler, Staple: responses that stay fresh
//	staple_policy.go   StaplePolicy: what clients demand
//	acme.go            ACME: issuing, renewing, challenges
//	limits.go          limits and defaults
//	errors.go          errors
package evcert
