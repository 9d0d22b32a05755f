package evtest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// ownProcess is set in the environment of a process that OwnProcess has started, to
// the name of the test that it is for.
const ownProcess = "EVTEST_OWN_PROCESS"

// OwnProcess calls fn in another process, which runs this test alone, up to this call:
// for what a process cannot take back, such as debug mode. The test fails, with what the
// other process has printed, if fn fails it there. It is skipped where a program cannot
// start itself, in an emulator for instance. A test calls it once, and not in parallel
// with others.
func OwnProcess(t testing.TB, fn func()) {
	t.Helper()
	if os.Getenv(ownProcess) == t.Name() {
		fn()
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Skipf("cannot start another process: %v", err)
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), exe, "-test.run="+pattern, "-test.v")
	cmd.Env = append(os.Environ(), ownProcess+"="+t.Name())
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	case err != nil:
		t.Skipf("cannot start another process: %v", err)
	}
}
