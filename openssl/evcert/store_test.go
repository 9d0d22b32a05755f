package evcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// newStore makes a store that does not watch its files unless cfg says so.
func newStore(t testing.TB, base *event.Base, cfg evcert.StoreConfig) *evcert.Store {
	t.Helper()
	if cfg.Interval == 0 {
		cfg.Interval = -1
	}
	s, err := evcert.NewStore(base, &cfg)
	ok(t, err)
	t.Cleanup(s.Free)
	return s
}

func storeConfig(s *evcert.Store) *tls.Config {
	return &tls.Config{GetCertificate: s.GetCertificate, GetConfigForClient: s.GetConfigForClient}
}

// served returns the common name of the certificate that a client gets.
func served(t testing.TB, server *tls.Config, client *tls.Config) string {
	t.Helper()
	client.InsecureSkipVerify = true
	state, err := shakeHands(t, server, client)
	if err != nil {
		return "nothing"
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func TestStoreChoosesByName(t *testing.T) {
	dir, a := tempDir(t), newAuthority(t, "authority")
	file := func(cert *tls.Certificate) evcert.Source {
		return evcert.Source{CertFile: writePEM(t, filepath.Join(dir, cert.Leaf.Subject.CommonName+".pem"), cert)}
	}
	named := func(cn string, names ...string) *tls.Certificate {
		return a.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = cn }, names...)
	}
	renamed := file(named("other", "other.test"))
	renamed.Names = []string{"Given.Test", "*.given.test"}
	sources := []evcert.Source{
		file(named("first", "first.test", "alias.test")),
		file(named("exact", "www.wild.test")),
		file(named("wild", "*.wild.test")),
		file(a.issueRSA(t, "both.test")),
		renamed,
	}
	both := named("both-ecdsa", "both.test")
	sources = append(sources, file(both))
	rsaOnly := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	ecdsaOnly := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	tests := []struct {
		name        string
		suites      []uint16 // of TLS 1.2; none is TLS 1.3
		want        string
		requireName string
	}{
		{"first.test", nil, "first", "first"},
		{"FIRST.test", nil, "first", "first"},
		{"alias.test", nil, "first", "first"},
		{"www.wild.test", nil, "exact", "exact"},
		{"mail.wild.test", nil, "wild", "wild"},
		{"a.mail.wild.test", nil, "first", "nothing"},
		{"wild.test", nil, "first", "nothing"},
		{"both.test", nil, "both.test", "both.test"},
		{"both.test", rsaOnly, "both.test", "both.test"},
		{"both.test", ecdsaOnly, "both-ecdsa", "both-ecdsa"},
		{"given.test", nil, "other", "other"},
		{"x.given.test", nil, "other", "other"},
		{"other.test", nil, "first", "nothing"},
		{"unknown.test", nil, "first", "nothing"},
		{"unknown.test", rsaOnly, "both.test", "nothing"},
		{"", nil, "first", "nothing"},
	}
	for _, require := range []bool{false, true} {
		s := newStore(t, newBase(t), evcert.StoreConfig{Sources: sources, RequireName: require})
		for _, tt := range tests {
			client := &tls.Config{ServerName: tt.name}
			if tt.suites != nil {
				client.CipherSuites, client.MaxVersion = tt.suites, tls.VersionTLS12
			}
			want := tt.want
			if require {
				want = tt.requireName
			}
			if got := served(t, storeConfig(s), client); got != want {
				t.Errorf("name %q, suites %v, required %v: got %s, want %s", tt.name, tt.suites, require, got, want)
			}
		}
	}
}

