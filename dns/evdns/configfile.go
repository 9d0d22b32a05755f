package evdns

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ConfigStats counts lines of configuration files that were skipped, which are logged as
// well.
type ConfigStats struct {
	// Malformed counts lines that are malformed, or parts of them: nameservers that
	// are not an address, options whose value is not valid, hosts without a name. They
	// are logged as warnings.
	Malformed int
	// Unknown counts directives and options that this resolver does not support. They
	// are logged for debugging.
	Unknown int
}

// ConfigStats returns the counts of what ParseResolvConf and LoadHosts have skipped.
func (b *Base) ConfigStats() ConfigStats {
	b.lock()
	defer b.unlock()
	return b.skipped
}

// readFile reads a configuration file of at most MaxFileSize bytes.
func (c *Config) readFile(filename string) (string, error) {
	info, err := c.stat(filename)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOpenFile, pathCause(err))
	}
	// Opening a pipe would block until it has a writer. A device such as the null
	// device is fine.
	if info.Mode()&(fs.ModeDir|fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return "", fmt.Errorf("%w: %v", ErrStatFile, info.Mode().Type())
	}
	f, err := c.open(filename)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOpenFile, pathCause(err))
	}
	defer f.Close() // nothing was written, so its error means nothing
	return readAll(f, c.MaxFileSize)
}

// stat and open do what their namesakes in package os do, in FS if there is one.
func (c *Config) stat(filename string) (fs.FileInfo, error) {
	if c.FS == nil {
		return os.Stat(filename)
	}
	return fs.Stat(c.FS, fsName(filename))
}

func (c *Config) open(filename string) (fs.File, error) {
	if c.FS == nil {
		return os.Open(filename)
	}
	return c.FS.Open(fsName(filename))
}

// fsName returns the name that a file has in an fs.FS, whose names are not rooted.
func fsName(filename string) string {
	return path.Clean(strings.TrimLeft(filepath.ToSlash(filename), "/"))
}

func readAll(r io.Reader, max int) (string, error) {
	var text strings.Builder
	n, err := io.Copy(&text, io.LimitReader(r, int64(max)+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrReadFile, pathCause(err))
	case n > int64(max):
		return "", fmt.Errorf("%w: more than %d bytes", ErrFileTooLarge, max)
	}
	return text.String(), nil
}

// pathCause returns the error in an fs.PathError, as the caller adds the filename.
func pathCause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// byteOrderMark is inserted by some editors at the start of a file, and stays at the
// start of a line where files are concatenated.
const byteOrderMark = "\ufeff"

// configLines yields the lines of a file with their numbers, from 1.
func configLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimPrefix(line, byteOrderMark)
			if !yield(n, strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}

// checkLine returns an error for a line that is too long or has a NUL byte.
func checkLine(line string) error {
	switch {
	case len(line) > maxConfigLine:
		return errLongLine
	case strings.IndexByte(line, 0) >= 0:
		return errNUL
	}
	return nil
}

// isBlank reports whether r separates the words of a line.
func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\v', '\f', '\r':
		return true
	}
	return false
}
