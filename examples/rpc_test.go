package examples

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestRPCClientHasItsNamesGreeted(t *testing.T) {
	for _, delay := range []string{"0s", "20ms"} {
		server := start(t, "rpc-server", "-addr", "127.0.0.1:0", "-v", "-delay", delay)
		addr := server.lineAfter("listening on ")
		for _, flags := range [][]string{nil, {"-wait"}, {"-conns", "1"}, {"-wait", "-times", "2"}} {
			client := start(t, "rpc-client", append(flags, addr, "Ada", "Grace", "Linus")...)
			got := strings.Fields(strings.ReplaceAll(client.ends(0), "Hello, ", ""))
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, []string{"Ada!", "Grace!", "Linus!"}) {
				t.Errorf("%v: greeted %q", flags, got)
			}
		}
		server.signal(os.Interrupt)
		server.expect("interrupted")
		server.ends(0)
		if !strings.Contains(server.stderr.String(), "Greet with 5 bytes from 127.0.0.1:") {
			t.Errorf("stderr: %s", &server.stderr)
		}
	}
}

func TestRPCClientTellsFailures(t *testing.T) {
	server := start(t, "rpc-server", "-addr", "127.0.0.1:0", "-delay", "1h")
	addr := server.lineAfter("listening on ")
	for _, test := range []struct {
		flags string
		addr  string
		want  string
	}{
		{"-timeout 50ms", addr, "no answer in time"},
		{"-timeout 50ms -wait", addr, "no answer in time"},
		{"-times 101", addr, "answer is no success: 503"},
		{"", "127.0.0.1:1", "refused"},
		{"", "nowhere", "nowhere"},
	} {
		client := start(t, "rpc-client", append(strings.Fields(test.flags), test.addr, "Ada")...)
		if out := client.ends(1); out != "" || !strings.Contains(client.stderr.String(), test.want) {
			t.Errorf("%s: printed %q, and %q, want %q", test.flags, out, &client.stderr, test.want)
		}
	}
}
