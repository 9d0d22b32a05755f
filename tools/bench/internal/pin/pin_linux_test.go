package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// TestMain runs the test's program in three roles: the test, the process that
// pins itself, and the pinned one.
func TestMain(m *testing.M) {
	if cpu, err := strconv.Atoi(os.Getenv("PIN_TEST_CPU")); err == nil {
		os.Unsetenv("PIN_TEST_CPU")
		os.Setenv("PIN_TEST_REPORT", "1")
		fmt.Fprintln(os.Stderr, Exec([]int{cpu}, os.Args[0]))
		os.Exit(1)
	}
	if os.Getenv("PIN_TEST_REPORT") != "" {
		cpus, err := CPUs(1)
		fmt.Println(runtime.NumCPU(), cpus, err)
		return
	}
	os.Exit(m.Run())
}

func TestExecConfinesTheProgram(t *testing.T) {
	cpus, err := CPUs(1)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fmt.Sprintf("PIN_TEST_CPU=%d", cpus[0]))
	output, err := child.CombinedOutput()
	want := fmt.Sprintf("1 [%d] <nil>\n", cpus[0])
	if err != nil || string(output) != want {
		t.Errorf("pinned program printed %q (%v), want %q", output, err, want)
	}
}

func TestExecReportsAMissingProgram(t *testing.T) {
	cpus, err := CPUs(1)
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if err := Exec(cpus, missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that says that the program is missing", err)
	}
}
