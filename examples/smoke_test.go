package examples

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// deadline bounds the life of every process and connection of a test. It is
// there for tests that fail; the others do not come near it.
const deadline = time.Minute

// programs are all the examples.
var programs = []string{
	"becat", "dns-example", "dns-forwarder", "echo-server", "event-read-fifo", "gzip-echo", "hello-world", "http-connect",
	"http-server", "https-client", "le-proxy", "rate-limited-server", "rpc-client", "rpc-server", "signal-test", "ssl-echo",
	"time-test", "watch-timing",
}

// binDir is where the programs are. The environment can name a folder with
// programs built beforehand, for machines that run tests but have no toolchain.
var binDir = os.Getenv("EXAMPLES_BIN")

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if binDir != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "examples")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binDir = dir
	return m.Run()
}

// build makes all programs, once.
var build = sync.OnceValues(func() (output string, err error) {
	args := []string{"build", "-o", binDir + string(filepath.Separator)}
	if raceEnabled {
		args = append(args, "-race")
	}
	for _, name := range programs {
		args = append(args, "./"+name)
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	return string(out), err
})

// binary returns the path of a program.
func binary(t *testing.T, name string) string {
	t.Helper()
	if os.Getenv("EXAMPLES_BIN") == "" {
		if _, err := exec.LookPath("go"); err != nil {
			t.Skip("needs the go command to build the programs: ", err)
		}
		if out, err := build(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(binDir, name)
}

// resetsAreSeen says that who reads from a connection that was reset gets an
// error.
var resetsAreSeen = true

// tempFile makes a file with data, and returns its path. It is removed after the
// test, for which t.TempDir is no good under Wine, and after the programs of the
// test, which Windows wants.
func tempFile(t *testing.T, data []byte) string {
	t.Helper()
	f, err := os.CreateTemp("", "examples")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(f.Name()) })
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// A process is a program that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr messages
}

// messages are what a program writes to standard error.
type messages struct {
	mu   sync.Mutex
	text bytes.Buffer
	line chan string // has the first line, once it is complete
}

func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	had := bytes.IndexByte(m.text.Bytes(), '\n') >= 0
	m.text.Write(p)
	if line, _, complete := strings.Cut(m.text.String(), "\n"); complete && !had {
		m.line <- line
	}
	return len(p), nil
}

func (m *messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// start runs a program, which is killed at the latest when the test ends.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return startFrom(t, nil, name, args...)
}

// startFrom is start with a standard input: an *os.File, or what the program
// gets through a pipe.
func startFrom(t *testing.T, stdin io.Reader, name string, args ...string) *process {
	t.Helper()
	return startCommand(t, stdin, binary(t, name), args...)
}

// startCommand is startFrom for a program that need not be one of ours.
func startCommand(t *testing.T, stdin io.Reader, path string, args ...string) *process {
	t.Helper()
	p := newCommand(t, path, args...)
	p.cmd.Stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(stdout)
	p.run()
	return p
}

// newProcess returns a process that has yet to be run.
func newProcess(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return newCommand(t, binary(t, name), args...)
}

func newCommand(t *testing.T, path string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, path, args...)}
	p.stderr.line = make(chan string, 1)
	p.cmd.Stderr = &p.stderr
	p.stdout = bufio.NewReader(strings.NewReader(""))
	return p
}

func (p *process) run() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		p.cmd.Cancel()
		p.cmd.Wait() // an error if the test has waited already
	})
}

// message waits for the first line on standard error, checks that it starts with
// prefix, and returns the rest.
func (p *process) message(prefix string) string {
	p.t.Helper()
	select {
	case line := <-p.stderr.line:
		rest, ok := strings.CutPrefix(line, prefix)
		if !ok {
			p.t.Fatalf("message %q, want %q and more", line, prefix)
		}
		return rest
	case <-time.After(deadline):
		p.t.Fatal("no message")
	}
	return ""
}

// line returns the next line that the program prints.
func (p *process) line() string {
	p.t.Helper()
	s, err := p.stdout.ReadString('\n')
	if err != nil {
		p.cmd.Wait()
		p.t.Fatalf("no more output: %v; stderr: %s", err, &p.stderr)
	}
	return strings.TrimSuffix(s, "\n")
}

// expect checks the next line that the program prints.
func (p *process) expect(want string) {
	p.t.Helper()
	if got := p.line(); got != want {
		p.t.Fatalf("printed %q, want %q", got, want)
	}
}

// lineAfter checks that the next line starts with prefix, and returns the rest.
func (p *process) lineAfter(prefix string) string {
	p.t.Helper()
	line := p.line()
	rest, ok := strings.CutPrefix(line, prefix)
	if !ok {
		p.t.Fatalf("printed %q, want %q and more", line, prefix)
	}
	return rest
}

// ends waits for the program to end by itself, checks that its exit code is one of
// codes and returns what else it printed.
func (p *process) ends(codes ...int) (stdout string) {
	p.t.Helper()
	rest, err := io.ReadAll(p.stdout)
	if err != nil {
		p.t.Fatal("read output: ", err)
	}
	p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); !slices.Contains(codes, got) {
		p.t.Fatalf("exit code %d (%v), want %d; stderr: %s", got, p.cmd.ProcessState, codes, &p.stderr)
	}
	return string(rest)
}

// canSignal says that one process can send signals to another.
const canSignal = runtime.GOOS != "windows"

// signal sends a signal, or skips the test if that is not possible.
func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if !canSignal {
		p.t.Skip("needs signals between processes")
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}
