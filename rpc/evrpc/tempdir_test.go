package evrpc_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// tempDir makes a folder that is removed after the test. Wine's files cannot be
// removed in the way that t.TempDir does it, which is no error here.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evrpc")
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
