package load

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

// rare is the number of calls a message below which a system call has no
// figure of its own.
const rare = 0.005

// warmupMessages are exchanged before the count begins.
const warmupMessages = 1000

// Syscalls counts the system calls that a server makes for each of a number of
// messages, by name, with strace.
func Syscalls(command []string, size, conns, messages int) ([]measure.Figure, error) {
	return countSyscalls(command, messages, func(s *server) (*turns, error) {
		x, err := newExchange(s, size, conns)
		if err != nil {
			return nil, err
		}
		return &x.turns, nil
	})
}

// countSyscalls counts those of a server during an exchange that prepare has
// made ready.
func countSyscalls(command []string, messages int, prepare func(*server) (*turns, error)) ([]measure.Figure, error) {
	program, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", measure.ErrUnable, err)
	}
	return with(command, func(s *server) ([]measure.Figure, error) {
		x, err := prepare(s)
		if err != nil {
			return nil, err
		}
		defer x.pool.close()
		if err := x.exchangeOnce(warmupMessages); err != nil {
			return nil, err
		}
		t, err := attach(program, s.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		err = x.exchangeOnce(messages)
		summary, ended := t.detach()
		if err := errors.Join(err, ended); err != nil {
			return nil, err
		}
		return perMessage(summary, len(x.latencies))
	})
}

// trace is a running strace.
type trace struct {
	cmd    *exec.Cmd
	stderr *bufio.Reader
	output string // name of a file
}

// attach starts to count the system calls of all threads of a process.
func attach(program string, pid int) (*trace, error) {
	file, err := os.CreateTemp("", "evbench-strace")
	if err != nil {
		return nil, err
	}
	file.Close()
	t := &trace{output: file.Name()}
	t.cmd = exec.Command(program, "-c", "-f", "-o", t.output, "-p", strconv.Itoa(pid))
	stderr, err := t.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	t.stderr = bufio.NewReader(stderr)
	if err := t.cmd.Start(); err != nil {
		os.Remove(t.output)
		return nil, err
	}
	line, err := t.stderr.ReadString('\n')
	if err == nil && strings.Contains(line, "attached") {
		return t, nil
	}
	t.detach()
	return nil, fmt.Errorf("%w: %s", measure.ErrUnable, strings.TrimSpace(line))
}

// detach ends the count and returns its summary.
func (t *trace) detach() ([]byte, error) {
	defer os.Remove(t.output)
	t.cmd.Process.Signal(unix.SIGINT) // it cannot be but running or ended
	io.Copy(io.Discard, t.stderr)
	err := t.cmd.Wait()
	// strace ends by the signal that made it write its summary.
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return os.ReadFile(t.output)
}

// perMessage reads a summary: lines with the number of calls in the fourth
// column and their name in the last. It returns the calls a message, their sums
// first.
func perMessage(summary []byte, messages int) ([]measure.Figure, error) {
	var figures []measure.Figure
	var total, few float64
	for line := range bytes.Lines(summary) {
		fields := strings.Fields(string(line))
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		calls, err := strconv.Atoi(fields[3])
		if err != nil {
			continue // a head or a rule
		}
		value := float64(calls) / float64(messages)
		total += value
		if value < rare {
			few += value
			continue
		}
		figures = append(figures, measure.Figure{Name: fields[len(fields)-1], Value: value})
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("strace counted nothing: %q", summary)
	}
	sums := []measure.Figure{{Name: "all calls", Value: total}, {Name: "rare calls", Value: few}}
	return append(sums, figures...), nil
}
