package simulation_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
	"golang.org/x/crypto/ocsp"
)

// A tlsService is what a server offers: a configuration of all its connections.
type tlsService struct {
	world    *evtest.World
	number   int
	cfg      *tls.Config
	cert     *tls.Certificate // or nil, if it comes from a store
	store    *tlsStore
	workers  *evtls.Workers
	tickets  bool
	min, max uint16
	auth     tls.ClientAuthType
	alpn     []string
}

// The versions that sides offer.
var tlsVersions = [][2]uint16{
	{tls.VersionTLS12, tls.VersionTLS13}, {tls.VersionTLS13, tls.VersionTLS13}, {tls.VersionTLS12, tls.VersionTLS12},
	{tls.VersionTLS12, tls.VersionTLS13}, {tls.VersionTLS13, tls.VersionTLS13},
}

var tlsProtocols = [][]string{nil, {"a"}, {"b"}, {"a", "b"}, nil}

// basicConfig has what is fixed so that lengths are the same on all machines.
func basicConfig(r *rand.Rand) *tls.Config {
	cfg := &tls.Config{CipherSuites: []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	}}
	switch r.IntN(4) {
	case 0:
		cfg.CurvePreferences = []tls.CurveID{tls.CurveP256, tls.X25519}
	case 1:
		if r.IntN(4) == 0 { // costs more
			break
		}
		fallthrough
	default:
		cfg.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256}
	}
	versions := tlsVersions[r.IntN(len(tlsVersions))]
	cfg.MinVersion, cfg.MaxVersion = versions[0], versions[1]
	cfg.NextProtos = tlsProtocols[r.IntN(len(tlsProtocols))]
	cfg.DynamicRecordSizingDisabled = r.IntN(2) == 0
	return cfg
}

// newTLSService draws a service of a host.
func newTLSService(tw *tlsWorld, h *evtest.Host, number int) *tlsService {
	p, w, r := pki(), tw.world, tw.rand
	s := &tlsService{world: w, number: number, cfg: basicConfig(r), workers: evtls.NewWorkers(1 + r.IntN(2))}
	s.min, s.max, s.alpn = s.cfg.MinVersion, s.cfg.MaxVersion, s.cfg.NextProtos
	s.auth = []tls.ClientAuthType{
		tls.NoClientCert, tls.NoClientCert, tls.NoClientCert, tls.RequestClientCert, tls.RequireAnyClientCert,
		tls.VerifyClientCertIfGiven, tls.RequireAndVerifyClientCert,
	}[r.IntN(7)]
	s.cfg.ClientAuth = s.auth
	if s.auth >= tls.VerifyClientCertIfGiven {
		s.cfg.ClientCAs = p.trusted.pool
	}
	s.tickets = r.IntN(4) > 0
	s.cfg.SessionTicketsDisabled = !s.tickets
	switch n := r.IntN(12); {
	case n < 4:
		s.cert = p.good
	case n < 8 && tw.free:
		s.store = newTLSStore(w, h, r)
		s.cfg.GetCertificate = s.store.store.GetCertificate
		if r.IntN(2) == 0 {
			s.cfg.GetConfigForClient = s.store.store.GetConfigForClient
		}
		return s
	case n < 6:
		s.cert = p.ed
	default:
		s.cert = []*tls.Certificate{p.ed, p.short, p.future, p.expired, p.strange, p.misnamed}[r.IntN(6)]
	}
	s.cfg.Certificates = []tls.Certificate{*s.cert}
	return s
}

// config returns the configuration of a connection, whose functions wait that long.
func (s *tlsService) config(waits time.Duration) *tls.Config {
	if waits == 0 {
		return s.cfg
	}
	if s.cert == nil {
		return s.cfg
	}
	cfg := s.cfg.Clone()
	cfg.Certificates = nil
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		err := pauseHandshake(hello.Context(), waits)
		return s.cert, err
	}
	return cfg
}

