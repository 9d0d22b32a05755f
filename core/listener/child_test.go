package listener_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// isChild reports whether the running test is one that runs in a process of its
// own, and this is that process.
func isChild() bool { return os.Getenv("LISTENER_TEST_CHILD") != "" }

// A child is a test that runs in a process of its own.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Scanner
}

// startChild starts the calling test in a process of its own, by way of a
// wrapper if there is one, which inherits files. The test is skipped if the
// system cannot run the program, because it does so under an emulator that the
// system does not know of.
func startChild(t *testing.T, files []*os.File, wrapper ...string) *child {
	t.Helper()
	// Now and then the emulator does not come back from the attempt.
	if name, err := os.ReadFile("/proc/self/comm"); err == nil && strings.HasPrefix(string(name), "qemu-") {
		t.Skip("the system cannot run this program without the emulator")
	}
	args := append(wrapper, os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LISTENER_TEST_CHILD=1")
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = files
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	return &child{cmd, stdin, bufio.NewScanner(stdout)}
}

// says waits for a line that starts with a word, and returns the rest.
func (c *child) says(t *testing.T, word string) string {
	t.Helper()
	for c.stdout.Scan() {
		if rest, found := strings.CutPrefix(c.stdout.Text(), word+" "); found {
			return rest
		}
	}
	t.Fatalf("the child ended when it should say %q", word)
	panic("unreachable")
}

// end closes the child's input, and waits until it has ended well.
func (c *child) end(t *testing.T) {
	t.Helper()
	ok(t, c.stdin.Close())
	var output []string
	for c.stdout.Scan() {
		output = append(output, c.stdout.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child: %v\n%s", err, strings.Join(output, "\n"))
	}
}
