package torture

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "torture")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binDir = dir
	return m.Run()
}

// ready builds the programs, and skips the test where there is no strace.
func ready(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("strace is of no use on foreign platforms")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if out, err := build(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// always are faults that are tried with every program: these have found something.
var always = map[string]bool{
	"epoll_ctl=ENOMEM/2":    true, // a loop that cannot watch its listener
	"getsockname=ENOBUFS/1": true, // a listener without an address
	"sendto=ENOBUFS/2":      true, // what was written is lost
	"shutdown=ENOTCONN/1":   true, // an end that cannot be told
}

// chosen returns one in n of the faults of a program: those whose names have a
// certain hash, and those that are tried always.
func chosen(t *testing.T, place string, all []fault) []fault {
	t.Helper()
	n := uint64(40)
	if text := os.Getenv("LIBEVENT_TORTURE"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 32); err != nil || n == 0 {
			t.Fatalf("LIBEVENT_TORTURE=%s, want a number from 1 on", text)
		}
	}
	return slices.DeleteFunc(all, func(f fault) bool {
		if always[f.String()] {
			return false
		}
		h := fnv.New64a()
		io.WriteString(h, place+f.String())
		return h.Sum64()%n != 0
	})
}

func TestServersStartOrSayWhyNot(t *testing.T) {
	ready(t)
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			calls := countCalls(t, s.command(t), func(command []string) {
				p := run(t, nil, command)
				if _, err := p.address(); err != nil {
					t.Fatalf("%v; stderr: %s", err, &p.stderr)
				}
				// strace writes its summary when the program has ended.
				stop(t, p)
			})
			for _, f := range chosen(t, s.name+" starts", faults(calls, errnosOfServers, errnos)) {
				t.Run(f.String(), func(t *testing.T) { s.startUnder(t, f) })
			}
		})
	}
}

// address reads the line that says where a server listens.
func (p *process) address() (string, error) {
	line, err := p.line()
	if err != nil {
		return "", err
	}
	rest, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		return "", fmt.Errorf("printed %q", line)
	}
	_, addr, found := strings.Cut(rest, "://")
	if !found {
		addr = rest
	}
	return strings.TrimSuffix(addr, "/"), nil
}

// stop ends the child of a strace, and so that.
func stop(t *testing.T, p *process) {
	t.Helper()
	pid := p.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("children of strace: %q", text)
	}
	if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.awaitEnd(); !ok {
		t.Fatal("SIGTERM does not end the program")
	}
}

// startUnder starts a server while a call fails. It serves, or ends with a message
// that says what has failed.
func (s server) startUnder(t *testing.T, f fault) {
	p := run(t, nil, f.command(s.command(t)))
	addr, err := p.address()
	if err != nil {
		code, ended := p.awaitEnd()
		switch stderr := p.stderr.String(); {
		case !ended:
			t.Error("it neither starts nor ends")
		case runtimeDied(stderr):
		case code != 1:
			t.Errorf("exit status %d; stderr: %s", code, stderr)
		case !says(stderr, f.errno):
			t.Errorf("it ends without a word of %s: %s", texts[f.errno], stderr)
		}
		return
	}
	// Each thread that serves a client may meet the fault once more.
	const tries = 40
	var failures []error
	for range tries {
		if err := s.use(addr); err == nil {
			return
		} else {
			failures = append(failures, err)
		}
		if p.hasEnded() && runtimeDied(p.stderr.String()) {
			return
		}
	}
	t.Errorf("it says that it listens, but does not serve: %v; stderr: %s", errors.Join(failures...), &p.stderr)
}

func TestServersGoOnAfterFailures(t *testing.T) {
	ready(t)
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			calls := s.callsOfUse(t)
			for _, f := range chosen(t, s.name+" serves", faults(calls, errnosOfServers, errnos)) {
				t.Run(f.String(), func(t *testing.T) { s.serveUnder(t, f) })
			}
		})
	}
}

// usesBefore are so many that a server has all that it keeps: the sockets of a
// resolver, say.
const usesBefore = 6

// started starts a server that has served.
func (s server) started(t *testing.T) (*process, string) {
	t.Helper()
	p := run(t, nil, s.command(t))
	addr, err := p.address()
	if err != nil {
		t.Fatalf("%v; stderr: %s", err, &p.stderr)
	}
	for range usesBefore {
		if err := s.use(addr); err != nil {
			t.Fatalf("%v; stderr: %s", err, &p.stderr)
		}
	}
	go io.Copy(io.Discard, p.stdout) // an access log, say
	return p, addr
}

// callsOfUse returns the calls that a server makes for a client.
func (s server) callsOfUse(t *testing.T) []string {
	t.Helper()
	p, addr := s.started(t)
	path := t.TempDir() + "/calls"
	a := attach(t, p.cmd.Process.Pid, "-f", "-c", "-o", path)
	err := s.use(addr)
	a.detach()
	if err != nil {
		t.Fatal(err)
	}
	return counted(t, path)
}

