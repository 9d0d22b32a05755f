// Package callgrind counts the instructions that a program runs in user mode,
// with valgrind, between two functions of it. Programs must be compiled without
// cgo and end by themselves: Go's signal handling and valgrind's do not agree.
package callgrind

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// A Counter is where the counts of one process go.
type Counter struct {
	valgrind string
	dir      string
}

// New returns a counter, or an error that is measure.ErrUnable where there is
// no valgrind.
func New() (*Counter, error) {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", measure.ErrUnable, err)
	}
	dir, err := os.MkdirTemp("", "evbench-callgrind")
	if err != nil {
		return nil, err
	}
	return &Counter{valgrind, dir}, nil
}

// Close removes what valgrind has written.
func (c *Counter) Close() error { return os.RemoveAll(c.dir) }

// Command returns the command that runs a command under valgrind. What it counts
// begins when the program calls begin and ends when it calls end; both are names
// of functions as the linker knows them, which the compiler must not inline.
func (c *Counter) Command(begin, end string, command ...string) []string {
	return append([]string{
		c.valgrind, "--tool=callgrind", "--quiet",
		"--log-file=" + filepath.Join(c.dir, "log"),
		"--callgrind-out-file=" + c.out(),
		"--zero-before=" + begin,
		"--dump-before=" + end,
	}, command...)
}

// Environment is what a Go program needs to run under valgrind: signals would
// not come in time.
const Environment = "GODEBUG=asyncpreemptoff=1"

func (c *Counter) out() string { return filepath.Join(c.dir, "out") }

// Instructions returns how many instructions the process, which has ended, ran
// between the two functions.
func (c *Counter) Instructions() (int64, error) {
	file, err := os.Open(c.out() + ".1") // the first dump
	if err != nil {
		return 0, c.explain(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "totals:"); ok {
			return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		}
	}
	return 0, c.explain(errors.Join(lines.Err(), fmt.Errorf("%s: no totals", file.Name())))
}

// explain adds to an error what valgrind has logged.
func (c *Counter) explain(err error) error {
	text, failed := os.ReadFile(filepath.Join(c.dir, "log"))
	if failed != nil || len(text) == 0 {
		return err
	}
	return fmt.Errorf("%w: valgrind: %s", err, strings.TrimSpace(string(text)))
}
