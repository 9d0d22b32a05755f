package evcert

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-libevent/libevent/core/event"
)

// watched is a source with the state of its files. The store's lock guards it.
type watched struct {
	source *Source
	seen   []fs.FileInfo // of its files when they were read last
	failed string        // why reading them failed, or ""
	entry  *storeEntry   // or nil
}

// reloadResult is what OnReload is called with.
type reloadResult struct {
	source *Source
	err    error
}

// Reload reads all files again, whether they have changed or not, and returns
// what is wrong with them, if anything. Sources that cannot be loaded keep their
// certificates; the others have new ones when it returns. Any goroutine may call
// it, for instance the loop's when a signal arrives: certificates are short.
func (s *Store) Reload() error {
	var errs []error
	for _, r := range s.load(true) {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

func (s *Store) files() files { return files{s.cfg.FS} }

// schedule starts the timer of the next check of the files.
func (s *Store) schedule() {
	if s.cfg.Interval > 0 {
		s.timer.AddTimeout(s.cfg.Interval)
	}
}

// onTimer checks the files in another goroutine: disks can be slow, and deriving a
// key from a password is slow by design.
func (s *Store) onTimer(*event.Event, event.What) {
	s.base.AddVirtual()
	go func() {
		results := s.load(false)
		s.base.Post(func() { s.report(results) })
	}()
}

// report calls OnReload with the results of a check, on the loop.
func (s *Store) report(results []reloadResult) {
	s.base.DelVirtual()
	for _, r := range results {
		if !s.freed { // OnReload may free the store
			s.cfg.OnReload(r.source, r.err)
		}
	}
	if !s.freed {
		s.schedule()
	}
}

// errChanging is the error of files that were written to while they were read.
var errChanging = fmt.Errorf("%w: it was written to meanwhile", ErrIncomplete)

// load loads the sources whose files have changed, or all sources, and replaces the
// set in use. The results are of those that have changed or fail in another way
// than before.
func (s *Store) load(all bool) []reloadResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	var results []reloadResult
	for i := range s.watched {
		w := &s.watched[i]
		seen := s.files().stat(w.source.files())
		changed := all || !unchanged(seen, w.seen)
		if !changed && w.failed == "" {
			continue
		}
		err := s.loadSource(w, s.configs[i])
		failed := ""
		if err != nil {
			err = opError(fmt.Sprintf("load %v", w.source), err)
			failed = err.Error()
		}
		if changed || failed != w.failed {
			results = append(results, reloadResult{w.source, err})
		}
		w.failed = failed
	}
	set := &storeSet{byName: make(map[string][]*storeEntry)}
	for i := range s.watched {
		if w := &s.watched[i]; w.entry != nil {
			set.add(w.entry, w.source.Names)
		}
	}
	s.current.Store(set)
	return results
}

// loadSource replaces a source's entry if its files are good.
func (s *Store) loadSource(w *watched, config *tls.Config) error {
	cert, err := w.read(s.files())
	if err != nil {
		return err
	}
	old := w.entry
	if old != nil {
		if sameChain(old.cert, cert) {
			return checkTime(cert.Leaf, s.cfg.Time())
		}
		if err := checkReplacement(old.cert, cert, s.cfg.Time()); err != nil {
			return err
		}
	}
	w.entry = &storeEntry{cert: cert, config: config}
	if s.cfg.Stapler != nil && !s.freed {
		w.entry.staple = s.cfg.Stapler.Add(cert)
	}
	if old != nil {
		old.staple.Free()
	}
	return nil
}

// read loads the files, again if they change while it reads them.
func (w *watched) read(f files) (cert *tls.Certificate, err error) {
	for range reloadTries {
		w.seen = f.stat(w.source.files())
		cert, err = w.source.load(f)
		if unchanged(f.stat(w.source.files()), w.seen) {
			return cert, err
		}
	}
	return nil, errChanging
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
