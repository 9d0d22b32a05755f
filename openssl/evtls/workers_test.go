package evtls_test

import (
	"crypto/tls"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// On a single processor the loop has its turn between two handshakes that one
// worker does, however many wait for it. That the scheduler makes an exception
// now and then does not count.
func TestLoopIsNotHeldUpByHandshakes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("where the loop waits in a system call of its own, the system decides how soon it is back")
	}
	const handshakes = 40
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	base := newBase(t)
	var iterations atomic.Int64
	watcher := base.NewPrepare(func(*event.Watcher, event.PrepareInfo) { iterations.Add(1) })
	defer watcher.Free()
	var begun []int64 // the iterations in which handshakes began
	server := &evtls.Config{Workers: evtls.NewWorkers(1), TLS: serverTLS(0)}
	server.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		begun = append(begun, iterations.Load())
		return nil, errors.New("no")
	}
	hello := newCounterpart(t, evtls.Connecting, clientTLS(0), (*tls.Conn).Handshake).take()
	var ends []*end
	for range handshakes {
		a, b := newPair(t, base, 0)
		ends = append(ends, newEnd(t, b, evtls.Accepting, server, 0))
		write(t, a, string(hello))
	}
	evtest.Await(t, base, "failures", func() bool {
		return !slices.ContainsFunc(ends, func(e *end) bool { return !e.failed() })
	})
	want(t, "handshakes", len(begun), handshakes)
	if n := len(slices.Compact(begun)); n < handshakes/2 {
		t.Errorf("%d handshakes began in %d iterations", handshakes, n)
	}
}
