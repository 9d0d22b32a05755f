package evtls

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// DefaultReloadInterval is how often a CertStore looks at its files if nothing
// else is said.
const DefaultReloadInterval = 10 * time.Second

// A CertSource says where a certificate is, and for whom.
type CertSource struct {
	// CertFile and KeyFile are as for LoadPEM; PKCS12File is as for
	// LoadPKCS12, and excludes them. Password opens either.
	CertFile   string
	KeyFile    string
	PKCS12File string
	Password   string

	// Names are the names of servers that clients get this certificate for,
	// instead of those in the certificate. "*.example.com" is every name with
	// one label more.
	Names []string

	// TLS, if not nil, is a configuration for these names alone, such as other
	// client certificates or protocols. Without certificates of its own it has
	// those of the store.
	TLS *tls.Config
}

// String returns the name of the file.
func (c *CertSource) String() string {
	if c.PKCS12File != "" {
		return c.PKCS12File
	}
	return c.CertFile
}

func (c *CertSource) load() (*tls.Certificate, error) {
	if c.PKCS12File != "" {
		return LoadPKCS12(c.PKCS12File, c.Password)
	}
	return LoadPEM(c.CertFile, c.KeyFile, c.Password)
}

// files returns the names of the files.
func (c *CertSource) files() []string {
	switch {
	case c.PKCS12File != "":
		return []string{c.PKCS12File}
	case c.KeyFile == "":
		return []string{c.CertFile}
	}
	return []string{c.CertFile, c.KeyFile}
}

// CertStoreConfig says how to make a CertStore.
type CertStoreConfig struct {
	// Sources are the certificates, at least one. Clients that ask for no
	// name, or one that nobody has, get the first one that they can use.
	Sources []CertSource

	// RequireName has handshakes with such clients fail instead.
	RequireName bool

	// Interval is how often the files are looked at; zero is
	// DefaultReloadInterval, less than zero is never.
	Interval time.Duration

	// OnReload is told on the loop that files have changed: that their
	// certificate is in use, or why it is not. Nil logs errors with log/slog.
	OnReload func(source *CertSource, err error)

	// Stapler, if not nil, gets OCSP responses for the certificates.
	Stapler *Stapler

	// Time returns the current time; nil is time.Now.
	Time func() time.Time
}

// A CertStore has the certificates of servers and gives each client the one that
// it asks for (RFC 6066 section 3). It watches the files that they come from:
// when these change, new handshakes get the new certificates, and connections
// stay as they are. If the new files are not good, for instance because only one
// of two is there yet, or because they are not written to their end, the old
// certificate stays in use and the files are tried again at the next look. A chain
// that ends between two certificates is found by what the old one had: that may be
// left out only if the system trusts the rest. Use it as
//
//	cfg := &tls.Config{GetCertificate: store.GetCertificate, GetConfigForClient: store.GetConfigForClient}
//
// of which the second is for sources that have configurations of their own.
//
// Files are read in a goroutine of their own, and the certificates replaced at
// once: the loop never waits. The store's timer keeps the loop going until Free.
type CertStore struct {
	base    *event.Base
	cfg     CertStoreConfig
	configs []*tls.Config // of the sources, or nil
	current atomic.Pointer[certSet]
	timer   event.Event // the loop's

	mu      sync.Mutex // for reading files
	watched []watched
	freed   bool // the loop changes it, and may read it without the lock
}

// NewCertStore loads the certificates and begins to watch their files. The error
// is that of LoadPEM or LoadPKCS12 if one cannot be loaded; ErrNoCertificate if
// there are no sources or one names no file, ErrSource if one contradicts itself. It belongs to the goroutine that runs the loop of base.
func NewCertStore(base *event.Base, cfg *CertStoreConfig) (*CertStore, error) {
	const op = "new certificate store"
	if base == nil || cfg == nil {
		return nil, opError(op, bufferevent.ErrNil)
	}
	if len(cfg.Sources) == 0 {
		return nil, opError(op, ErrNoCertificate)
	}
	s := &CertStore{base: base, cfg: *cfg}
	if s.cfg.Time == nil {
		s.cfg.Time = time.Now
	}
	if s.cfg.Interval == 0 {
		s.cfg.Interval = DefaultReloadInterval
	}
	for i := range cfg.Sources {
		source := cfg.Sources[i]
		s.watched = append(s.watched, watched{source: &source})
		s.configs = append(s.configs, s.configOf(&source))
	}
	if err := s.timer.Assign(base, -1, 0, s.onTimer); err != nil {
		return nil, opError(op, err)
	}
	if err := s.Reload(); err != nil {
		s.Free()
		return nil, opError(op, err)
	}
	s.watch()
	return s, nil
}

