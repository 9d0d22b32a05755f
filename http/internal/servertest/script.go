package servertest

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
)

// A Script is what a server does with a connection whose request has come up to
// the end of its head.
type Script func(c net.Conn, in *bufio.Reader, head string)

// StartScript runs a server that knows nothing of HTTP but where a head ends.
func StartScript(t testing.TB, serve Script) (addr string) {
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
				defer func() { _ = c.Close() }() // the same
				in := bufio.NewReader(c)
				if head, ok := ReadHead(in); ok {
					serve(c, in, head)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // nothing is to be done about it
		mu.Lock()
		for _, c := range conns {
			_ = c.Close() // the script may have closed it
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// ReadHead reads a head to its end.
func ReadHead(in *bufio.Reader) (head string, ok bool) {
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
