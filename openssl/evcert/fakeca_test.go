package evcert_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fakeCA is an ACME server (RFC 8555) for one account key type, ES256, with one
// kind of challenge. It connects to the addresses that it is told instead of
// those of the names, and checks everything that a real one does.
type fakeCA struct {
	*authority
	t         testing.TB
	server    *httptest.Server
	challenge string // tls-alpn-01 or http-01
	tlsAddr   string
	httpAddr  string
	change    func(*x509.Certificate) // of what it issues
	asked     chan string             // gets the name of each new order, if not nil
	hold      chan struct{}           // if not nil, orders wait for it

	mu       sync.Mutex
	nonces   map[string]bool
	accounts map[string]jwk
	orders   []*caOrder
}

type caOrder struct {
	name   string
	token  string
	status string // of the authorization
	cert   []byte // PEM, when it is issued
	fault  string // why validation failed
}

// jwk is a public key (RFC 7517), with the fields in the order of a thumbprint
// (RFC 7638).
type jwk struct {
	Crv string `json:"crv"`
	Kty string `json:"kty"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

func (k jwk) thumbprint() string {
	text, _ := json.Marshal(k)
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (k jwk) verify(signed string, signature []byte) error {
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	if err := errors.Join(errX, errY); err != nil {
		return err
	}
	if k.Kty != "EC" || k.Crv != "P-256" || len(x) != 32 || len(y) != 32 || len(signature) != 64 {
		return errors.New("not an ES256 key or signature")
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(signed))
	if !ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return errors.New("bad signature")
	}
	return nil
}

func newFakeCA(t testing.TB, challenge string) *fakeCA {
	ca := &fakeCA{
		authority: newAuthority(t, "fake CA"), t: t, challenge: challenge,
		nonces: make(map[string]bool), accounts: make(map[string]jwk),
	}
	ca.server = httptest.NewServer(ca)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ca.server.Close()
	})
	return ca
}

func (ca *fakeCA) directory() string { return ca.server.URL + "/directory" }

// issued returns how many certificates there are.
func (ca *fakeCA) issued() (n int) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	for _, o := range ca.orders {
		if o.cert != nil {
			n++
		}
	}
	return n
}

// faults returns why validations have failed.
func (ca *fakeCA) faults() (faults []string) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	for _, o := range ca.orders {
		if o.fault != "" {
			faults = append(faults, o.fault)
		}
	}
	return faults
}

func (ca *fakeCA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	text := base64.RawURLEncoding.EncodeToString(nonce)
	ca.mu.Lock()
	ca.nonces[text] = true
	ca.mu.Unlock()
	w.Header().Set("Replay-Nonce", text)
	switch r.URL.Path {
	case "/directory":
		url := ca.server.URL
		reply(w, http.StatusOK, map[string]any{
			"newNonce": url + "/nonce", "newAccount": url + "/account", "newOrder": url + "/order",
			"revokeCert": url + "/revoke", "keyChange": url + "/key",
			"meta": map[string]string{"termsOfService": url + "/terms"},
		})
	case "/nonce":
	default:
		if status, err := ca.post(w, r); err != nil {
			reply(w, status, map[string]any{"type": "urn:ietf:params:acme:error:malformed", "detail": err.Error()})
		}
	}
}

func reply(w http.ResponseWriter, status int, what any) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(what)
}

// post checks the signature of a request and serves it.
func (ca *fakeCA) post(w http.ResponseWriter, r *http.Request) (int, error) {
	payload, header, err := ca.open(r)
	if err != nil {
		return http.StatusBadRequest, err
	}
	dir, last := path.Split(strings.TrimPrefix(r.URL.Path, "/"))
	if dir == "" {
		switch last {
		case "account":
			return ca.newAccount(w, header)
		case "order":
			return ca.newOrder(w, payload)
		}
		return http.StatusNotFound, errors.New("no such resource")
	}
	n, err := strconv.Atoi(last)
	ca.mu.Lock()
	bad := err != nil || n < 0 || n >= len(ca.orders)
	ca.mu.Unlock()
	if bad {
		return http.StatusNotFound, errors.New("no such order")
	}
	switch dir {
	case "order/":
		ca.replyOrder(w, http.StatusOK, n)
	case "authz/":
		ca.mu.Lock()
		defer ca.mu.Unlock()
		o := ca.orders[n]
		reply(w, http.StatusOK, map[string]any{
			"status": o.status, "identifier": map[string]string{"type": "dns", "value": o.name},
			"challenges": []any{ca.challengeOf(n)},
		})
	case "chal/":
		ca.validate(n, header.KID)
		ca.mu.Lock()
		defer ca.mu.Unlock()
		reply(w, http.StatusOK, ca.challengeOf(n))
	case "finalize/":
		return ca.finalize(w, n, payload)
	case "cert/":
		ca.mu.Lock()
		defer ca.mu.Unlock()
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(ca.orders[n].cert)
	default:
		return http.StatusNotFound, errors.New("no such resource")
	}
	return 0, nil
}

// jwsHeader is the protected header of a request.
type jwsHeader struct {
	Alg   string
	Nonce string
	URL   string
	KID   string
	JWK   *jwk
}

// open returns the payload of a signed request (RFC 8555 section 6.2).
func (ca *fakeCA) open(r *http.Request) (payload []byte, header jwsHeader, err error) {
	var body struct{ Protected, Payload, Signature string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, header, err
	}
	protected, errP := base64.RawURLEncoding.DecodeString(body.Protected)
	payload, errQ := base64.RawURLEncoding.DecodeString(body.Payload)
	signature, errS := base64.RawURLEncoding.DecodeString(body.Signature)
	if err := errors.Join(errP, errQ, errS, json.Unmarshal(protected, &header)); err != nil {
		return nil, header, err
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	key, known := ca.accounts[header.KID]
	if header.JWK != nil {
		key, known = *header.JWK, r.URL.Path == "/account"
	}
	switch {
	case !known:
		return nil, header, errors.New("unknown account")
	case !ca.nonces[header.Nonce]:
		return nil, header, errors.New("bad nonce")
	case header.Alg != "ES256" || header.URL != ca.server.URL+r.URL.Path:
		return nil, header, errors.New("bad algorithm or address")
	}
	delete(ca.nonces, header.Nonce)
	return payload, header, key.verify(body.Protected+"."+body.Payload, signature)
}

func (ca *fakeCA) newAccount(w http.ResponseWriter, header jwsHeader) (int, error) {
	if header.JWK == nil {
		return http.StatusBadRequest, errors.New("no key")
	}
	kid := ca.server.URL + "/account/" + header.JWK.thumbprint()
	ca.mu.Lock()
	ca.accounts[kid] = *header.JWK
	ca.mu.Unlock()
	w.Header().Set("Location", kid)
	reply(w, http.StatusCreated, map[string]string{"status": "valid"})
	return 0, nil
}

func (ca *fakeCA) newOrder(w http.ResponseWriter, payload []byte) (int, error) {
	var order struct {
		Identifiers []struct{ Type, Value string }
	}
	if err := json.Unmarshal(payload, &order); err != nil || len(order.Identifiers) != 1 {
		return http.StatusBadRequest, errors.Join(err, errors.New("want one identifier"))
	}
	name := order.Identifiers[0].Value
	if ca.asked != nil {
		ca.asked <- name
	}
	if ca.hold != nil {
		<-ca.hold
	}
	ca.mu.Lock()
	n := len(ca.orders)
	ca.orders = append(ca.orders, &caOrder{name: name, token: fmt.Sprintf("token-%d_", n), status: "pending"})
	ca.mu.Unlock()
	ca.replyOrder(w, http.StatusCreated, n)
	return 0, nil
}

func (ca *fakeCA) replyOrder(w http.ResponseWriter, status, n int) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	o, url := ca.orders[n], ca.server.URL
	order := map[string]any{
		"status":         map[string]string{"pending": "pending", "valid": "ready", "invalid": "invalid"}[o.status],
		"identifiers":    []any{map[string]string{"type": "dns", "value": o.name}},
		"authorizations": []string{fmt.Sprintf("%s/authz/%d", url, n)},
		"finalize":       fmt.Sprintf("%s/finalize/%d", url, n),
	}
	if o.cert != nil {
		order["status"], order["certificate"] = "valid", fmt.Sprintf("%s/cert/%d", url, n)
	}
	w.Header().Set("Location", fmt.Sprintf("%s/order/%d", url, n))
	reply(w, status, order)
}

// challengeOf requires the lock.
func (ca *fakeCA) challengeOf(n int) any {
	o := ca.orders[n]
	return map[string]any{
		"type": ca.challenge, "url": fmt.Sprintf("%s/chal/%d", ca.server.URL, n), "token": o.token, "status": o.status,
	}
}

// validate connects to the server, which must prove that it knows the account.
func (ca *fakeCA) validate(n int, kid string) {
	ca.mu.Lock()
	o, account := ca.orders[n], ca.accounts[kid]
	ca.mu.Unlock()
	proof := o.token + "." + account.thumbprint()
	check := ca.checkHTTP
	if ca.challenge == "tls-alpn-01" {
		check = ca.checkTLS
	}
	err := check(o, proof)
	ca.mu.Lock()
	defer ca.mu.Unlock()
	o.status = "valid"
	if err != nil {
		o.status, o.fault = "invalid", err.Error()
	}
}

// checkTLS is TLS-ALPN-01 (RFC 8737).
func (ca *fakeCA) checkTLS(o *caOrder, proof string) error {
	c, err := (&tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, ServerName: o.name, NextProtos: []string{"acme-tls/1"},
	}}).Dial("tcp", ca.tlsAddr)
	if err != nil {
		return err
	}
	defer c.Close()
	state := c.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	sum := sha256.Sum256([]byte(proof))
	want, _ := asn1.Marshal(sum[:])
	if state.NegotiatedProtocol != "acme-tls/1" || len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != o.name {
		return fmt.Errorf("protocol %q, names %v", state.NegotiatedProtocol, leaf.DNSNames)
	}
	for _, e := range leaf.Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" && e.Critical && bytes.Equal(e.Value, want) {
			return nil
		}
	}
	return errors.New("certificate is no proof")
}

// checkHTTP is HTTP-01 (RFC 8555 section 8.3).
func (ca *fakeCA) checkHTTP(o *caOrder, proof string) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, ca.httpAddr)
	}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("http://" + o.name + "/.well-known/acme-challenge/" + o.token)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(body) != proof {
		return fmt.Errorf("status %d, body %q, error %v", res.StatusCode, body, err)
	}
	return nil
}

func (ca *fakeCA) finalize(w http.ResponseWriter, n int, payload []byte) (int, error) {
	var request struct{ CSR string }
	if err := json.Unmarshal(payload, &request); err != nil {
		return http.StatusBadRequest, err
	}
	der, err := base64.RawURLEncoding.DecodeString(request.CSR)
	if err != nil {
		return http.StatusBadRequest, err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return http.StatusBadRequest, err
	}
	ca.mu.Lock()
	o := ca.orders[n]
	status := o.status
	ca.mu.Unlock()
	switch {
	case csr.CheckSignature() != nil, len(csr.DNSNames) != 1, csr.DNSNames[0] != o.name:
		return http.StatusBadRequest, errors.New("bad request for a certificate")
	case status != "valid":
		return http.StatusForbidden, errors.New("order is not ready")
	}
	cert, err := ca.sign(csr.PublicKey, csr.DNSNames, ca.change)
	if err != nil {
		return http.StatusInternalServerError, err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})...)
	ca.mu.Lock()
	o.cert = chain
	ca.mu.Unlock()
	ca.replyOrder(w, http.StatusOK, n)
	return 0, nil
}
