package evcert_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
)

// logged returns a buffer that log/slog's default logger writes to until the end
// of the test.
func logged(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	return &log
}

// What goes wrong in the background is logged if the user does not want to know.
func TestErrorsAreLogged(t *testing.T) {
	a := newAuthority(t, "authority")
	tests := []struct {
		name  string
		start func(t *testing.T, base *event.Base) (end func())
		want  []string
	}{
		{"a certificate that is not reloaded", func(t *testing.T, base *event.Base) func() {
			file := writePEM(t, filepath.Join(tempDir(t), "x.pem"), a.issue(t, nil, "x.test"))
			s := newStore(t, base, evcert.StoreConfig{
				Sources: []evcert.Source{{CertFile: file}}, Interval: time.Millisecond,
			})
			ok(t, os.Remove(file))
			return s.Free
		}, []string{"level=WARN", "x.pem"}},
		{"a certificate without an issuer", func(t *testing.T, base *event.Base) func() {
			st, err := evcert.NewStapler(base, nil)
			ok(t, err)
			cert := a.issue(t, nil, "localhost")
			cert.Certificate = cert.Certificate[:1]
			return st.Add(cert).Free
		}, []string{"level=WARN", "CN=localhost", evcert.ErrNoIssuer.Error()}},
		{"a certificate that is not obtained", func(t *testing.T, base *event.Base) func() {
			acme, err := evcert.NewACME(base, &evcert.ACMEConfig{Manager: managerOf(newFakeCA(t, "dns-01"), "x.test")})
			ok(t, err)
			acme.Prepare("z.test")
			return acme.Free
		}, []string{"level=WARN", "z.test", "HostWhitelist"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log, base := logged(t), newBase(t)
			end := tt.start(t, base)
			defer end()
			late := base.NewTimer(func(*event.Event, event.What) { t.Fatal("nothing was logged") })
			ok(t, late.AddTimeout(patience))
			defer late.Free()
			for log.Len() == 0 { // by the loop, and so by us
				_, err := base.Loop(event.LoopOnce)
				ok(t, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("log %q has no %q", log, want)
				}
			}
		})
	}
}

// That a certificate has no responder is usual, and nothing to log.
func TestNoResponderIsNotLogged(t *testing.T) {
	log, base := logged(t), newBase(t)
	st, err := evcert.NewStapler(base, nil)
	ok(t, err)
	s := st.Add(newAuthority(t, "authority").issue(t, nil, "x.test"))
	ok(t, base.Dispatch())
	s.Free()
	ok(t, base.Dispatch())
	if log.Len() > 0 {
		t.Errorf("log %q", log)
	}
}
