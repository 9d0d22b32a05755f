package evdns

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// newTestBase makes a base on a loop of its own, without nameservers, that says
// nothing.
func newTestBase(t testing.TB, flags BaseFlags) *Base {
	t.Helper()
	loop, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBase(loop, flags)
	if err != nil {
		t.Fatal(err)
	}
	dnstest.LogTo(t, slog.DiscardHandler)
	t.Cleanup(func() {
		b.Free(false)
		loop.Free()
	})
	return b
}

// TempDir makes a folder for files, which is removed at the end of the test. Wine
// cannot do what t.TempDir does for that.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evdns")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		for _, file := range append(files, dir) { // the folder comes last
			err = errors.Join(err, os.Remove(file))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return dir
}

// writeConfig makes a configuration file.
func writeConfig(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(TempDir(t), "config")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func parseAddrs(list ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, s := range list {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs
}

// WriteConfig is writeConfig for tests outside of the package.
var WriteConfig = writeConfig