func TestSourceWithConfiguration(t *testing.T) {
	dir, a := tempDir(t), newAuthority(t, "authority")
	open := writePEM(t, filepath.Join(dir, "open.pem"), a.issue(t, nil, "open.test"))
	closed := writePEM(t, filepath.Join(dir, "closed.pem"), a.issue(t, nil, "closed.test"))
	s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{
		{CertFile: open},
		{CertFile: closed, TLS: &tls.Config{
			MaxVersion: tls.VersionTLS12, // where the client sees that it is refused
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool(), NextProtos: []string{"closed"},
		}},
	}})
	certified := []tls.Certificate{*a.issue(t, nil, "client")}
	tests := []struct {
		name     string
		certs    []tls.Certificate
		protocol string
		fails    bool
	}{
		{"open.test", nil, "", false},
		{"closed.test", nil, "", true},
		{"closed.test", certified, "closed", false},
	}
	for _, tt := range tests {
		state, err := shakeHands(t, storeConfig(s), &tls.Config{
			RootCAs: a.pool(), ServerName: tt.name, Certificates: tt.certs, NextProtos: []string{"closed"},
		})
		if (err != nil) != tt.fails || err == nil && state.NegotiatedProtocol != tt.protocol {
			t.Errorf("%s with %d certificates: protocol %q, error %v", tt.name, len(tt.certs), state.NegotiatedProtocol, err)
		}
	}
}

func TestNewCertStoreRefuses(t *testing.T) {
	base := newBase(t)
	good := evcert.Source{CertFile: testdata("combined.pem")}
	tests := []struct {
		name string
		base *event.Base
		cfg  *evcert.StoreConfig
		err  error
	}{
		{"no base", nil, &evcert.StoreConfig{Sources: []evcert.Source{good}}, event.ErrNil},
		{"no configuration", base, nil, event.ErrNil},
		{"no sources", base, &evcert.StoreConfig{}, evcert.ErrNoCertificate},
		{"a source without files", base, &evcert.StoreConfig{Sources: []evcert.Source{{}}}, evcert.ErrNoCertificate},
		{"a missing file", base, &evcert.StoreConfig{Sources: []evcert.Source{good, {CertFile: "missing"}}}, fs.ErrNotExist},
		{"two kinds of files", base, &evcert.StoreConfig{Sources: []evcert.Source{
			{CertFile: testdata("combined.pem"), PKCS12File: testdata("modern.p12")}}}, evcert.ErrSource},
		{"a bad name", base, &evcert.StoreConfig{Sources: []evcert.Source{
			{CertFile: testdata("combined.pem"), Names: []string{"a.*.test"}}}}, evcert.ErrSource},
	}
	for _, tt := range tests {
		if s, err := evcert.NewStore(tt.base, tt.cfg); s != nil || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v, %v", tt.name, s, err)
		}
	}
	if status, err := base.Loop(event.LoopNonblock); status != event.LoopNoEvents || err != nil {
		t.Errorf("something was left behind: %v, %v", status, err)
	}
}

func TestStoreOfPKCS12(t *testing.T) {
	s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{
		{PKCS12File: testdata("modern.p12"), Password: testPassword}}})
	if got := served(t, storeConfig(s), &tls.Config{ServerName: "ec.example.test"}); got != "ec.example.test" {
		t.Errorf("got %s", got)
	}
}

func TestReload(t *testing.T) {
	a := newAuthority(t, "authority")
	name := func(cn string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject.CommonName = cn }
	}
	old := a.issue(t, name("old"), "x.test")
	tests := []struct {
		name   string
		change func(t *testing.T, file string)
		err    error
		want   string
	}{
		{"a new certificate", func(t *testing.T, file string) { writePEM(t, file, a.issue(t, name("new"), "x.test")) }, nil, "new"},
		{"the same file", func(*testing.T, string) {}, nil, "old"},
		{"nothing", func(t *testing.T, file string) { ok(t, os.Remove(file)) }, fs.ErrNotExist, "old"},
		{"garbage", func(t *testing.T, file string) { writeFile(t, file, []byte("garbage")) }, evcert.ErrNoCertificate, "old"},
		{"a key of another certificate", func(t *testing.T, file string) {
			c := *a.issue(t, name("new"), "x.test")
			c.PrivateKey = old.PrivateKey
			writePEM(t, file, &c)
		}, evcert.ErrKeyMismatch, "old"},
		{"an expired certificate", func(t *testing.T, file string) {
			writePEM(t, file, a.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }, "x.test"))
		}, evcert.ErrExpired, "old"},
		{"a certificate that is not valid yet", func(t *testing.T, file string) {
			writePEM(t, file, a.issue(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, "x.test"))
		}, evcert.ErrExpired, "old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := writePEM(t, filepath.Join(tempDir(t), "x.pem"), old)
			s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{{CertFile: file}}})
			tt.change(t, file)
			err := s.Reload()
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if err != nil && !strings.Contains(err.Error(), file) {
				t.Errorf("error does not name the file: %v", err)
			}
			if got := served(t, storeConfig(s), &tls.Config{ServerName: "x.test"}); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// reloaded is what OnReload was told.
