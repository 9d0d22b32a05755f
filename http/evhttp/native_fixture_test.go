package evhttp_test

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// patience is how long a test waits for what should come at once.
const patience = evtest.Patience

// A script is what a server does with a connection whose request has come up to
// the end of its head.
type script func(c net.Conn, in *bufio.Reader, head string)

// startScript runs a server that knows nothing of HTTP but where a head ends.
func startScript(t testing.TB, serve script) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				if head, ok := readHead(in); ok {
					serve(c, in, head)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// readHead reads a head to its end.
func readHead(in *bufio.Reader) (head string, ok bool) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return b.String(), false
		}
		if b.WriteString(line); line == "\r\n" {
			return b.String(), true
		}
	}
}

// freeable runs a base whose loop the test ends, and frees, before it is over.
func freeable(t *testing.T) (base *event.Base, do func(fn func()), free func()) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := base.Loop(event.LoopNoExitOnEmpty); err != nil {
			t.Error(err)
		}
	}()
	do = func(fn func()) {
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Fatal(err)
		}
		servertest.Await(t, done, "the loop")
	}
	return base, do, func() {
		do(func() { base.LoopBreak() })
		<-ended
		base.Free()
	}
}
