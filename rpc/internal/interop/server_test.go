//go:build unix

package interop

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/rpc/evrpc"
)

// withCServer returns a pool with connections to a server in C, which has some hooks.
func withCServer(t testing.TB, c string, conns int, hooks string) (*home, *process) {
	t.Helper()
	h := newHome(t)
	p := start(t, nil, c, append([]string{"serve"}, strings.Fields(hooks)...)...)
	h.check(h.pool.AddConns("127.0.0.1:"+p.match(t, `port (\d+)\n`), conns, nil))
	return h, p
}

// calls makes calls of an RPC, all at once, and returns how many have ended with which
// status, and an error of each.
func (h *home) calls(name string, n int) (counts map[evrpc.Status]int, errs map[evrpc.Status]error) {
	h.t.Helper()
	counts, errs = make(map[evrpc.Status]int), make(map[evrpc.Status]error)
	ended := 0
	for i := range uint32(n) {
		_, err := h.pool.MakeRequest(name, everything(i), new(Everything), func(c *evrpc.ClientCall) {
			ended++
			counts[c.Status()]++
			errs[c.Status()] = c.Err()
			if c.Err() == nil && !c.Reply().(*Everything).is(i+1) {
				h.t.Errorf("%d: reply %+v", i, c.Reply())
			}
		})
		if err != nil {
			ended++
			counts[evrpc.StatusUnstarted]++
			errs[evrpc.StatusUnstarted] = err
		}
	}
	h.await("the calls", func() bool { return ended >= n })
	if all, _ := h.pool.Pending(); all > 0 || ended > n {
		h.t.Errorf("%d ends of %d calls; %d are under way", ended, n, all)
	}
	return counts, errs
}

// TestCServer has our client at the server in C.
func TestCServer(t *testing.T) {
	c := cPeer(t)
	for _, test := range []struct {
		what, name   string
		calls, conns int
		hooks, ours  string
		want         evrpc.Status
		code         int
		cause        error
	}{
		{"all types", "Echo", 2000, 4, "", "", evrpc.StatusNone, 0, nil},
		{"10,000 calls over 10 connections", "Echo", 10000, 10, "", "", evrpc.StatusNone, 0, nil},
		{"answers that come later", "Later", 50, 5, "", "", evrpc.StatusNone, 0, nil},
		{"a reply that lacks fields", "Incomplete", 2, 1, "", "", evrpc.StatusBadPayload, 503, evrpc.ErrAnswer},
		{"no such RPC", "Missing", 2, 1, "", "", evrpc.StatusBadPayload, 404, evrpc.ErrAnswer},
		{"the process ends", "Stop", 1, 1, "", "", evrpc.StatusTimeout, 0, io.ErrUnexpectedEOF},
		{"no answer", "Never", 2, 1, "", "", evrpc.StatusTimeout, 0, os.ErrDeadlineExceeded},
		{"hooks of the server that pause", "Echo", 20, 5, "pause-input pause-output", "", evrpc.StatusNone, 0, nil},
		{"hooks of both that pause", "Echo", 20, 5, "pause-input pause-output", "pause-input pause-output", evrpc.StatusNone, 0, nil},
		{"an input hook of the server that stops", "Echo", 2, 1, "stop-input", "", evrpc.StatusBadPayload, 503, evrpc.ErrAnswer},
		{"an output hook of the server that stops", "Echo", 2, 1, "stop-output", "", evrpc.StatusBadPayload, 503, evrpc.ErrAnswer},
		{"an input hook of the client that stops", "Echo", 2, 1, "", "stop-input", evrpc.StatusHookAborted, 200, evrpc.ErrTerminated},
		{"an output hook of the client that stops", "Echo", 2, 1, "", "stop-output", evrpc.StatusUnstarted, 0, evrpc.ErrTerminated},
	} {
		t.Run(test.what, func(t *testing.T) {
			h, _ := withCServer(t, c, test.conns, test.hooks)
			h.hooks(h.pool, strings.Fields(test.ours)...)
			if test.name == "Never" {
				h.pool.SetTimeout(50 * time.Millisecond)
			}
			counts, errs := h.calls(test.name, test.calls)
			if counts[test.want] != test.calls {
				t.Errorf("statuses %v, %v", counts, errs)
			}
			if test.want == evrpc.StatusNone {
				return
			}
			err := errs[test.want]
			var e *evrpc.Error
			if !errors.As(err, &e) || e.Code != test.code || !errors.Is(err, test.cause) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestFailuresAreNoRepliesWithoutFields has a reply all of whose fields are optional.
func TestFailuresAreNoRepliesWithoutFields(t *testing.T) {
	h, _ := withCServer(t, cPeer(t), 1, "stop-output")
	over := false
	_, err := h.pool.MakeRequest("Nothing", nothing(), new(Nothing), func(c *evrpc.ClientCall) {
		over = true
		if !errors.Is(c.Err(), evrpc.ErrAnswer) {
			t.Errorf("error %v", c.Err())
		}
	})
	h.check(err)
	h.await("the call", func() bool { return over })
}

// TestCServerDiesUnderLoad has the process of the server killed while calls are under way, and
// calls that come later.
func TestCServerDiesUnderLoad(t *testing.T) {
	h, p := withCServer(t, cPeer(t), 10, "")
	const n = 5000
	ended, good, bad := make([]int, n), 0, 0
	failed := make(map[evrpc.Status]int)
	for i := range uint32(n) {
		_, err := h.pool.MakeRequest("Echo", everything(i), new(Everything), func(c *evrpc.ClientCall) {
			ended[i]++
			switch {
			case c.Err() != nil:
				bad++
				failed[c.Status()]++
			case !c.Reply().(*Everything).is(i + 1):
				t.Errorf("%d: reply %+v", i, c.Reply())
			default:
				good++
			}
			if good == 1000 {
				p.kill()
			}
		})
		h.check(err)
	}
	h.await("the calls", func() bool { return good+bad == n })
	for i, times := range ended {
		if times != 1 {
			t.Errorf("call %d has ended %d times", i, times)
		}
	}
	// Those under way have no answer, the others find no server.
	if good < 1000 || failed[evrpc.StatusTimeout] > 10 || failed[evrpc.StatusTimeout]+failed[evrpc.StatusBadPayload] != bad || bad < n/2 {
		t.Errorf("%d good, %d bad: %v", good, bad, failed)
	}
	counts, errs := h.calls("Echo", 20)
	if counts[evrpc.StatusBadPayload] != 20 {
		t.Errorf("without a server: %v, %v", counts, errs)
	}
}
