package evfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// A brokenFolder is a folder of which some entries can be read, and then there is
// an error; or there is one with each entry.
type brokenFolder struct {
	fs.ReadDirFile
	entries []fs.DirEntry
	err     error
}

func (f *brokenFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	return f.entries[:min(n, len(f.entries))], f.err
}

// An entry is a file in a folder, or something that cannot be looked at.
type entry struct {
	fs.DirEntry
	err error
}

func (e entry) Name() string { return "a.txt" }
func (e entry) Info() (fs.FileInfo, error) {
	if e.err != nil {
		return nil, e.err
	}
	return e.DirEntry.Info()
}

func broken(err error) error { return &fs.PathError{Op: "readdirent", Path: "x", Err: err} }

// TestListsAreWholeOrNone lists folders that cannot be read to the end.
func TestListsAreWholeOrNone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders fail with other numbers there")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := found[0]
	many := make([]fs.DirEntry, DefaultMaxListed+1)
	for i := range many {
		many[i] = entry{file, nil}
	}
	for _, test := range []struct {
		name   string
		folder brokenFolder
		want   string
		most   int // MaxListed
	}{
		{"whole", brokenFolder{entries: []fs.DirEntry{entry{file, nil}}}, "1 false 0", 0},
		{"empty", brokenFolder{err: io.EOF}, "0 false 0", 0},
		{"broken at the begin", brokenFolder{err: broken(syscall.EIO)}, "0 false 500", 0},
		{"broken midway", brokenFolder{entries: []fs.DirEntry{entry{file, nil}}, err: broken(syscall.EIO)}, "0 false 500", 0},
		{"an entry that has gone", brokenFolder{entries: []fs.DirEntry{entry{file, broken(syscall.ENOENT)}, entry{file, nil}}}, "1 false 0", 0},
		{"an entry that is forbidden", brokenFolder{entries: []fs.DirEntry{entry{file, broken(syscall.EACCES)}, entry{file, nil}}}, "1 false 0", 0},
		{"an entry that is broken", brokenFolder{entries: []fs.DirEntry{entry{file, nil}, entry{file, broken(syscall.EIO)}}}, "0 false 500", 0},
		{"no descriptors", brokenFolder{entries: []fs.DirEntry{entry{file, broken(syscall.EMFILE)}}}, "0 false 503", 0},
		{"too many for a limit of its own", brokenFolder{entries: many}, "3 true 0", 3},
		{"just enough for it", brokenFolder{entries: many[:3]}, "3 false 0", 3},
		{"too many", brokenFolder{entries: many}, fmt.Sprint(DefaultMaxListed, " true 0"), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := NewServer(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			s.MaxListed = test.most
			entries, cut, err := s.entries(".", &test.folder)
			code := 0
			if err != nil {
				code = statusOfFile(err)
			}
			if got := fmt.Sprint(len(entries), " ", cut, " ", code); got != test.want {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
		})
	}
}

// TestTypesThatTheSystemCannotRead has a look-up that panics once, as the package
// mime does when a file of types cannot be read.
func TestTypesThatTheSystemCannotRead(t *testing.T) {
	event.SetLogCallback(func(event.LogSeverity, string) {})
	t.Cleanup(func() { event.SetLogCallback(nil) })
	asked := 0
	lookup := func(ext string) string {
		if asked++; asked == 1 {
			panic(broken(syscall.EIO))
		}
		return "text/x" + ext
	}
	if got := tolerantType(lookup, ".y"); got != "text/x.y" {
		t.Errorf("got %q", got)
	}
}
