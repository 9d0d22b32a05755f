package evcert

import (
	"crypto/tls"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// StoreConfig says how to make a Store.
type StoreConfig struct {
	// Sources are the certificates, at least one. Clients that ask for no
	// name, or one that no source has, get the first one that they can use.
	Sources []Source

	// RequireName has handshakes with such clients fail instead.
	RequireName bool

	// Interval is the time between two checks of the files; zero is
	// DefaultReloadInterval, less than zero is never.
	Interval time.Duration

	// OnReload is called on the loop when files have changed: err is nil if
	// their certificate is in use, or says why it is not. Nil logs errors.
	OnReload func(source *Source, err error)

	// Stapler, if not nil, gets OCSP responses for the certificates.
	Stapler *Stapler

	// FS is the file system that the files of the Sources are in; nil is that of the
	// system. With one, leading slashes of filenames are left out.
	FS fs.FS

	// Time returns the current time; nil is time.Now.
	Time func() time.Time
}

// A Store has the certificates of servers and gives each client the one that
// it asks for (RFC 6066 section 3). It watches the files that they come from:
// when these change, new handshakes get the new certificates, and connections
// stay as they are. If the new files are not good, for instance because only one
// of two is there yet, or because they are not written to their end, the old
// certificate stays in use and the files are read again at the next check. A chain
// that was cut off between two certificates is detected by comparing it with the
// chain before, and accepted if the system trusts it. Use a store as
//
//	cfg := &tls.Config{GetCertificate: store.GetCertificate, GetConfigForClient: store.GetConfigForClient}
//
// of which the second is for sources that have configurations of their own.
//
// Files are read in a goroutine of their own, and all certificates are replaced at
// once: the loop never waits. The store's timer keeps the loop running until Free.
type Store struct {
	base    *event.Base
	cfg     StoreConfig
	configs []*tls.Config // of the sources, or nil
	current atomic.Pointer[storeSet]
	timer   event.Event // the loop's

	mu      sync.Mutex // for reading files
	watched []watched
	freed   bool // the loop changes it, and may read it without the lock
}

// NewStore loads the certificates and begins to watch their files. The error
// is that of LoadPEM or LoadPKCS12 if one cannot be loaded; ErrNoCertificate if
// there are no sources or one names no file; ErrSource if one contradicts itself;
// event.ErrNil if there is no base or configuration. The store belongs to the
// goroutine that runs the loop of base.
func NewStore(base *event.Base, cfg *StoreConfig) (*Store, error) {
	const op = "new store"
	if base == nil || cfg == nil {
		return nil, opError(op, event.ErrNil)
	}
	if len(cfg.Sources) == 0 {
		return nil, opError(op, ErrNoCertificate)
	}
	s := &Store{base: base, cfg: *cfg}
	s.cfg.setDefaults()
	for i := range cfg.Sources {
		source := cfg.Sources[i]
		if err := source.check(); err != nil {
			return nil, opError(op, err)
		}
		s.watched = append(s.watched, watched{source: &source})
		s.configs = append(s.configs, s.configOf(&source))
	}
	if err := s.timer.Assign(base, -1, 0, s.onTimer); err != nil {
		return nil, opError(op, err)
	}
	if err := s.Reload(); err != nil {
		s.Free()
		return nil, err
	}
	s.schedule()
	return s, nil
}

// setDefaults replaces zero values by the defaults.
func (c *StoreConfig) setDefaults() {
	if c.Interval == 0 {
		c.Interval = DefaultReloadInterval
	}
	if c.OnReload == nil {
		c.OnReload = logReload
	}
	if c.Time == nil {
		c.Time = time.Now
	}
}

// logReload is the default of OnReload.
func logReload(source *Source, err error) {
	if err != nil {
		event.Logger().Warn("evcert: certificate was not reloaded", "file", source.String(), "error", err)
	}
}

// configOf returns the configuration that a source's clients get, or nil.
func (s *Store) configOf(source *Source) *tls.Config {
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
func (s *Store) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	set := s.current.Load()
	found := set.find(hello.ServerName)
	if len(found) == 0 {
		if s.cfg.RequireName {
			return nil, nil
		}
		found = set.all
	}
	h := *hello
	h.ServerName = "" // the store has compared it
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
func (s *Store) GetConfigForClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	for _, e := range s.current.Load().find(hello.ServerName) {
		return e.config, nil
	}
	return nil, nil
}

// Free ends watching the files and renewing the store's staples. The certificates
// can still be used. The loop's goroutine must call it; a second call does nothing.
func (s *Store) Free() {
	if s.freed {
		return
	}
	s.timer.Free()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freed = true
	s.release()
}

// release frees the staples. It requires the lock.
func (s *Store) release() {
	for i := range s.watched {
		if e := s.watched[i].entry; e != nil {
			e.staple.Free()
		}
	}
}