// serveUnder has a call fail while clients use the server.
func (s server) serveUnder(t *testing.T, f fault) {
	p, addr := s.started(t)
	pid := p.cmd.Process.Pid
	var before []string
	settled := eventually(func() bool {
		now := descriptors(pid)
		same := slices.Equal(now, before)
		before = now
		return same
	})
	if !settled {
		t.Fatal("its descriptors keep changing")
	}
	said := len(p.stderr.String())
	const clients = 6
	a := f.attach(t, pid)
	var failures []error
	for range clients {
		if err := s.use(addr); err != nil {
			failures = append(failures, err)
		}
	}
	a.detach()
	if p.hasEnded() {
		if !runtimeDied(p.stderr.String()) {
			t.Fatalf("it has ended; stderr: %s", &p.stderr)
		}
		return
	}
	s.judge(t, f, failures, func() string { return p.stderr.String()[said:] })
	s.recovers(t, p, addr, before)
}

// judge says whether what clients saw was right. What the server says comes through
// a pipe.
func (s server) judge(t *testing.T, f fault, failures []error, stderr func() string) {
	t.Helper()
	if len(failures) == 0 {
		return
	}
	err := errors.Join(failures...)
	if timeout := (net.Error)(nil); errors.As(err, &timeout) && timeout.Timeout() && !s.lossy {
		t.Errorf("a client was left hanging: %v; stderr: %s", err, stderr())
	}
	if retried[f.errno] && !s.lossy {
		t.Errorf("clients noticed: %v; stderr: %s", err, stderr())
	}
	mustSay := !peers[f.errno] && !slices.Contains(s.answered, f.call+"="+f.errno)
	if mustSay && !eventually(func() bool { return says(stderr(), f.errno) }) {
		t.Errorf("not a word of %s; clients saw %v; stderr: %s", texts[f.errno], err, stderr())
	}
}

// recovers checks that a server is what it was before.
func (s server) recovers(t *testing.T, p *process, addr string, before []string) {
	t.Helper()
	const tries = 3
	served := slices.ContainsFunc(make([]struct{}, tries), func(struct{}) bool { return s.use(addr) == nil })
	if !served {
		t.Errorf("it does not serve any more: %v; stderr: %s", s.use(addr), &p.stderr)
	}
	pid := p.cmd.Process.Pid
	var now []string
	if !eventually(func() bool { now = descriptors(pid); return len(now) <= len(before)+s.spare }) {
		t.Errorf("descriptors before: %q\nand now: %q", before, now)
	}
	if !isIdle(pid) {
		t.Error("it is never idle")
	}
}

func TestClientsEndWithTheirWorkDoneOrSayWhyNot(t *testing.T) {
	ready(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			calls := countCalls(t, c.command(t), func(command []string) {
				code, stdout, stderr := c.run(t, command)
				if code != 0 || !strings.Contains(stdout, c.want) {
					t.Fatalf("exit status %d, output %q; stderr: %s", code, stdout, stderr)
				}
			})
			for _, f := range chosen(t, c.name, c.faults(calls)) {
				t.Run(f.String(), func(t *testing.T) { c.endUnder(t, f) })
			}
		})
	}
}

// faults are those of the calls that the program makes.
func (c client) faults(calls []string) []fault {
	if c.says {
		return faults(calls, errnosOfServers, errnos)
	}
	return faults(calls, errnos)
}

// run runs the program to its end.
func (c client) run(t *testing.T, command []string) (code int, stdout, stderr string) {
	t.Helper()
	p := run(t, strings.NewReader(c.input), command)
	if c.meet != nil {
		c.meet(t, p)
	}
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(p.stdout)
		text <- string(all)
	}()
	code, ended := p.awaitEnd()
	if !ended {
		t.Fatalf("it does not end; stderr: %s", &p.stderr)
	}
	return code, <-text, p.stderr.String()
}

// endUnder runs the program while a call fails.
func (c client) endUnder(t *testing.T, f fault) {
	code, stdout, stderr := c.run(t, f.command(c.command(t)))
	switch {
	case runtimeDied(stderr):
	case code == 0:
		if !strings.Contains(stdout, c.want) {
			t.Errorf("it says that all is well; output %q, stderr: %s", stdout, stderr)
		}
	case code != 1:
		t.Errorf("exit status %d; stderr: %s", code, stderr)
	case retried[f.errno]:
		t.Errorf("it gives up: %s", stderr)
	case f.call == "write" && stderr == "": // it could not write that either
	case !says(stderr, f.errno):
		t.Errorf("not a word of %s: %s", texts[f.errno], stderr)
	}
}
