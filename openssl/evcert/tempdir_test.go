package evcert_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// tempDir makes a folder for files, which is removed at the end of the test. Wine
// cannot do what t.TempDir does for that.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evcert")
	ok(t, err)
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
