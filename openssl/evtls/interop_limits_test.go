//go:build unix

package evtls_test

import (
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evtest"
)

// TestLimitsCountWhatCCounts has a program with C's bufferevent_openssl do what we do,
// and compares what the limits have counted, and what can be set: the bytes that go
// through the sockets. Records are no larger than what both make one of.
func TestLimitsCountWhatCCounts(t *testing.T) {
	path := compileC(t, "limits", "-levent_openssl", "-levent_core", "-lssl", "-lcrypto")
	own := newPeerCA(t).issue(t)
	sizes := []int{1, 100, 1000, 10_000, 15_000}
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			args := []string{name, own.certFile, own.keyFile}
			for _, size := range sizes {
				args = append(args, strconv.Itoa(size))
			}
			p := start(t, nil, path, args...)
			for _, line := range strings.Split(ourCounts(t, version, sizes), "\n") {
				p.expect(line + "\n")
			}
			if status := p.exit(); status != 0 {
				t.Errorf("C's program ended with status %d", status)
			}
		})
	}
}

// ourCounts is the same program as C's.
func ourCounts(t *testing.T, version uint16, sizes []int) string {
	t.Helper()
	base := newBase(t)
	ok(t, base.SetPriorities(3))
	all := limitOf(t, 1<<30, 1<<30, time.Hour)
	sent, err := bufferevent.NewRateLimitGroup(base, all)
	ok(t, err)
	got, err := bufferevent.NewRateLimitGroup(base, all)
	ok(t, err)
	c, s := socketTalk(t, base, func(cfg *tls.Config) {
		cfg.MinVersion, cfg.MaxVersion = version, version
		cfg.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		cfg.DynamicRecordSizingDisabled = true
	})
	ok(t, c.b.AddToRateLimitGroup(sent))
	ok(t, s.b.AddToRateLimitGroup(got))
	ok(t, c.b.SetRateLimit(limitOf(t, 1<<30, 1<<30, time.Hour)))
	var text strings.Builder
	for _, size := range sizes {
		sent.ResetTotals()
		got.ResetTotals()
		before := c.b.WriteLimit()
		s.data = nil
		write(t, c.b, long(size))
		evtest.Await(t, base, "data", func() bool { return len(s.data) == size })
		_, written := sent.Totals()
		read, _ := got.Totals()
		fmt.Fprintf(&text, "%d bytes: written %d, read %d, from the limit %d\n", size, written, read, before-c.b.WriteLimit())
	}
	ok(t, c.b.SetPriority(0))
	fmt.Fprintf(&text, "priority: 0, %d\n", c.b.Priority())
	ok(t, c.b.SetMaxSingleRead(500))
	ok(t, c.b.SetMaxSingleWrite(700))
	fmt.Fprintf(&text, "single: 0, %d %d", c.b.MaxSingleRead(), c.b.MaxSingleWrite())
	for _, b := range []*bufferevent.Bufferevent{c.b, s.b} {
		ok(t, b.RemoveFromRateLimitGroup())
	}
	ok(t, sent.Free())
	ok(t, got.Free())
	return text.String()
}