type reloaded struct {
	file string
	err  error
}

func TestStoreWatchesItsFiles(t *testing.T) {
	dir, a, base := tempDir(t), newAuthority(t, "authority"), newBase(t)
	first := writePEM(t, filepath.Join(dir, "first.pem"), a.issue(t, nil, "first.test"))
	second := writePEM(t, filepath.Join(dir, "second.pem"), a.issue(t, nil, "second.test"))
	told := make(chan reloaded, 10)
	s := newStore(t, base, evcert.StoreConfig{
		Sources:  []evcert.Source{{CertFile: first}, {CertFile: second}},
		Interval: time.Millisecond,
		OnReload: func(source *evcert.Source, err error) { told <- reloaded{source.String(), err} },
	})
	addr := serveEcho(t, base, &evtls.Config{TLS: storeConfig(s)})
	serial := func(name string) (*tls.Conn, int64) {
		c, err := dialTLS(t, addr, &tls.Config{RootCAs: a.pool(), ServerName: name})
		if err != nil {
			t.Error(err)
			return nil, 0
		}
		return c, c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	expect := func(file string, err error) {
		if got := <-told; got.file != file || !errors.Is(got.err, err) {
			t.Errorf("told %v, want %s, %v", got, file, err)
		}
	}
	runWith(t, base, func() {
		c, before := serial("second.test")
		writeFile(t, second, []byte("garbage"))
		expect(second, evcert.ErrNoCertificate)
		if _, still := serial("second.test"); still != before {
			t.Errorf("certificate %d after a broken file, want %d", still, before)
		}
		good := a.issue(t, nil, "second.test")
		writePEM(t, second, good)
		expect(second, nil)
		if _, now := serial("second.test"); now != good.Leaf.SerialNumber.Int64() {
			t.Errorf("certificate %d, want %v", now, good.Leaf.SerialNumber)
		}
		if err := echoes(c); err != nil {
			t.Errorf("connection from before: %v", err)
		}
	})
	if len(told) > 0 {
		t.Errorf("told more: %v", <-told)
	}
}

func TestReloadDuringHandshakes(t *testing.T) {
	a := newAuthority(t, "authority")
	file := writePEM(t, filepath.Join(tempDir(t), "x.pem"), a.issue(t, nil, "x.test"))
	s := newStore(t, newBase(t), evcert.StoreConfig{Sources: []evcert.Source{{CertFile: file}}})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := shakeHands(t, storeConfig(s), &tls.Config{RootCAs: a.pool(), ServerName: "x.test"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		writePEM(t, file, a.issue(t, nil, "x.test"))
		ok(t, s.Reload())
	}
	wg.Wait()
}

func TestFreedStoreKeepsItsCertificates(t *testing.T) {
	base := newBase(t)
	s := newStore(t, base, evcert.StoreConfig{Sources: []evcert.Source{{CertFile: testdata("combined.pem")}}, Interval: time.Hour})
	s.Free()
	s.Free()
	if status, err := base.Loop(event.LoopNonblock); status != event.LoopNoEvents || err != nil {
		t.Errorf("the loop still waits for something: %v, %v", status, err)
	}
	if got := served(t, storeConfig(s), &tls.Config{}); got != "ec.example.test" {
		t.Errorf("got %s", got)
	}
}
