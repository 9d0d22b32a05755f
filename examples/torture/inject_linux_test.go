package torture

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A fault is a system call that fails.
type fault struct {
	call, errno string
	when        string // as strace counts the calls of a thread
}

func (f fault) String() string { return f.call + "=" + f.errno + "/" + f.when }

// whens are the calls that fail: the first, the second, the fifth, and every
// seventh.
var whens = []string{"1", "2", "5", "7+7"}

// faults returns all faults of some calls, in a fixed order. The first table that
// has a call says how it fails.
func faults(calls []string, tables ...map[string][]string) []fault {
	var all []fault
	for _, call := range calls {
		i := slices.IndexFunc(tables, func(table map[string][]string) bool { return table[call] != nil })
		for _, errno := range tables[i][call] {
			for _, when := range whens {
				all = append(all, fault{call, errno, when})
			}
		}
	}
	return all
}

// arguments returns those with which strace injects the fault.
func (f fault) arguments() []string {
	return []string{"-f", "-o", "/dev/null", "-e", "trace=" + f.call,
		"-e", fmt.Sprintf("inject=%s:error=%s:when=%s", f.call, f.errno, f.when)}
}

// command returns a program's command line under the fault. strace passes the
// exit status on.
func (f fault) command(line []string) []string {
	return slices.Concat([]string{"strace", "-qq"}, f.arguments(), line)
}

// An attached is strace at a running program.
type attached struct {
	t      *testing.T
	cmd    *exec.Cmd
	pid    int // of the program
	stderr io.Reader
}

// attach has the calls of a running program fail from now on.
func (f fault) attach(t *testing.T, pid int) *attached {
	return attach(t, pid, f.arguments()...)
}

// attach starts strace at a running program.
func attach(t *testing.T, pid int, args ...string) *attached {
	t.Helper()
	a := &attached{t: t, pid: pid, cmd: exec.Command("strace", append(args, "-p", strconv.Itoa(pid))...)}
	stderr, err := a.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	a.stderr = lines
	t.Cleanup(func() {
		a.cmd.Process.Kill() // unless detach was called, and it has ended
		a.cmd.Wait()
	})
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "attached") {
		t.Fatalf("strace said %q, %v", line, err)
	}
	return a
}

// detach ends the faults. The program is stopped meanwhile: for a thread that is on
// its way into a call that is to fail, strace has replaced the number of the call by
// none, and if it detaches then, the call fails with ENOSYS.
func (a *attached) detach() {
	a.t.Helper()
	syscall.Kill(a.pid, syscall.SIGSTOP) // it can only have ended
	if !eventually(a.settled) {
		a.t.Error("SIGSTOP does not stop the program")
	}
	a.cmd.Process.Signal(syscall.SIGINT) // it can only have ended
	io.Copy(io.Discard, a.stderr)
	a.cmd.Wait() // by the signal
	syscall.Kill(a.pid, syscall.SIGCONT)
}

// settled tells whether each thread of the program is stopped, and strace has
// nothing to do: a thread that is stopped at a call wakes strace, and one that is
// stopped by the signal does not.
func (a *attached) settled() bool {
	if state, ok := stateOf("/proc/" + strconv.Itoa(a.cmd.Process.Pid)); ok && state != 'S' {
		return false
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", a.pid))
	for _, task := range tasks {
		if state, ok := stateOf(task); ok && !strings.ContainsRune("tTXZ", state) {
			return false
		}
	}
	state, ok := stateOf("/proc/" + strconv.Itoa(a.cmd.Process.Pid))
	return !ok || state == 'S'
}

// stateOf returns the state of a process or a thread, as proc_pid_stat(5) names it:
// it follows the name, which is in parentheses and may hold some.
func stateOf(dir string) (rune, bool) {
	text, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0, false // it has ended
	}
	_, rest, ok := strings.Cut(string(text[bytes.LastIndexByte(text, ')'):]), " ")
	return rune(rest[0]), ok
}

// counted returns the calls that strace has counted in a file, in order.
func counted(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if call := fields[len(fields)-1]; errnos[call] != nil {
			found[call] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// countCalls returns the calls that a command makes until it ends or stop ends it.
func countCalls(t *testing.T, line []string, use func(command []string)) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls")
	use(slices.Concat([]string{"strace", "-qq", "-f", "-c", "-o", path}, line))
	return counted(t, path)
}
