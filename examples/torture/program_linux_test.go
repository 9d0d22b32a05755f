package torture

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// deadline bounds the life of whatever hangs. It is there for tests that
	// fail; the others do not come near it.
	deadline = 20 * time.Second
	// patience is how long a client waits for a server. One that runs into it
	// was left hanging.
	patience = 5 * time.Second
)

// binDir is where the programs are.
var binDir string

// build makes all programs, once, without C.
var build = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "build", "-o", binDir+string(filepath.Separator), "../...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // what C's loader calls is no concern of ours
	out, err := cmd.CombinedOutput()
	return string(out), err
})

// program returns the command line of an example.
func program(name string, args ...string) []string {
	return append([]string{filepath.Join(binDir, name)}, args...)
}

// output is what a program has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// A process is a program that runs, perhaps under strace.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr output
	ended  chan struct{} // closed when it has ended
}

// run starts a command in a process group of its own, which is killed when the
// test ends.
func run(t *testing.T, stdin io.Reader, line []string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(line[0], line[1:]...), ended: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stderr = stdin, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.stdout = w, bufio.NewReader(r)
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // ProcessState says how it ended
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		<-p.ended
		r.Close()
	})
	return p
}

func (p *process) kill() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// hasEnded tells whether the process has ended.
func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// awaitEnd waits for the end and returns the exit status.
func (p *process) awaitEnd() (int, bool) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), true
	case <-time.After(deadline):
		return 0, false
	}
}

// line returns the next line of standard output, or what has ended it.
func (p *process) line() (string, error) {
	timer := time.AfterFunc(deadline, p.kill)
	defer timer.Stop()
	line, err := p.stdout.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// descriptors returns what the descriptors of a process are, but for those that
// strace and Go's runtime open for a moment.
func descriptors(pid int) []string {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var open []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err == nil && !strings.HasPrefix(target, "/sys/") && !strings.HasPrefix(target, "/proc/") {
			open = append(open, e.Name()+" "+target)
		}
	}
	return open
}

// used returns the processor time that all threads of a process have used.
func used(pid int) time.Duration {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var total time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(first, 10, 64)
		total += time.Duration(n)
	}
	return total
}

// eventually waits for a condition.
func eventually(holds func() bool) bool {
	const pause = 5 * time.Millisecond
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(pause) {
		if holds() {
			return true
		}
	}
	return false
}

// isIdle waits until a process uses next to no processor time. One that spins
// uses all that it gets.
func isIdle(pid int) bool {
	const window, most = 40 * time.Millisecond, 4 * time.Millisecond
	return eventually(func() bool {
		before := used(pid)
		time.Sleep(window)
		return used(pid)-before < most
	})
}
