package evcert

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// files is where the files of certificates are: those of an fs.FS, or of the system.
type files struct{ fs fs.FS }

// read reads a file that is not longer than MaxFileSize.
func (f files) read(name string) ([]byte, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("read %s: longer than %d bytes", name, MaxFileSize)
	}
	return data, nil
}

func (f files) open(name string) (fs.File, error) {
	if f.fs == nil {
		return os.Open(name)
	}
	return f.fs.Open(fsName(name))
}

// stat returns the information on files, nil for those that do not exist.
func (f files) stat(names []string) []fs.FileInfo {
	seen := make([]fs.FileInfo, len(names))
	for i, name := range names {
		var (
			info fs.FileInfo
			err  error
		)
		if f.fs == nil {
			info, err = os.Stat(name)
		} else {
			info, err = fs.Stat(f.fs, fsName(name))
		}
		if err == nil {
			_ = os.SameFile(info, info) // Windows looks for what identifies a file when that is first asked for
			seen[i] = info
		}
	}
	return seen
}

// fsName returns the name that a file has in an fs.FS, whose names are not rooted.
func fsName(name string) string { return path.Clean(strings.TrimLeft(filepath.ToSlash(name), "/")) }

// unchanged reports whether files are as they were, from a to b.
func unchanged(a, b []fs.FileInfo) bool {
	for i := range a {
		switch {
		case (a[i] == nil) != (b[i] == nil):
			return false
		case a[i] == nil:
		case replaced(a[i], b[i]), a[i].Size() != b[i].Size(), !a[i].ModTime().Equal(b[i].ModTime()):
			return false
		}
	}
	return true
}

// replaced reports whether two files are known to be different ones: those of the
// system are, and others have no identity.
func replaced(a, b fs.FileInfo) bool { return !os.SameFile(a, b) && os.SameFile(a, a) }
