package sysio

import (
	"io/fs"
	"os"
	"path/filepath"
)

// A SocketFile is the file of a Unix socket as it was once, so that it can be told
// from another that has taken its place.
type SocketFile struct {
	path string      // absolute, as the working folder may change, or that of another system
	info fs.FileInfo // of the kernel's file
	id   uint64      // of another system's
}

// FindSocket takes note of the file at path, which need not be a socket.
func FindSocket(path string) (SocketFile, error) {
	return retry(OpFindSocket, InvalidSocket, 0, func(s System, _ int) (SocketFile, error) {
		if s != nil {
			id, err := s.FindSocket(path)
			return SocketFile{path: path, id: id}, err
		}
		return findSocket(path)
	})
}

func findSocket(path string) (SocketFile, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return SocketFile{}, err
	}
	info, err := os.Lstat(path)
	_ = os.SameFile(info, info) // Windows looks for what identifies a file when that is first asked for
	return SocketFile{path: path, info: info}, err
}

// IsSocket reports whether it is the file of a socket; those of another system are.
func (f SocketFile) IsSocket() bool {
	return f.info == nil || f.info.Mode().Type() == fs.ModeSocket
}

// Remove removes the file. It does nothing if there is none any more, or another in
// its place.
func (f SocketFile) Remove() error {
	return retryError(OpRemoveSocket, InvalidSocket, func(s System) error {
		if s != nil {
			return s.RemoveSocket(f.path, f.id)
		}
		return f.remove()
	})
}

func (f SocketFile) remove() error {
	if info, err := os.Lstat(f.path); err != nil || !os.SameFile(info, f.info) {
		return nil
	}
	return os.Remove(f.path)
}
