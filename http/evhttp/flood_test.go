package evhttp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// peakHeap runs fn, and returns by how much the heap has grown meanwhile, at
// most, as far as can be seen.
func peakHeap(fn func()) (grown int64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := int64(m.HeapAlloc)
	done, watched := make(chan struct{}), make(chan struct{})
	look := func() {
		runtime.ReadMemStats(&m)
		grown = max(grown, int64(m.HeapAlloc)-before)
	}
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			default:
				look()
				runtime.Gosched()
			}
		}
	}()
	fn()
	close(done)
	<-watched
	look()
	return grown
}

// TestFloods has many clients send without end at the same time. Each is refused,
// all of them together need no more memory than their limits say, and another
// one is served meanwhile.
func TestFloods(t *testing.T) {
	const (
		attackers = 40
		chunked   = "POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	)
	block := strings.Repeat("x", 16<<10)
	for _, test := range []struct {
		name, first, again string
		want               int
		each               int64 // bytes that a connection may need
	}{
		{"request lines", "GET /", block, 414, 16 << 10},
		{"headers", "GET / HTTP/1.1\r\nHost: a\r\n", strings.Repeat("X-Y: 0123456789012345678901234567890123456789\r\n", 400), 431, 64 << 10},
		{"fields", "GET / HTTP/1.1\r\nHost: a\r\n", strings.Repeat("a:b\r\n", 3000), 431, 64 << 10},
		{"values", "GET / HTTP/1.1\r\nHost: ", block, 431, 64 << 10},
		{"names", "GET / HTTP/1.1\r\n", block, 431, 64 << 10},
		{"chunk sizes", chunked, strings.Repeat("0", 16<<10), 400, 16 << 10},
		{"chunk extensions", chunked + "1;", block, 413, 16 << 10},
		{"chunk extensions of many chunks", chunked, strings.Repeat("1;a=b\r\nx\r\n", 1600), 413, 16 << 10},
		{"trailers", chunked + "0\r\n", strings.Repeat("X: y\r\n", 2700), 431, 16 << 10},
		{"bodies", "POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("400\r\n"+strings.Repeat("x", 1<<10)+"\r\n", 16), 413, 1 << 20},
		{"bytes that are no HTTP", "", "\x00\xff\x80", 400, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() {
				s.SetMaxBodySize(1 << 20)
				s.HandleStream("/take", func(r *Request) {
					r.SetChunkCallback(func(r *Request) { r.Input().Drain(r.Input().Len()) })
				})
			})
			other := dial(t, addr)
			isServed(t, other)
			grown := peakHeap(func() {
				var wait sync.WaitGroup
				for range attackers {
					c := dial(t, addr)
					wait.Go(func() {
						sent := make(chan struct{})
						go func() { defer close(sent); send(c, test.first, test.again, 0) }()
						if got := readAll(t, c); !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", test.want)) {
							t.Errorf("got %.100q", got)
						}
						c.Close()
						<-sent
					})
				}
				isServed(t, other)
				wait.Wait()
			})
			// What is read at once, the writers and readers of the test, and
			// what the garbage collector has yet to find, come on top.
			if most := attackers*(test.each*4+256<<10) + 16<<20; grown > most {
				t.Errorf("it took %d kB, more than %d kB", grown>>10, most>>10)
			}
			isServed(t, other)
			waitForConnections(t, s, on, 1)
		})
	}
}

// waitForConnections waits until only so many connections are left.
func waitForConnections(t *testing.T, s *Server, on func(func()), n int) {
	t.Helper()
	for left := n + 1; left > n; {
		on(func() { left = s.ConnectionCount() })
		runtime.Gosched()
	}
}

// TestManyTinyChunks come to a body that is taken as it comes, and one that is
// kept.
func TestManyTinyChunks(t *testing.T) {
	const chunks = 100_000
	s, addr, on := serve(t)
	on(func() {
		s.HandleStream("/take", func(r *Request) {
			n := 0
			r.SetChunkCallback(func(r *Request) {
				n += r.Input().Len()
				r.Input().Drain(r.Input().Len())
				if r.Complete() {
					r.SendReply(200, "", bufferOf(fmt.Sprint(n)))
				}
			})
		})
		s.Handle("/keep", func(r *Request) { r.SendReply(200, "", bufferOf(fmt.Sprint(r.Input().Len()))) })
	})
	body := strings.Repeat("1\r\nx\r\n", chunks) + "0\r\n\r\n"
	for _, path := range []string{"/take", "/keep"} {
		grown := peakHeap(func() {
			raw := "POST " + path + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
			if got := talk(t, addr, raw); !strings.HasSuffix(got, fmt.Sprintf("\r\n\r\n%d", chunks)) {
				t.Errorf("%s: got %q", path, got)
			}
		})
		if grown > 16<<20 {
			t.Errorf("%s: it took %d kB", path, grown>>10)
		}
	}
}

