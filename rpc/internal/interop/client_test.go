//go:build unix

package interop

import (
	"strconv"
	"strings"
	"testing"
)

// runs runs the client in C while our loop runs, and returns what it prints.
func (h *home) runs(c, args string) string {
	h.t.Helper()
	p := start(h.t, nil, c, append([]string{"client", strconv.Itoa(h.port)}, strings.Fields(args)...)...)
	over := false
	go func() {
		<-p.left
		h.base.Post(func() { over = true })
	}()
	h.await("the end of the client", func() bool { return over })
	return strings.TrimSpace(p.ends())
}

// TestCClient has the client in C at our server.
func TestCClient(t *testing.T) {
	c := cPeer(t)
	for _, test := range []struct{ what, args, server, want string }{
		{"all types", "Echo 2000 4 0", "", success + "2000"},
		{"10,000 calls over 10 connections", "Echo 10000 10 0", "", success + "10000"},
		{"answers that come later", "Later 50 5 0", "", success + "50"},
		{"a reply that lacks fields", "Incomplete 2 1 0", "", badPayload + "2"},
		{"a reply without fields", "Nothing 2 1 0", "", success + "2"},
		{"no such RPC", "Missing 2 1 0", "", badPayload + "2"},
		{"no answer", "Never 2 2 1", "", timeout + "2"},
		{"the connection ends", "Stop 2 1 0", "", timeout + "2"},
		{"hooks of the server that pause", "Echo 20 5 0", "pause-input pause-output", success + "20"},
		{"hooks of both that pause", "Echo 20 5 0 pause-input pause-output", "pause-input pause-output", success + "20"},
		{"hooks of the client that see metadata", "Echo 3 1 0 count-output count-input", "", success + "3 found*3"},
		{"an input hook of the server that stops", "Echo 2 1 0", "stop-input", badPayload + "2"},
		{"an output hook of the server that stops", "Echo 2 1 0", "stop-output", badPayload + "2"},
		{"a reply without fields that is stopped, which C takes for one", "Nothing 2 1 0", "stop-output", badPayload + "2"},
		{"an input hook of the client that stops", "Echo 2 1 0 stop-input", "", aborted + "2"},
		{"an output hook of the client that stops", "Echo 2 1 0 stop-output", "", unstarted + "2"},
	} {
		t.Run(test.what, func(t *testing.T) {
			h := newHome(t)
			h.hooks(h.server, strings.Fields(test.server)...)
			if got := strings.Join(strings.Fields(h.runs(c, test.args)), " "); got != test.want {
				t.Errorf("C says %q, want %q", got, test.want)
			}
		})
	}
}
