package examples

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// startEcho starts echo-server and returns it with its address.
func startEcho(t *testing.T, args ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "echo-server", append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, p.lineAfter("listening on ")
}

// methods are the event methods that work on this machine.
func methods(t *testing.T) []string {
	return slices.DeleteFunc(event.SupportedMethods(), func(name string) bool {
		others := slices.DeleteFunc(event.SupportedMethods(), func(other string) bool { return other == name })
		base, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: others})
		if errors.Is(err, event.ErrNoMethod) {
			t.Logf("%s does not work here: %v", name, err)
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		base.Free()
		return false
	})
}

// randomData returns size bytes, always the same for the same seed.
func randomData(seed byte, size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

// exchange sends data and the end of the stream, and checks that the same comes
// back.
func exchange(conn stream, data []byte) error {
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(data)
		sent <- errors.Join(err, conn.CloseWrite())
	}()
	return errors.Join(receive(conn, data), <-sent)
}

// receive checks that data comes, and then the end of the stream.
func receive(conn io.Reader, data []byte) error {
	got, err := io.ReadAll(conn)
	if err != nil {
		return fmt.Errorf("%d of %d bytes came back: %w", len(got), len(data), err)
	}
	if !bytes.Equal(got, data) {
		return fmt.Errorf("%d bytes came back for %d, and they differ", len(got), len(data))
	}
	return nil
}

// A lazyClient sends more than all buffers on the way take, and does not read.
type lazyClient struct {
	conn *net.TCPConn
	over stream // conn, or TLS over it
	data []byte
	sent atomic.Int64
	done chan error
}

func startLazyClient(t *testing.T, addr string) *lazyClient {
	t.Helper()
	conn := dial(t, addr)
	return startLazy(t, conn, conn)
}

// startLazy starts a lazyClient that has a connection, perhaps with TLS over it.
func startLazy(t *testing.T, conn *net.TCPConn, over stream) *lazyClient {
	t.Helper()
	c := &lazyClient{conn: conn, over: over, data: randomData(0, 32<<20), done: make(chan error, 1)}
	if err := errors.Join(c.conn.SetReadBuffer(128<<10), c.conn.SetWriteBuffer(128<<10)); err != nil {
		t.Fatal(err)
	}
	go func() { c.done <- errors.Join(c.send(), c.over.CloseWrite()) }()
	return c
}

// A slowReader reads so little at a time that who sends has to wait for it, up
// to the end.
type slowReader struct{ io.Reader }

func (r slowReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 1<<10)]) }

func (c *lazyClient) send() error {
	for part := range slices.Chunk(c.data, 64<<10) {
		n, err := c.over.Write(part)
		c.sent.Add(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitStall waits until the client cannot send any more. That takes as long
// as it takes the server to serve another client many times.
func (c *lazyClient) awaitStall(t *testing.T, other stream) {
	t.Helper()
	message, reply := randomData(1, 64<<10), make([]byte, 64<<10)
	for quiet, before := 0, int64(0); quiet < 100; quiet++ {
		if _, err := other.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(other, reply); err != nil || !bytes.Equal(reply, message) {
			t.Fatalf("another client got something else back, or %v", err)
		}
		if now := c.sent.Load(); now == 0 || now != before {
			quiet, before = 0, now
		}
	}
	if n := c.sent.Load(); n == int64(len(c.data)) {
		t.Errorf("all %d bytes were taken, though none is read", n)
	}
}

// echoModes are the command lines to test.
func echoModes(t *testing.T) map[string][]string {
	modes := map[string][]string{"default": nil, "two loops": {"-loops", "2"}}
	for _, name := range methods(t) {
		modes[name] = []string{"-backend", name}
	}
	return modes
}

func TestEchoServerServesManyClients(t *testing.T) {
	for name, args := range echoModes(t) {
		t.Run(name, func(t *testing.T) {
			p, addr := startEcho(t, args...)
			sizes := rand.New(rand.NewPCG(1, 2))
			var clients sync.WaitGroup
			for i := range byte(50) {
				conn, data := dial(t, addr), randomData(i, 1+sizes.IntN(1<<20))
				clients.Go(func() {
					if err := exchange(conn, data); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				})
			}
			clients.Wait()
			dial(t, addr) // a connection that is open does not keep it from ending
			if canSignal {
				p.signal(syscall.SIGTERM)
				p.ends(0)
			}
		})
	}
}

func TestEchoServerWaitsForClientsThatDoNotRead(t *testing.T) {
	for name, args := range echoModes(t) {
		t.Run(name, func(t *testing.T) {
			_, addr := startEcho(t, args...)
			lazy := startLazyClient(t, addr)
			lazy.awaitStall(t, dial(t, addr))
			if err := errors.Join(receive(slowReader{lazy.conn}, lazy.data), <-lazy.done); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEchoServerOutlivesClientsThatVanish(t *testing.T) {
	for name, args := range echoModes(t) {
		t.Run(name, func(t *testing.T) {
			_, addr := startEcho(t, args...)
			other := dial(t, addr)
			lazy := startLazyClient(t, addr)
			lazy.awaitStall(t, other)
			lazy.conn.SetLinger(0) // Close resets the connection
			lazy.conn.Close()
			<-lazy.done
			if err := exchange(other, randomData(2, 1<<20)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEchoServerEndsOnInterrupt(t *testing.T) {
	p, _ := startEcho(t)
	p.signal(os.Interrupt)
	p.ends(0)
}

func TestEchoServerListsMethodsIfOneIsMissing(t *testing.T) {
	p := start(t, "echo-server", "-backend", "telepathy")
	p.ends(2)
	want := "the methods are " + strings.Join(event.SupportedMethods(), ", ") + "\n"
	if got := p.stderr.String(); !strings.Contains(got, `"telepathy"`) || !strings.HasSuffix(got, want) {
		t.Errorf("stderr %q, want it to end with %q", got, want)
	}
}