// TestBodiesThatNobodyTakes are not read on.
func TestBodiesThatNobodyTakes(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.SetTimeouts(Timeouts{})
		s.HandleStream("/it", func(r *Request) { r.SetChunkCallback(func(*Request) {}) })
	})
	const clients = 20
	var conns []net.Conn
	part := make([]byte, 64<<10)
	grown := peakHeap(func() {
		for range clients {
			c := dial(t, addr)
			io.WriteString(c, "POST /it HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
			conns = append(conns, c)
		}
		var wait sync.WaitGroup
		for _, c := range conns {
			wait.Go(func() {
				for {
					if _, err := c.Write(part); err != nil {
						return // the server has ended it
					}
				}
			})
		}
		for resting := 0; resting < clients; { // until no more is read of any
			resting = 0
			on(func() {
				for _, c := range h1Conns(s) {
					if c.x != nil && c.x.paused {
						resting++
					}
				}
			})
			runtime.Gosched()
		}
		isServed(t, dial(t, addr))
		on(func() {
			for len(s.conns) > 0 {
				s.conns[0].Free()
			}
		})
		wait.Wait()
	})
	if grown > clients*(2*maxUntaken+256<<10)+16<<20 {
		t.Errorf("it took %d kB", grown>>10)
	}
}

// TestEndlessReplies makes more and more of a reply whose client reads nothing.
func TestEndlessReplies(t *testing.T) {
	s, addr, on := serve(t)
	part := bytes.Repeat([]byte("x"), 64<<10)
	made, ended := 0, make(chan error, 1)
	on(func() {
		limits := s.Timeouts()
		limits.Write = soon
		s.SetTimeouts(limits)
		s.Handle("/it", func(r *Request) {
			r.SetErrorCallback(func(_ *Request, err error) { ended <- err })
			r.SendReplyStart(200, "")
			var more func()
			more = func() {
				if made += len(part); made > 1<<30 {
					r.SendReplyEnd()
					return
				}
				r.Output().AddReference(part, nil)
				if err := r.SendReplyChunkFunc(r.Output(), more); err != nil {
					t.Error(err)
				}
			}
			more()
		})
	})
	c := dial(t, addr)
	grown := peakHeap(func() {
		io.WriteString(c, get("/it"))
		isServed(t, dial(t, addr))
		if err := await(t, ended); err == nil {
			t.Error("no error")
		}
	})
	if grown > 16<<20 {
		t.Errorf("it took %d kB", grown>>10)
	}
	on(func() {
		if made > 512<<20 {
			t.Errorf("%d bytes were made", made)
		}
	})
	waitForConnections(t, s, on, 1)
}

// TestConnectionsThatBreak end in all ways at all places. Who works at a request
// is told once, nothing is taken for whole that is not, and nothing is left.
func TestConnectionsThatBreak(t *testing.T) {
	ways := map[string]func(c net.Conn){
		"reset":      reset,
		"close":      func(c net.Conn) { c.Close() },
		"half-close": closeWrite,
	}
	const raw = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
		"POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n3;x\r\nabc\r\n1\r\nd\r\n0\r\nt: v\r\n\r\n" +
		"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
	for way, end := range ways {
		t.Run(way, func(t *testing.T) {
			s, addr, on := serve(t)
			open := 0
			on(func() {
				s.HandleStream("/take", func(r *Request) {
					open++
					r.SetErrorCallback(func(r *Request, err error) {
						if open--; err == nil {
							t.Error("no error")
						}
					})
					n := 0
					r.SetChunkCallback(func(r *Request) {
						n += r.Input().Len()
						r.Input().Drain(r.Input().Len())
						if !r.Complete() {
							return
						}
						if open--; n != 4 || r.InputTrailers().Get("t") != "v" {
							t.Errorf("%d bytes are not the whole", n)
						}
						r.SendReply(200, "", nil)
					})
				})
				s.Handle("/large", func(r *Request) { r.SendReplyBytes(200, "", make([]byte, 4<<20)) })
			})
			var kept []net.Conn
			for n := range len(raw) + 1 {
				c := dial(t, addr)
				io.WriteString(c, raw[:n])
				end(c)
				kept = append(kept, c)
			}
			for _, c := range kept {
				if way == "half-close" {
					readAll(t, c)
				}
				c.Close()
			}
			isServed(t, dial(t, addr))
			waitForConnections(t, s, on, 1)
			on(func() {
				if open != 0 {
					t.Errorf("%d requests were left without a word", open)
				}
			})
		})
	}
}

// await returns what comes out of a channel.
func await[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing comes of it")
	}
	return v
}

// reset ends a connection with a reset.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}
