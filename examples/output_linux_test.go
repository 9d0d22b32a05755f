package examples

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestResultsThatCannotBeWrittenAreAnError has programs write their results, or where
// they listen, to a device that is full.
func TestResultsThatCannotBeWrittenAreAnError(t *testing.T) {
	for _, args := range [][]string{
		{"time-test", "-n", "1", "-interval", "1ms"},
		{"watch-timing", "-d", "10ms"},
		{"dns-example", "127.0.0.1"},
		{"dns-example", "-s", "0", "www.example.org=192.0.2.1"},
		{"dns-forwarder", "-addr", "127.0.0.1:0"},
		{"echo-server", "-addr", "127.0.0.1:0"},
		{"gzip-echo", "-addr", "127.0.0.1:0"},
		{"hello-world", "-addr", "127.0.0.1:0"},
		{"http-server", "-addr", "127.0.0.1:0"},
		{"le-proxy", "127.0.0.1:0", "127.0.0.1:80"},
		{"le-proxy", "-tls", "127.0.0.1:0", "127.0.0.1:80"},
		{"rate-limited-server", "-addr", "127.0.0.1:0"},
		{"rpc-server", "-addr", "127.0.0.1:0"},
		{"signal-test", "-n", "1"},
		{"ssl-echo", "-addr", "127.0.0.1:0"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Skip(err)
			}
			defer full.Close()
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			cmd := exec.CommandContext(ctx, binary(t, args[0]), args[1:]...)
			var stderr strings.Builder
			cmd.Stdout, cmd.Stderr = full, &stderr
			if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "no space left") {
				t.Errorf("%v, %q", err, &stderr)
			}
		})
	}
}
