package listener_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
)

// inDebugMode is set in the environment of the process that has debug mode on.
const inDebugMode = "LISTENER_TEST_IN_DEBUG_MODE"

// TestDebugMode runs itself again in another process, because debug mode is
// for all of a process and for good.
func TestDebugMode(t *testing.T) {
	if os.Getenv(inDebugMode) != "" {
		event.EnableDebugMode()
		testConfinement(t)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Skipf("cannot start another process: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestDebugMode$", "-test.v")
	cmd.Env = append(os.Environ(), inDebugMode+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in debug mode: %v\n%s", err, out)
	}
}

// testConfinement uses a listener without a lock in the loop and in another
// goroutine.
func testConfinement(t *testing.T) {
	b := newBase(t)
	l := bind(t, b, listener.Disabled, nil)
	for op, use := range map[string]func(){
		"Enable":           func() { l.Enable() },
		"Disable":          func() { l.Disable() },
		"SetErrorCallback": func() { l.SetErrorCallback(nil) },
		"SetPause":         func() { l.SetPause(shortPause) },
	} {
		var fatal []error
		event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
		ok(t, b.Post(func() {
			defer b.LoopBreak()
			use()
			want(t, op+" in the loop: fatal errors", len(fatal), 0)
			done := make(chan struct{})
			go func() {
				defer close(done)
				use()
			}()
			<-done
			if len(fatal) == 0 || !errors.Is(fatal[0], event.ErrConfinement) {
				t.Errorf("%s in another goroutine: fatal errors %v, want %v", op, fatal, event.ErrConfinement)
			}
		}))
		ok(t, b.Run(t.Context()))
	}
	event.SetFatalCallback(nil)
}