// configOf returns the configuration that a source's clients get, or nil.
func (s *CertStore) configOf(source *CertSource) *tls.Config {
	c := source.TLS
	if c == nil || c.GetCertificate != nil || len(c.Certificates) > 0 {
		return c
	}
	c = c.Clone()
	c.GetCertificate = s.GetCertificate
	return c
}

// GetCertificate is for the field of tls.Config with this name. Of several
// certificates for a name it returns the first one that the client can use. With
// RequireName it returns nil if there is none. Any goroutine may call it, also
// after Free.
func (s *CertStore) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	set := s.current.Load()
	found := set.find(hello.ServerName)
	if len(found) == 0 {
		if s.cfg.RequireName {
			return nil, nil
		}
		found = set.all
	}
	h := *hello
	h.ServerName = "" // it was looked at
	for _, e := range found {
		if h.SupportsCertificate(e.cert) == nil {
			return e.certificate(), nil
		}
	}
	return found[0].certificate(), nil
}

// GetConfigForClient is for the field of tls.Config with this name. It returns
// the configuration of the source that has the name that the client asks for, or
// nil. Any goroutine may call it, also after Free.
func (s *CertStore) GetConfigForClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	for _, e := range s.current.Load().find(hello.ServerName) {
		return e.config, nil
	}
	return nil, nil
}

// Free ends watching the files, and the store's staples are not renewed any
// more. The certificates can be used on. The loop's goroutine must call it.
func (s *CertStore) Free() {
	if s.freed {
		return
	}
	s.timer.Free()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freed = true
	s.release()
}

// release gives up the staples. It requires the lock.
func (s *CertStore) release() {
	for i := range s.watched {
		if e := s.watched[i].entry; e != nil {
			e.staple.Free()
		}
	}
}

// logReload is what is done if there is no OnReload.
func logReload(source *CertSource, err error) {
	if err != nil {
		slog.Warn("evtls: certificate was not reloaded", "file", source.String(), "error", err)
	}
}

// certSet has the certificates that are in use. It does not change.
type certSet struct {
	all    []*certEntry
	byName map[string][]*certEntry // for "*.example.com", ".example.com"
}

// certEntry is a certificate in use.
type certEntry struct {
	cert   *tls.Certificate
	staple *Staple // or nil
	config *tls.Config
}

func (e *certEntry) certificate() *tls.Certificate {
	if e.staple != nil {
		return e.staple.Certificate()
	}
	return e.cert
}

// add adds an entry under its names.
func (set *certSet) add(e *certEntry, names []string) {
	set.all = append(set.all, e)
	if len(names) == 0 {
		names = e.cert.Leaf.DNSNames
	}
	for _, name := range names {
		name = strings.TrimPrefix(strings.ToLower(name), "*")
		set.byName[name] = append(set.byName[name], e)
	}
}

// find returns the entries for a name: those that have it, or else those with a
// wildcard instead of its first label.
func (set *certSet) find(name string) []*certEntry {
	name = strings.ToLower(name)
	if found := set.byName[name]; len(found) > 0 || strings.HasPrefix(name, ".") {
		return found
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		return set.byName[name[dot:]]
	}
	return nil
}

// checkNames reports what is wrong with the names of a source.
func checkNames(names []string) error {
	for _, name := range names {
		rest := strings.TrimPrefix(name, "*.")
		if rest == "" || rest[0] == '.' || strings.Contains(rest, "*") {
			return fmt.Errorf("%w: name %q", ErrSource, name)
		}
	}
	return nil
}
