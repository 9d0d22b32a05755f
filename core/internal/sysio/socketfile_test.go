package sysio

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsRemovedUnlessAnotherHasTakenItsPlace(t *testing.T) {
	dir, err := os.MkdirTemp("", "sysio") // the folder of t.TempDir cannot be removed in Wine
	ok(t, err)
	t.Cleanup(func() { os.Remove(dir) })
	path := filepath.Join(dir, "file")
	_, err = FindSocket(path)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v where there is no file", err)
	}
	ok(t, os.WriteFile(path, nil, 0o600))
	first, err := FindSocket(path)
	ok(t, err)
	want(t, "is a socket", first.IsSocket(), false)

	ok(t, os.WriteFile(path+"2", nil, 0o600))
	ok(t, os.Rename(path+"2", path)) // while the first exists, so that it is another
	ok(t, first.Remove())
	second, err := FindSocket(path)
	ok(t, err)
	t.Chdir(dir) // paths do not depend on the working folder
	ok(t, second.Remove())
	_, err = FindSocket(path)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v after the file was removed", err)
	}
	ok(t, second.Remove()) // once more
}

// named is a system in which each path is that of one socket.
type named struct {
	refusing
	removed string
	id      uint64
}

func (n *named) FindSocket(string) (uint64, error) { return 7, nil }

func (n *named) RemoveSocket(path string, id uint64) error {
	n.removed, n.id = path, id
	return nil
}

// Another system gets paths as they are: there are no folders to work in.
func TestAnotherSystemHasSocketsAtPaths(t *testing.T) {
	n := &named{}
	defer SetSystem(n)()
	f, err := FindSocket("relative")
	ok(t, err)
	want(t, "is a socket", f.IsSocket(), true)
	ok(t, f.Remove())
	want(t, "removed", n.removed, "relative")
	want(t, "which", n.id, 7)
}
