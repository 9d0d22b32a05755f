package pthreads_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/pthreads"
)

// isChild reports whether the running test is one that runs in a process of its
// own, and this is that process.
func isChild() bool { return os.Getenv("GROUP_TEST_CHILD") != "" }

// child returns the command that runs the calling test in a process of its own.
func child(t *testing.T) *exec.Cmd {
	t.Helper()
	skipUnderEmulator(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), "GROUP_TEST_CHILD=1")
	return cmd
}

// skipUnderEmulator skips the test if an emulator runs this process: the system cannot run
// this program without it, and now and then the emulator does not come back from the attempt.
func skipUnderEmulator(t *testing.T) {
	t.Helper()
	if name, err := os.ReadFile("/proc/self/comm"); err == nil && strings.HasPrefix(string(name), "qemu-") {
		t.Skip("the system cannot run this program without the emulator")
	}
}

func TestPanicInACallbackIsThePrograms(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		if isChild() {
			panicInACallback(t)
		}
		output, err := child(t).CombinedOutput()
		exit, failed := errors.AsType[*exec.ExitError](err)
		if !failed || exit.ExitCode() != 2 || !bytes.Contains(output, []byte("panic: no way out")) {
			t.Errorf("%v:\n%s", err, output)
		}
	})
}

// panicInACallback must not return, and nothing else may end the process.
func panicInACallback(t *testing.T) {
	g := newGroup(t, &pthreads.GroupConfig{
		Loops:    2,
		Teardown: func(int, *event.Base) { os.Exit(0) },
	})
	ok(t, g.Base(1).Post(func() { panic("no way out") }))
	g.Wait()
	os.Exit(0)
}