// pauseHandshake is what a function of a configuration does that has to wait.
func pauseHandshake(ctx context.Context, d time.Duration) error {
	return evtls.Wait(ctx, func(ctx context.Context) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// A tlsStore is an evcert.Store with its files, which are replaced now and then, and
// the model of what clients may get.
type tlsStore struct {
	world    *evtest.World
	host     *evtest.Host
	files    fstest.MapFS
	store    *evcert.Store
	stapler  *evcert.Stapler
	interval time.Duration
	version  int         // of the certificate that is in the files as a whole
	changed  time.Time   // when that was completed
	whole    bool        // the files are
	told     int         // the version that was loaded by what OnReload says
	toldAt   time.Time   // when
	stapled  []time.Time // until when there is a staple of a version
	rand     *rand.Rand
	life     time.Duration // of staples
	settled  bool          // nothing changes any more
	freed    bool
}

func newTLSStore(w *evtest.World, h *evtest.Host, r *rand.Rand) *tlsStore {
	s := &tlsStore{
		world: w, host: h, files: fstest.MapFS{}, whole: true, rand: r,
		interval: time.Duration(1+r.IntN(20_000)) * time.Millisecond, toldAt: epoch,
		stapled: make([]time.Time, len(pki().versions)), life: time.Duration(2+r.IntN(40)) * time.Minute,
	}
	s.put("chain.pem", "key.pem", 1)
	var err error
	if r.IntN(2) == 0 {
		s.stapler, err = evcert.NewStapler(h.Base(), &evcert.StaplerConfig{
			Fetch: s.fetch, FetchTimeout: 20 * time.Second, MinRetry: 10 * time.Second, MaxRetry: 2 * time.Minute, OnUpdate: s.onStaple,
		})
		s.check(err)
	}
	s.store, err = evcert.NewStore(h.Base(), &evcert.StoreConfig{
		Sources:  []evcert.Source{{CertFile: "/chain.pem", KeyFile: "key.pem"}},
		Interval: s.interval, OnReload: s.onReload, FS: s.files, Stapler: s.stapler,
	})
	s.check(err)
	return s
}

func (s *tlsStore) check(err error) {
	if err != nil {
		s.world.T().Error(err)
	}
}

// put writes the files of a version, or one of them.
func (s *tlsStore) put(chain, key string, cut float64) {
	c, k := pemOf(pki().versions[s.version])
	now := time.Now()
	if chain != "" {
		s.files[chain] = &fstest.MapFile{Data: c[:int(float64(len(c))*cut)], ModTime: now}
	}
	if key != "" {
		s.files[key] = &fstest.MapFile{Data: k, ModTime: now}
	}
}

// replace begins to replace the files by those of the next version, in steps, each of
// which may be seen by a check.
func (s *tlsStore) replace() {
	if s.freed || s.settled || s.version+1 >= len(pki().versions) || !s.whole {
		return
	}
	s.version++
	s.whole = false
	done := func() {
		s.put("chain.pem", "key.pem", 1)
		s.changed, s.whole = time.Now(), true
	}
	step := time.Duration(s.rand.IntN(10_000_000_000))
	switch s.rand.IntN(4) {
	case 0:
		done()
		return
	case 1:
		s.put("chain.pem", "", 1) // whose key is another one
	case 2:
		s.put("chain.pem", "key.pem", s.rand.Float64()*0.5) // not to the end of the first block
	case 3:
		delete(s.files, "key.pem")
	}
	s.world.At(step, done)
}

func (s *tlsStore) onReload(_ *evcert.Source, err error) {
	if s.freed {
		s.world.T().Error("OnReload after Free")
	}
	s.world.Note("reload: %v", err == nil)
	if err != nil {
		if s.whole && time.Since(s.changed) > time.Minute {
			s.world.T().Errorf("good files are refused: %v", err)
		}
		return
	}
	if s.whole { // otherwise it is the version before, or has been read just before this step
		s.told, s.toldAt = s.version, time.Now()
	}
}

// slack is how late things may be that are due: loops are held up, and wake late.
const slack = 30 * time.Second

// wantCurrent checks the certificate that a handshake has got which has begun at
// some time.
func (s *tlsStore) wantCurrent(serial int64, began time.Time) error {
	version := int(serial - 20)
	switch {
	case version < 0 || version > s.version:
		return fmt.Errorf("a certificate with the serial number %d", serial)
	case version < s.told && s.toldAt.Before(began.Add(-slack)):
		return fmt.Errorf("version %d of the certificate, though %d was loaded at %v", version, s.told, s.toldAt)
	case version < s.version && s.whole && began.After(s.changed.Add(s.interval+slack)):
		return fmt.Errorf("version %d of the certificate; %d is in the files since %v", version, s.version, s.changed)
	}
	return nil
}

var errNoAnswer = errors.New("the responder does not answer")

// fetch is the OCSP responder: slow, and not always there.
func (s *tlsStore) fetch(ctx context.Context, cert, _ *x509.Certificate) ([]byte, error) {
	r := rand.New(rand.NewPCG(s.world.Seed(), uint64(time.Since(epoch))))
	t := time.NewTimer(time.Duration(1 + r.IntN(25_000_000_000)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch r.IntN(8) {
	case 0:
		return nil, errNoAnswer
	case 1:
		return []byte("what is this?"), nil
	case 2:
		return pki().stapled.ocspAnswer(cert, ocsp.Unknown, time.Now(), s.life)
	case 3:
		return pki().stapled.ocspAnswer(pki().good.Leaf, ocsp.Good, time.Now(), s.life)
	}
	return pki().stapled.ocspAnswer(cert, ocsp.Good, time.Now(), s.life)
}

func (s *tlsStore) onStaple(cert *x509.Certificate, err error) {
	s.world.Note("staple: %v", err == nil)
	if err == nil {
		s.stapled[cert.SerialNumber.Int64()-20] = time.Now().Add(s.life - time.Minute)
	}
}

// free ends the store. It runs on the loop.
func (s *tlsStore) free() {
	s.freed = true
	s.store.Free()
}

// A tlsIdentity is a client's way to a service: what it knows and shows, and the
// sessions that it remembers.
type tlsIdentity struct {
	service  *tlsService
	cfg      *tls.Config
	cert     *tls.Certificate // or nil
	named    bool             // by the configuration
	skips    bool             // checking
	policy   evcert.StaplePolicy
	caches   bool
	min, max uint16
	alpn     []string
	known    []int64 // serial numbers of certificates that it has got
	served   bool    // the server has had a connection with it
}

func newTLSIdentity(s *tlsService, r *rand.Rand) *tlsIdentity {
	p := pki()
	id := &tlsIdentity{service: s, cfg: basicConfig(r)}
	id.min, id.max, id.alpn = id.cfg.MinVersion, id.cfg.MaxVersion, id.cfg.NextProtos
	id.cfg.RootCAs = p.trusted.pool
	switch r.IntN(6) {
	case 0: // is named by its host
	case 1:
		id.cfg.ServerName, id.named = "any.wild.test", true
	default:
		id.cfg.ServerName, id.named = tlsName, true
	}
	if id.named && r.IntN(10) == 0 {
		id.skips = true
		id.cfg.InsecureSkipVerify = true
	}
	if r.IntN(4) > 0 {
		id.caches = true
		id.cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	if s.auth != tls.NoClientCert {
		id.cert = []*tls.Certificate{nil, p.client, p.client, p.otherClient, p.lateClient}[r.IntN(5)]
	}
	id.cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.shown(), nil }
	if s.store != nil && s.store.stapler != nil && r.IntN(2) == 0 {
		id.policy = evcert.RequireStaple
		id.cfg = id.policy.ClientConfig(id.cfg)
	}
	return id
}

func (id *tlsIdentity) shown() *tls.Certificate {
	if id.cert == nil {
		return new(tls.Certificate)
	}
	return id.cert
}

// config is that of a connection whose functions wait that long.
func (id *tlsIdentity) config(waits time.Duration) *tls.Config {
	if waits == 0 {
		return id.cfg
	}
	cfg := id.cfg.Clone()
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		err := pauseHandshake(info.Context(), waits)
		return id.shown(), err
	}
	return cfg
}

// agrees reports whether the two have a version and a protocol in common.
func (id *tlsIdentity) agrees() bool {
	s := id.service
	if max(id.min, s.min) > min(id.max, s.max) {
		return false
	}
	if len(id.alpn) == 0 || len(s.alpn) == 0 {
		return true
	}
	return slices.ContainsFunc(id.alpn, func(p string) bool { return slices.Contains(s.alpn, p) })
}

// trusts reports whether the client takes the server's certificate at a time.
func (id *tlsIdentity) trusts(at time.Time) bool {
	if id.skips || id.service.cert == nil {
		return true
	}
	switch c := id.service.cert; c {
	case pki().strange, pki().misnamed:
		return false
	default:
		return valid(c, at)
	}
}

// trusted reports whether the server takes the client's certificate.
func (id *tlsIdentity) trusted() bool {
	switch id.service.auth {
	case tls.RequireAnyClientCert:
		return id.cert != nil
	case tls.VerifyClientCertIfGiven:
		return id.cert == nil || id.cert == pki().client
	case tls.RequireAndVerifyClientCert:
		return id.cert == pki().client
	}
	return true
}

func valid(c *tls.Certificate, at time.Time) bool {
	return !at.Before(c.Leaf.NotBefore) && !at.After(c.Leaf.NotAfter)
}
