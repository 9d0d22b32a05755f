//go:build unix

package interop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// interopPatience is how long a peer may take for anything. Only tests that fail
// wait that long.
const interopPatience = 10 * time.Second

// A transcript is what somebody has said so far. Tests wait for parts of it, in
// order.
type transcript struct {
	mu      sync.Mutex
	text    []byte
	checked int           // how much of text tests have waited for
	grown   chan struct{} // closed when there is more, and replaced
	over    bool          // nothing will follow
}

func newTranscript() *transcript { return &transcript{grown: make(chan struct{})} }

// Write implements io.Writer.
func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.text = append(tr.text, p...)
	tr.changed()
	return len(p), nil
}

// end says that nothing will follow.
func (tr *transcript) end() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.over = true
	tr.changed()
}

func (tr *transcript) changed() {
	close(tr.grown)
	tr.grown = make(chan struct{})
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return string(tr.text)
}

// await waits until find finds something in what was not waited for yet: it
// returns the end of that, or -1.
func (tr *transcript) await(t testing.TB, what string, find func(text []byte) int) {
	t.Helper()
	late := time.After(interopPatience)
	for {
		tr.mu.Lock()
		n, grown, over := find(tr.text[tr.checked:]), tr.grown, tr.over
		tr.checked += max(n, 0)
		tr.mu.Unlock()
		if n >= 0 {
			return
		}
		if over {
			t.Fatalf("%s: ended before; it was\n%s", what, tr.tail())
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("%s: waited for %v; there is\n%s", what, interopPatience, tr.tail())
		}
	}
}

// tail is the part of the transcript that fits an error message.
func (tr *transcript) tail() string {
	text := tr.String()
	return text[max(0, len(text)-8000):]
}

// match waits for what a regular expression describes, and returns its first
// group.
func (tr *transcript) match(t testing.TB, expr string) string {
	t.Helper()
	re, group := regexp.MustCompile(expr), ""
	tr.await(t, "want "+expr, func(text []byte) int {
		m := re.FindSubmatchIndex(text)
		if m == nil {
			return -1
		}
		group = string(text[m[2]:m[3]])
		return m[1]
	})
	return group
}

// A process is a program that a test has started.
type process struct {
	*transcript // of both standard output and error
	t           testing.TB
	cmd         *exec.Cmd
	stdin       io.WriteCloser
	left        chan struct{}
	err         error // of Wait, once left is closed
}

// missing skips the test, or makes it fail if peers are required.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// program returns the path of a program that is installed.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "needs %s: %v", name, err)
	}
	return path
}

// compileC compiles testdata/NAME.c.
func compileC(t testing.TB, name string, flags ...string) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	to := filepath.Join(t.TempDir(), name)
	args := append([]string{"-O1", "-Wall", "-o", to, filepath.Join("testdata", name+".c")}, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program(t, cc), args...).CombinedOutput(); err != nil {
		missing(t, "cannot compile %s: %v\n%s", name, err, out)
	}
	return to
}

// start starts a program, which ends with the test at the latest.
func start(t testing.TB, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{transcript: newTranscript(), t: t, cmd: exec.Command(path, args...), left: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.WaitDelay = interopPatience
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.left)
		p.err = p.cmd.Wait()
		p.end()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(p.cmd.Args, " "), p.tail())
		}
	})
	return p
}

// kill ends the program, if it has not ended.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.left
}

// exit waits for the program to end by itself, and returns its status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.left:
	case <-time.After(interopPatience):
		p.t.Fatal("the peer does not end")
	}
	var failed *exec.ExitError
	if p.err != nil && !errors.As(p.err, &failed) {
		p.t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// ends checks that the program ends well, and returns what it has said.
func (p *process) ends() string {
	p.t.Helper()
	if status := p.exit(); status != 0 {
		p.t.Fatalf("%s ended with status %d", p.cmd.Path, status)
	}
	return p.String()
}

// freePort returns a port of the loopback interface that nobody uses, for UDP or
// TCP, at the moment.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		l.Close()
		if err == nil {
			conn.Close()
			return port
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return 0
}

// startOn starts a server that must be told a port, which another process may take
// before it. It waits for a text that says that the server is ready.
func startOn(t testing.TB, ready string, command func(port int) (path string, args []string)) netip.AddrPort {
	t.Helper()
	for range 5 {
		port := freePort(t)
		path, args := command(port)
		p := start(t, nil, path, args...)
		if p.says(ready) {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
		}
		if text := p.tail(); !strings.Contains(text, "in use") {
			t.Fatalf("%s does not start: %s", path, text)
		}
	}
	t.Fatal("no port was free for long enough")
	return netip.AddrPort{}
}

// says waits for a text, and returns whether it came before the end.
func (p *process) says(want string) bool {
	p.t.Helper()
	late := time.After(interopPatience)
	for {
		p.mu.Lock()
		found, over, grown := bytes.Contains(p.text, []byte(want)), p.over, p.grown
		p.mu.Unlock()
		if found || over {
			return found
		}
		select {
		case <-grown:
		case <-late:
			p.t.Fatalf("waited for %q for %v; there is\n%s", want, interopPatience, p.tail())
		}
	}
}
