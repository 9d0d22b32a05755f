package bridge_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// patience is how long something may take before the test counts as failed. It is
// never waited for by a test that passes.
const patience = 20 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func wantError(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: got error %v, want %v", what, err, target)
	}
}

// onEveryMethod runs a test with a loop of each method of this platform, which runs in
// a goroutine.
func onEveryMethod(t *testing.T, test func(t *testing.T, base *event.Base)) {
	methods := event.SupportedMethods()
	for _, method := range methods {
		t.Run(method, func(t *testing.T) {
			evtest.Leaks(t)
			others := slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == method })
			base, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: others, Flags: event.IgnoreEnv})
			if err != nil {
				t.Skip(err) // /dev/poll and others that a kernel may not have
			}
			ended := make(chan error, 1)
			go func() {
				_, err := base.Loop(event.LoopNoExitOnEmpty)
				ended <- err
			}()
			t.Cleanup(func() {
				ok(t, base.LoopExit(0))
				ok(t, await(t, ended))
				base.Free()
			})
			test(t, base)
		})
	}
}

// await returns what comes out of a channel.
func await[T any](t testing.TB, result <-chan T) T {
	t.Helper()
	select {
	case v := <-result:
		return v
	case <-time.After(patience):
		t.Fatal("it does not end")
		panic("unreachable")
	}
}

// background runs fn in a goroutine, and returns its result.
func background(fn func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- fn() }()
	return result
}

func buffer(t testing.TB, s string) *evbuffer.Buffer {
	t.Helper()
	b := evbuffer.New()
	ok(t, b.AddString(s))
	return b
}

// text empties a buffer.
func text(t testing.TB, b *evbuffer.Buffer) string {
	t.Helper()
	p := make([]byte, b.Len())
	_, err := b.Remove(p)
	ok(t, err)
	return string(p)
}

// read reads once, up to 100 bytes.
func read(t testing.TB, r *bridge.Reader) string {
	t.Helper()
	p := make([]byte, 100)
	n, err := r.Read(p)
	ok(t, err)
	return string(p[:n])
}

// readError is the error of a Read.
func readError(r *bridge.Reader) error {
	_, err := r.Read(make([]byte, 1))
	return err
}

// writeError is the error of a Write.
func writeError(w *bridge.Writer) error {
	_, err := w.Write([]byte("x"))
	return err
}
