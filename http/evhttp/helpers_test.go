package evhttp

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// bufferOf returns a buffer with s.
func bufferOf(s string) *evbuffer.Buffer {
	b := evbuffer.New()
	b.AddString(s)
	return b
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantSame(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%q, want\n%q", what, got, want)
	}
}

func wantPart(t testing.TB, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q has no %q", what, got, want)
	}
}

// tempDir makes a folder that is removed after the test. Wine's files cannot be
// removed in the way that t.TempDir does it, which is no error here.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evhttp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// unixPath returns a path for a Unix socket, or skips the test where the system
// has none.
func unixPath(t testing.TB) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no Unix sockets: ", err)
	}
	l.Close()
	return path
}
