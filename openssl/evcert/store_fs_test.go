package evcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evcert"
)

// changing is a file system that is replaced as a whole.
type changing struct{ atomic.Pointer[fstest.MapFS] }

func (c *changing) Open(name string) (fs.File, error) { return c.Load().Open(name) }

// set has the file system hold one file.
func (c *changing) set(name string, data []byte, modified time.Time) {
	c.Store(&fstest.MapFS{name: {Data: data, ModTime: modified}})
}

// Files of a file system that is not the system's are read and watched like those that
// are.
func TestStoreOfAFileSystem(t *testing.T) {
	a, clock := newAuthority(t, "authority"), evtest.NewClock()
	base := clock.Base(t)
	pem := func(cn string) []byte {
		cert := a.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = cn }, "x.test")
		data, err := os.ReadFile(writePEM(t, filepath.Join(tempDir(t), "x.pem"), cert))
		ok(t, err)
		return data
	}
	const interval = time.Minute
	begin := clock.Now()
	var files changing
	files.set("etc/x.pem", pem("old"), begin)
	var told []error
	s := newStore(t, base, evcert.StoreConfig{
		Sources:  []evcert.Source{{CertFile: "/etc/x.pem"}},
		FS:       &files,
		Interval: interval,
		OnReload: func(_ *evcert.Source, err error) { told = append(told, err) },
	})
	got := func() string { return served(t, storeConfig(s), &tls.Config{ServerName: "x.test"}) }
	check := func() { // the files, once
		clock.Advance(interval)
		evtest.Turn(t, base)                                                                                            // the timer
		evtest.Await(t, base, "the check of the files", func() bool { return base.NumEvents(event.CountVirtual) == 0 }) // and the goroutine
	}
	if got := got(); got != "old" {
		t.Errorf("got %s at first", got)
	}
	check()
	if len(told) != 0 {
		t.Errorf("told %v of files that have not changed", told)
	}
	files.set("etc/x.pem", pem("new"), begin.Add(time.Second))
	check()
	if len(told) != 1 || told[0] != nil {
		t.Errorf("told %v of a new file", told)
	}
	if got := got(); got != "new" {
		t.Errorf("got %s", got)
	}
	files.Store(&fstest.MapFS{})
	check()
	if len(told) != 2 || !errors.Is(told[1], fs.ErrNotExist) {
		t.Errorf("told %v of a file that is gone", told)
	}
	if got := got(); got != "new" {
		t.Errorf("got %s without a file", got)
	}
}
