//go:build unix

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// cPeer has C's generator write the messages of peer.rpc, and compiles testdata/peer.c with
// them.
func cPeer(t testing.TB) string {
	t.Helper()
	generator := os.Getenv("LIBEVENT_RPCGEN")
	if generator == "" {
		missing(t, "needs event_rpcgen.py: LIBEVENT_RPCGEN is not set")
	}
	dir := t.TempDir()
	source, err := os.ReadFile("testdata/peer.rpc")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "peer.rpc"), source, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program(t, "python3"), generator, "--quiet", "peer.rpc")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "event_rpcgen.py: %v\n%s", err, out)
	}
	return compileC(t, "peer", "-I", dir, filepath.Join(dir, "peer.gen.c"), "-levent_core", "-levent_extra")
}

// The statuses as the client in C prints them.
const success, timeout, badPayload, unstarted, aborted = "0*", "1*", "2*", "3*", "4*"

// A home is a server and a pool in Go, on a base whose loop the test runs.
type home struct {
	t      testing.TB
	base   *event.Base
	web    *evhttp.Server
	server *evrpc.Server
	pool   *evrpc.Pool
	port   int
	never  int // calls of Never that have come
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{t: t, base: evtest.Base(t)}
	h.web = evhttp.NewServer(h.base)
	bound, err := h.web.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.port = int(bound.AddrPort().Port())
	h.server, _ = evrpc.NewServer(h.web, nil)
	h.pool, _ = evrpc.NewPool(h.base, &evrpc.PoolConfig{MaxWaiting: -1})
	h.register("Echo", func(c *evrpc.Call[Everything, Everything]) { h.answer(c) })
	h.register("Later", func(c *evrpc.Call[Everything, Everything]) { h.soon(func() { h.answer(c) }) })
	h.register("Never", func(*evrpc.Call[Everything, Everything]) { h.never++ })
	h.register("Stop", func(c *evrpc.Call[Everything, Everything]) { c.HTTP().Cancel() })
	h.register("Incomplete", func(c *evrpc.Call[Everything, Everything]) {
		if c.Done() == nil {
			t.Error("a reply without a text is complete")
		}
	})
	h.check(evrpc.Register(h.server, "Nothing", func(c *evrpc.Call[Nothing, Nothing]) {
		c.Reply().SetN(7)
		h.check(c.Done())
	}))
	t.Cleanup(func() {
		h.pool.Free()
		h.server.Free()
		h.web.Free()
	})
	return h
}

// await runs the loop until done.
func (h *home) await(what string, done func() bool) {
	h.t.Helper()
	evtest.Await(h.t, h.base, what, done)
}

func (h *home) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) register(name string, fn func(c *evrpc.Call[Everything, Everything])) {
	h.t.Helper()
	h.check(evrpc.Register(h.server, name, fn))
}

// answer answers as the server in C does.
func (h *home) answer(c *evrpc.Call[Everything, Everything]) {
	n := c.Request().Number()
	if !c.Request().is(n) {
		h.t.Errorf("request %d is %+v", n, c.Request())
	}
	*c.Reply() = *everything(n + 1)
	h.check(c.Done())
}

// soon has the loop call a function in a moment.
func (h *home) soon(fn func()) {
	h.check(h.base.NewTimer(func(*event.Event, event.What) { fn() }).AddTimeout(5 * time.Millisecond))
}

// An added is a server or a pool.
type added interface {
	AddHook(t evrpc.HookType, fn evrpc.HookFunc) (*evrpc.Hook, error)
}

// hooks adds the hooks that the peer in C has for the same options, and returns how often
// metadata was found.
func (h *home) hooks(to added, options ...string) (found *int) {
	found = new(int)
	for _, o := range options {
		what, direction, _ := strings.Cut(o, "-")
		at := evrpc.InputHook
		if direction == "output" {
			at = evrpc.OutputHook
		}
		_, err := to.AddHook(at, func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
			switch what {
			case "pause":
				h.soon(func() { h.check(x.Resume(evrpc.HookContinue)) })
				return evrpc.HookPause
			case "stop":
				return evrpc.HookTerminate
			}
			if data, ok := x.FindMeta("key"); ok && string(data) == "value" && x.Conn() != nil {
				*found++
			}
			x.AddMeta("key", []byte("value"))
			return evrpc.HookContinue
		})
		h.check(err)
	}
	return found
}
