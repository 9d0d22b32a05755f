package evfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// files are those that a Server serves. Names have slashes, and no elements that are
// empty or dots.
type files interface {
	open(name string) (fs.File, error)
	close() error
}

// A systemFolder is a folder of the system.
type systemFolder struct{ root *os.Root }

// open does not wait for the other end of a pipe.
func (f systemFolder) open(name string) (fs.File, error) {
	local, ok := localize(name)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	file, err := f.root.OpenFile(local, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case err == nil:
		return file, nil
	case !isErrno(err): // the name leads out of the folder, or that is closed
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return nil, err
}

func (f systemFolder) close() error { return f.root.Close() }

// isErrno reports whether an error is one of the system.
func isErrno(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}

// localize returns the system's form of a name whose elements are separated by
// slashes, and whether there can be such a file. Where the system has the same
// form, elements may consist of any bytes.
func localize(name string) (local string, ok bool) {
	if filepath.Separator == '/' {
		return name, strings.IndexByte(name, 0) < 0
	}
	local, err := filepath.Localize(name)
	return local, err == nil
}

// A tree is a file system.
type tree struct{ fs fs.FS }

func (t tree) open(name string) (fs.File, error) { return t.fs.Open(name) }
func (t tree) close() error                      { return nil }

// descriptor returns that of a file of the system, or -1.
func descriptor(f fs.File) int {
	if f, ok := f.(*os.File); ok {
		return int(f.Fd())
	}
	return -1
}

// nameOf returns the name of a file for the log: with its path, if that is known.
func nameOf(f fs.File) string {
	if f, ok := f.(*os.File); ok {
		return f.Name()
	}
	info, err := f.Stat()
	if err != nil {
		return "file"
	}
	return info.Name()
}

// readerAt returns what reads any part of a file, or nil if it can only be read from
// its beginning on.
func readerAt(f fs.File) io.ReaderAt {
	switch f := f.(type) {
	case io.ReaderAt:
		return f
	case io.ReadSeeker:
		return seeker{f}
	}
	return nil
}

// A seeker reads any part of a file that has a position.
type seeker struct{ io.ReadSeeker }

func (s seeker) ReadAt(p []byte, offset int64) (int, error) {
	if _, err := s.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(s, p)
}

// closeFile closes a file that was opened for reading, which loses no data.
func closeFile(f fs.File) { _ = f.Close() }
