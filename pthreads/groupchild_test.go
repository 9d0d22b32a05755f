package pthreads_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
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
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), "GROUP_TEST_CHILD=1")
	return cmd
}

// skipIfForeign skips the test if a child cannot run because this process does
// so under an emulator that the system does not know of.
func skipIfForeign(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("the system cannot run this program without the emulator: ", err)
	}
}

func TestPanicInACallbackIsThePrograms(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		if isChild() {
			panicInACallback(t)
		}
		output, err := child(t).CombinedOutput()
		skipIfForeign(t, err)
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
