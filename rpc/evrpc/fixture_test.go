package evrpc_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

func TestMain(m *testing.M) { os.Exit(evtest.Run(m)) }

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// A fixture is a server and a pool on one base, whose loop the test runs itself.
type fixture struct {
	t      testing.TB
	base   *event.Base
	web    *evhttp.Server
	server *evrpc.Server
	pool   *evrpc.Pool
	addr   string
}

// newFixture makes a server, and a pool with some connections to it.
func newFixture(t testing.TB, conns int) *fixture {
	t.Helper()
	return newFixtureOn(t, evtest.Base(t), conns)
}

func newFixtureOn(t testing.TB, base *event.Base, conns int) *fixture {
	t.Helper()
	f := &fixture{t: t, base: base, web: evhttp.NewServer(base)}
	bound, err := f.web.Listen("127.0.0.1:0")
	must(t, err)
	f.addr = bound.AddrPort().String()
	f.server, err = evrpc.NewServer(f.web, nil)
	must(t, err)
	f.pool, err = evrpc.NewPool(base, nil)
	must(t, err)
	if conns > 0 {
		must(t, f.pool.AddConns(f.addr, conns, nil))
	}
	t.Cleanup(func() {
		f.pool.Free()
		f.server.Free()
		f.web.Free()
	})
	return f
}

// echo registers an RPC that answers with its request.
func (f *fixture) echo() {
	f.t.Helper()
	must(f.t, evrpc.Register(f.server, "Echo", func(c *evrpc.Call[Text, Text]) {
		c.Reply().SetText(c.Request().Text())
		must(f.t, c.Done())
	}))
}

// await runs the loop until done.
func (f *fixture) await(what string, done func() bool) {
	f.t.Helper()
	evtest.Await(f.t, f.base, what, done)
}

// A result is how a call has ended.
type result struct {
	reply *Text
	err   error
	over  int // how often the callback was called
}

// start makes a call.
func (f *fixture) start(name, text string) *result {
	f.t.Helper()
	r := new(result)
	_, err := evrpc.MakeRequest(f.pool, name, textOf(text), func(reply *Text, err error) {
		r.reply, r.err = reply, err
		r.over++
	})
	must(f.t, err)
	return r
}

// finish waits for the end of a call.
func (f *fixture) finish(r *result) *result {
	f.t.Helper()
	f.await("the end of a call", func() bool { return r.over > 0 })
	return r
}

// call makes a call and waits for its end.
func (f *fixture) call(name, text string) *result {
	f.t.Helper()
	return f.finish(f.start(name, text))
}

func (r *result) wantText(t testing.TB, want string) {
	t.Helper()
	if r.err != nil || r.reply.Text() != want {
		t.Errorf("reply %+v, %v, want %q", r.reply, r.err, want)
	}
}

func (r *result) wantStatus(t testing.TB, want evrpc.Status, causes ...error) {
	t.Helper()
	wantErr(t, "call", r.err, want)
	for _, cause := range causes {
		wantErr(t, "call", r.err, cause)
	}
	if r.over != 1 {
		t.Errorf("the callback was called %d times", r.over)
	}
}

// talk sends bytes to a server, and returns all that comes back until the end of the
// connection.
func (f *fixture) talk(raw string) string {
	f.t.Helper()
	var got []byte
	done := false
	go func() {
		defer f.base.Post(func() { done = true })
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(evtest.Patience))
		io.WriteString(c, raw)
		got, _ = io.ReadAll(c)
	}()
	f.await("an answer", func() bool { return done })
	return string(got)
}

// A rawServer does with its connections what a script says.
type rawServer struct {
	l    net.Listener
	done sync.WaitGroup
	mu   sync.Mutex
	all  []net.Conn
}

// raw starts a server whose connections are handled by script, each in a goroutine, and makes it that
// of the pool.
func (f *fixture) raw(conns int, script func(c net.Conn, r *bufio.Reader)) *rawServer {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(f.t, err)
	s := &rawServer{l: l}
	s.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.all = append(s.all, c)
			s.mu.Unlock()
			s.done.Go(func() {
				defer c.Close()
				script(c, bufio.NewReader(c))
			})
		}
	})
	f.t.Cleanup(s.close)
	must(f.t, f.pool.AddConns(l.Addr().String(), conns, nil))
	return s
}

func (s *rawServer) close() {
	s.l.Close()
	s.mu.Lock()
	for _, c := range s.all {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// readRequest reads a request with a body, or returns nothing at the end.
func readRequest(r *bufio.Reader) (head, body string) {
	var b strings.Builder
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", ""
		}
		b.WriteString(line)
		fmt.Sscanf(line, "Content-Length: %d", &length)
		if line == "\r\n" {
			break
		}
	}
	data := make([]byte, length)
	io.ReadFull(r, data)
	return b.String(), string(data)
}

// answering returns a script that gives each request the same answer.
func answering(answer string) func(c net.Conn, r *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		for {
			if head, _ := readRequest(r); head == "" {
				return
			}
			io.WriteString(c, answer)
		}
	}
}

// answer returns an answer of HTTP.
func answer(status, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}
