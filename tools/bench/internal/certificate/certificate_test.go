package certificate

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhatIsCreatedCanBeLoaded(t *testing.T) {
	path, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, path)
	cert, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.Leaf.VerifyHostname(Name); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode.Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the key: %v", mode)
	}
}

func TestMissingCertificatesAreErrors(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "none.pem")} {
		t.Setenv(Variable, path)
		if _, err := Load(); err == nil {
			t.Errorf("a certificate was loaded from %q", path)
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a certificate was made in a directory that does not exist")
	}
}
