// Package strace counts the system calls of a running process with strace.
package strace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// Count is how often a system call was made.
type Count struct {
	Name  string
	Calls int
}

// Trace is a running strace.
type Trace struct {
	cmd    *exec.Cmd
	stderr *bufio.Reader
	output string // name of a file
}

// Attach starts to count the system calls of all threads of a process. The error
// is measure.ErrUnable where strace is missing or may not attach.
func Attach(pid int) (*Trace, error) {
	program, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", measure.ErrUnable, err)
	}
	file, err := os.CreateTemp("", "evbench-strace")
	if err != nil {
		return nil, err
	}
	t := &Trace{output: file.Name()}
	if err := file.Close(); err != nil {
		return nil, err
	}
	t.cmd = exec.Command(program, "-c", "-f", "-o", t.output, "-p", strconv.Itoa(pid))
	stderr, err := t.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	t.stderr = bufio.NewReader(stderr)
	if err := t.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.Remove(t.output))
	}
	line, err := t.stderr.ReadString('\n')
	if err == nil && strings.Contains(line, "attached") {
		return t, nil
	}
	_, _ = t.Detach() // what it has counted is of no use
	return nil, fmt.Errorf("%w: %s", measure.ErrUnable, strings.TrimSpace(line))
}

// Detach ends the count.
func (t *Trace) Detach() ([]Count, error) {
	defer os.Remove(t.output)
	_ = t.cmd.Process.Signal(unix.SIGINT) // it cannot be but running or ended
	_, _ = io.Copy(io.Discard, t.stderr)  // until it ends
	err := t.cmd.Wait()
	// strace ends by the signal that made it write its summary.
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	summary, err := os.ReadFile(t.output)
	if err != nil {
		return nil, err
	}
	return parse(summary)
}

// parse reads a summary: lines with the number of calls in the fourth column and
// their name in the last.
func parse(summary []byte) ([]Count, error) {
	var counts []Count
	for line := range bytes.Lines(summary) {
		fields := strings.Fields(string(line))
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		calls, err := strconv.Atoi(fields[3])
		if err != nil {
			continue // a head or a rule
		}
		counts = append(counts, Count{fields[len(fields)-1], calls})
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("strace counted nothing: %q", summary)
	}
	return counts, nil
}
