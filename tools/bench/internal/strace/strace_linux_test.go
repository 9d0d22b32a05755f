package strace

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

func TestSummaryIsRead(t *testing.T) {
	const summary = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.010000          10      1000           read
 30.00    0.006000           6      2000       500 write
 20.00    0.000001           1         1           futex
------ ----------- ----------- --------- --------- ----------------
100.00    0.016001          15      3001       500 total
`
	counts, err := parse([]byte(summary))
	if err != nil {
		t.Fatal(err)
	}
	want := []Count{{"read", 1000}, {"write", 2000}, {"futex", 1}}
	if !slices.Equal(counts, want) {
		t.Errorf("counts %v, want %v", counts, want)
	}
	if _, err := parse(nil); err == nil {
		t.Error("an empty summary was taken")
	}
}

func TestCallsOfARunningProcessAreCounted(t *testing.T) {
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	trace, err := Attach(cmd.Process.Pid)
	if errors.Is(err, measure.ErrUnable) && os.Getenv("LIBEVENT_TEST_PEERS") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := stdin.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := stdout.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := trace.Detach()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(counts, Count{"write", 10}) {
		t.Errorf("counts %v, want 10 of write", counts)
	}
}

func TestProcessesThatAreNotThereCannotBeTraced(t *testing.T) {
	const nobody = 1 << 22 // beyond the largest that Linux gives
	if _, err := Attach(nobody); !errors.Is(err, measure.ErrUnable) {
		t.Errorf("Attach of a process that is not there: %v", err)
	}
}
