package examples

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestResultsThatCannotBeWrittenAreAnError has programs write their results to a
// device that is full.
func TestResultsThatCannotBeWrittenAreAnError(t *testing.T) {
	for _, args := range [][]string{
		{"time-test", "-n", "1", "-interval", "1ms"},
		{"watch-timing", "-d", "10ms"},
		{"dns-example", "127.0.0.1"},
	} {
		t.Run(args[0], func(t *testing.T) {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Skip(err)
			}
			defer full.Close()
			cmd := exec.Command(binary(t, args[0]), args[1:]...)
			var stderr strings.Builder
			cmd.Stdout, cmd.Stderr = full, &stderr
			if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "no space left") {
				t.Errorf("%v, %q", err, &stderr)
			}
		})
	}
}
