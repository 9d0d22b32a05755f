package evtls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"

	"github.com/go-libevent/libevent/core/event"
)

// watched is a source, and what is known of its files. It is guarded by the
// store's lock.
type watched struct {
	source *CertSource
	seen   []os.FileInfo // of its files when they were read last
	failed string        // why reading them failed, or ""
	entry  *certEntry    // or nil
}

// reload is something to tell the user.
type reload struct {
	source *CertSource
	err    error
}

// Reload reads all files again, whether they have changed or not, and returns
// what is wrong with them, if anything. Sources that cannot be loaded keep their
// certificates; the others have new ones when it returns. Any goroutine may call
// it, for instance the loop's when a signal arrives: certificates are short.
func (s *CertStore) Reload() error {
	var errs []error
	for _, r := range s.load(true) {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

// watch has the timer fire when it is time to look at the files.
func (s *CertStore) watch() {
	if s.cfg.Interval > 0 {
		s.timer.AddTimeout(s.cfg.Interval)
	}
}

// onTimer looks at the files in another goroutine: disks can be slow, and
// deriving a key from a password is meant to be.
func (s *CertStore) onTimer(*event.Event, event.What) {
	s.base.AddVirtual()
	go func() {
		reloads := s.load(false)
		s.base.Post(func() { s.looked(reloads) })
	}()
}

// looked tells the user what looking at the files has led to.
func (s *CertStore) looked(reloads []reload) {
	s.base.DelVirtual()
	tell := s.cfg.OnReload
	if tell == nil {
		tell = logReload
	}
	for _, r := range reloads {
		if !s.freed {
			tell(r.source, r.err)
		}
	}
	if !s.freed {
		s.watch()
	}
}

// reloadTries is how often files are read that change meanwhile, before that is
// reported: replacing a file by another one is over at once.
const reloadTries = 3

// errChanging is that files were written to while they were read.
var errChanging = fmt.Errorf("%w: it was written to meanwhile", ErrIncomplete)

// load loads the sources that have changed, or all, and puts them to use.
func (s *CertStore) load(all bool) []reload {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reloads []reload
	for i := range s.watched {
		w := &s.watched[i]
		seen := stat(w.source.files())
		changed := all || !same(seen, w.seen)
		if !changed && w.failed == "" {
			continue
		}
		w.seen = seen
		err := s.loadSource(w, s.configs[i])
		for range reloadTries - 1 {
			if !errors.Is(err, errChanging) {
				break
			}
			w.seen = stat(w.source.files())
			err = s.loadSource(w, s.configs[i])
		}
		failed := ""
		if err != nil {
			failed = err.Error()
		}
		if changed || failed != w.failed {
			reloads = append(reloads, reload{w.source, err})
		}
		w.failed = failed
	}
	set := &certSet{byName: make(map[string][]*certEntry)}
	for i := range s.watched {
		if w := &s.watched[i]; w.entry != nil {
			set.add(w.entry, w.source.Names)
		}
	}
	s.current.Store(set)
	return reloads
}

// loadSource gives a source a new entry, if its files are good.
func (s *CertStore) loadSource(w *watched, config *tls.Config) error {
	if err := w.source.check(); err != nil {
		return err
	}
	cert, err := w.source.load()
	if !same(stat(w.source.files()), w.seen) {
		return fmt.Errorf("load %v: %w", w.source, errChanging)
	}
	if err != nil {
		return err
	}
	old := w.entry
	if old != nil {
		now := s.cfg.Time()
		if now.Before(cert.Leaf.NotBefore) || now.After(cert.Leaf.NotAfter) {
			return fmt.Errorf("load %v: %w (from %v to %v)", w.source, ErrCertificateExpired, cert.Leaf.NotBefore, cert.Leaf.NotAfter)
		}
		if sameChain(old.cert, cert) {
			return nil
		}
		if err := checkReplacement(old.cert, cert, now); err != nil {
			return fmt.Errorf("load %v: %w", w.source, err)
		}
	}
	e := &certEntry{cert: cert, config: config}
	if s.cfg.Stapler != nil && !s.freed {
		e.staple = s.cfg.Stapler.Add(cert)
	}
	w.entry = e
	if old != nil {
		old.staple.Free()
	}
	return nil
}

// check reports what is wrong with a source.
func (c *CertSource) check() error {
	switch {
	case c.CertFile == "" && c.PKCS12File == "":
		return fmt.Errorf("source names no file: %w", ErrNoCertificate)
	case c.PKCS12File != "" && (c.CertFile != "" || c.KeyFile != ""):
		return fmt.Errorf("source %s has PEM files, too: %w", c.PKCS12File, ErrSource)
	}
	return checkNames(c.Names)
}

// sameChain reports whether two certificates are the same, with the same chain.
func sameChain(a, b *tls.Certificate) bool {
	if len(a.Certificate) != len(b.Certificate) {
		return false
	}
	for i := range a.Certificate {
		if !bytes.Equal(a.Certificate[i], b.Certificate[i]) {
			return false
		}
	}
	return true
}

// stat returns what the system says of files, nil for those that are not there.
func stat(files []string) []os.FileInfo {
	seen := make([]os.FileInfo, len(files))
	for i, name := range files {
		if info, err := os.Stat(name); err == nil {
			seen[i] = info
		}
	}
	return seen
}

// same reports whether files have not changed.
func same(a, b []os.FileInfo) bool {
	for i := range a {
		switch {
		case (a[i] == nil) != (b[i] == nil):
			return false
		case a[i] == nil:
		case !os.SameFile(a[i], b[i]), a[i].Size() != b[i].Size(), !a[i].ModTime().Equal(b[i].ModTime()):
			return false
		}
	}
	return true
}
