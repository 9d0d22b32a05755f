package examples

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// dial connects to addr for the rest of the test.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func TestHelloWorldGreetsEveryClient(t *testing.T) {
	p := start(t, "hello-world", "-addr", "127.0.0.1:0")
	addr := p.lineAfter("listening on ")
	for range 3 {
		got, err := io.ReadAll(dial(t, addr))
		if err != nil || string(got) != "Hello, World!\n" {
			t.Errorf("received %q, %v", got, err)
		}
	}
}

func TestHelloWorldEndsOnInterrupt(t *testing.T) {
	p := start(t, "hello-world", "-addr", "127.0.0.1:0")
	p.lineAfter("listening on ")
	p.signal(os.Interrupt)
	p.expect("interrupted")
	p.ends(0)
}
