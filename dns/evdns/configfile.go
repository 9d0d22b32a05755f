package evdns

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// ConfigStats counts lines of configuration files that were of no use, which is
// also logged.
type ConfigStats struct {
	// Malformed lines could not be understood, or only in part: nameservers
	// that are no address, options with a wrong value, hosts without a name.
	// They are logged as warnings.
	Malformed int
	// Unknown lines have directives or options that only other resolvers
	// know. They are logged for debugging.
	Unknown int
}

// ConfigStats returns what ParseResolvConf and LoadHosts have had to skip so
// far.
func (b *Base) ConfigStats() ConfigStats {
	b.lock()
	defer b.unlock()
	return b.skipped
}

// readConfig reads a file of at most max bytes.
func readConfig(filename string, max int) (string, error) {
	info, err := os.Stat(filename)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOpenFile, pathCause(err))
	}
	// To open a pipe would be to wait for somebody to write. A device such as
	// the null device is fine.
	if info.Mode()&(os.ModeDir|os.ModeNamedPipe|os.ModeSocket) != 0 {
		return "", fmt.Errorf("%w: %v", ErrStatFile, info.Mode().Type())
	}
	f, err := os.Open(filename)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOpenFile, pathCause(err))
	}
	defer f.Close()
	return readAll(f, max)
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

// pathCause returns the cause of an error about a file whose name is known.
func pathCause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// byteOrderMark is what some editors put at the start of a file, and is left where
// files are joined.
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

// checkLine says why a line is not worth looking at.
func checkLine(line string) error {
	switch {
	case len(line) > maxConfigLine:
		return errLongLine
	case strings.IndexByte(line, 0) >= 0:
		return errNUL
	}
	return nil
}

// isBlank says what words of a line are separated by.
func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\v', '\f', '\r':
		return true
	}
	return false
}
