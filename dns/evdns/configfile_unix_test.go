//go:build unix && !solaris && !illumos

package evdns

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAPipeIsNotOpenedAsNobodyMayEverWrite(t *testing.T) {
	pipe := filepath.Join(TempDir(t), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTestBase(t, 0)
	if err := b.ParseResolvConf(OptionNameservers, pipe); !errors.Is(err, ErrStatFile) {
		t.Errorf("resolv.conf: error %v", err)
	}
	if err := b.LoadHosts(pipe); !errors.Is(err, ErrStatFile) {
		t.Errorf("hosts: error %v", err)
	}
}

func TestAnEmptyDeviceIsAnEmptyFile(t *testing.T) {
	b := newTestBase(t, 0)
	if err := b.LoadHosts("/dev/null"); err != nil {
		t.Error(err)
	}
	if _, ok := b.hosts.find("localhost"); ok {
		t.Error("localhost is known")
	}
}
