package evfile_test

import (
	"bytes"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// serve runs a server on a loop of its own, at a free port. on runs a function
// there, and waits for it. At the end no connection may be left.
func serve(t testing.TB) (s *evhttp.Server, addr string, on func(func())) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s = evhttp.NewServer(base)
	b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	on = func(fn func()) {
		t.Helper()
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("the loop hangs")
		}
	}
	base.AddVirtual() // the loop goes on when nothing is left
	ended := make(chan error, 1)
	go func() { ended <- base.Dispatch() }()
	t.Cleanup(func() {
		on(func() {
			s.Free()
			if err := base.LoopExit(0); err != nil {
				t.Error(err)
			}
		})
		if err := <-ended; err != nil {
			t.Error(err)
		}
		base.Free()
		if n := s.ConnectionCount(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	return s, b.AddrPort().String(), on
}

// tempFolder makes a folder that is removed after the test. Wine's files cannot be
// removed in the way that t.TempDir does it, which is no error here.
func tempFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evfile")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// logged keeps what is logged from the output of the test, and returns it.
func logged(t *testing.T) *syncBuffer {
	b := new(syncBuffer)
	event.SetLogCallback(func(_ event.LogSeverity, msg string) { b.Write([]byte(msg + "\n")) })
	t.Cleanup(func() { event.SetLogCallback(nil) })
	return b
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
