//go:build unix

package interop

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
)

// long is the length of the long file.
const long = 3 << 20

// noise returns n bytes that are always the same.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(p)
	return p
}

// An ourServer is a server of ours, whose loop has a goroutine:
//
//	/hello          says hello
//	/echo           sends the body back
//	/stream         sends the body back as it comes, in chunks
//	/chunks/N       sends N lines as chunks, and a trailer
//	/refuse         wants no body
//	/later          says later, on another turn of the loop
//	/status/CODE    has this status
//	/files/         has files: long.bin and page.txt
//
// CONNECT leads anywhere.
type ourServer struct {
	t      testing.TB
	base   *event.Base
	server *evhttp.Server
	addr   netip.AddrPort
	folder string

	mu      sync.Mutex
	seen    []seen
	conns   map[*evhttp.Conn]bool
	tunnels int
}

// seen is what our server has seen of a request.
type seen struct {
	method, uri, host string
	minor             int
	header            map[string]string
}

// serve starts a server.
func serve(t testing.TB) *ourServer {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s := &ourServer{t: t, base: base, server: evhttp.NewServer(base), folder: t.TempDir(), conns: make(map[*evhttp.Conn]bool)}
	bound, err := s.server.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	s.addr = bound.AddrPort()
	files, err := evfile.NewServer(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	files.Prefix, files.Listing = "/files/", true
	s.file("page.txt", []byte("a page\n"))
	s.file("long.bin", noise(long))
	s.routes(files)
	left := make(chan error, 1)
	go func() { left <- base.Dispatch() }()
	t.Cleanup(func() {
		s.do(func() {
			s.server.Free()
			base.LoopBreak()
		})
		if err := <-left; err != nil {
			t.Error(err)
		}
		files.Close()
		base.Free()
	})
	return s
}

// do calls a function on the loop, and waits for it.
func (s *ourServer) do(fn func()) {
	s.t.Helper()
	done := make(chan struct{})
	if err := s.base.Post(func() { fn(); close(done) }); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(interopPatience):
		s.t.Fatal("the loop is stuck")
	}
}

// file makes a file that is old enough to have a strong entity tag.
func (s *ourServer) file(name string, data []byte) {
	s.t.Helper()
	name = filepath.Join(s.folder, name)
	if err := os.WriteFile(name, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, old, old); err != nil {
		s.t.Fatal(err)
	}
}

func (s *ourServer) routes(files *evfile.Server) {
	v := s.server
	v.SetAllowedMethods(evhttp.DefaultMethods | evhttp.MethodOptions | evhttp.MethodConnect | evhttp.MethodPatch)
	v.SetNewRequestCallback(func(r *evhttp.Request) bool {
		s.note(r)
		return true
	})
	for _, err := range []error{
		v.Handle("/hello", func(r *evhttp.Request) { s.reply(r, 200, "Hello, world\n") }),
		v.Handle("/echo", s.echo),
		v.HandleStream("/stream", s.stream),
		v.HandleStream("/refuse", func(r *evhttp.Request) { r.SendError(403, "") }),
		v.Handle("/later", func(r *evhttp.Request) { s.base.Post(func() { s.reply(r, 200, "later\n") }) }),
		v.HandlePattern("/chunks/{n}", s.chunks),
		v.HandlePattern("/status/{code}", func(r *evhttp.Request) {
			code, _ := strconv.Atoi(r.PathValue("code"))
			s.reply(r, code, "")
		}),
		v.HandlePattern("/files/{path...}", files.Serve),
	} {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	v.SetGenericCallback(func(r *evhttp.Request) {
		if r.Command() == evhttp.MethodConnect {
			s.connect(r)
			return
		}
		r.SendError(404, "")
	})
}

// maxSeen is how many requests are noted.
const maxSeen = 10_000

// note notes a request.
func (s *ourServer) note(r *evhttp.Request) {
	one := seen{method: r.Method(), uri: r.URI(), host: r.Host(), minor: r.Minor(), header: make(map[string]string)}
	for name, value := range r.InputHeaders().All() {
		one.header[name] = value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) < maxSeen {
		s.seen = append(s.seen, one)
		s.conns[r.Conn()] = true
	}
}

// requests returns what was seen so far.
func (s *ourServer) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// last returns what was seen last.
func (s *ourServer) last() seen {
	s.t.Helper()
	all := s.requests()
	if len(all) == 0 {
		s.t.Fatal("no request has come")
	}
	return all[len(all)-1]
}

// connections returns how many connections requests have come by.
func (s *ourServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *ourServer) reply(r *evhttp.Request, code int, text string) {
	r.OutputHeaders().Set("Content-Type", "text/plain")
	// A client that stops in the middle, as wrk does, is nobody's fault.
	if err := r.SendReplyBytes(code, "", []byte(text)); err != nil && !errors.Is(err, evhttp.ErrDone) {
		s.t.Error(err)
	}
}

func (s *ourServer) echo(r *evhttp.Request) {
	r.OutputHeaders().Set("Content-Type", "application/octet-stream")
	if err := r.SendReply(200, "", r.Input()); err != nil {
		s.t.Error(err)
	}
}

// stream sends a body back while it comes. The chunk callback comes once more when
// it is complete.
func (s *ourServer) stream(r *evhttp.Request) {
	total, begun := 0, false
	r.SetChunkCallback(func(r *evhttp.Request) {
		if !begun {
			begun = true
			if err := r.SendReplyStart(200, ""); err != nil {
				s.t.Error(err)
			}
		}
		total += r.Input().Len()
		if err := r.SendReplyChunk(r.Input()); err != nil {
			s.t.Error(err)
		}
		if !r.Complete() {
			return
		}
		r.OutputTrailers().Set("X-Length", strconv.Itoa(total))
		if err := r.SendReplyEnd(); err != nil {
			s.t.Error(err)
		}
	})
}

// chunks sends lines one after the other, each when the one before has left.
func (s *ourServer) chunks(r *evhttp.Request) {
	n, _ := strconv.Atoi(r.PathValue("n"))
	i := 0
	var next func()
	next = func() {
		if i == n {
			r.OutputTrailers().Set("X-Lines", strconv.Itoa(n))
			r.SendReplyEnd()
			return
		}
		var b evbuffer.Buffer
		fmt.Fprintf(&b, "line %d\n", i)
		i++
		r.SendReplyChunkFunc(&b, next)
	}
	r.OutputHeaders().Set("Content-Type", "text/plain")
	r.OutputHeaders().Set("Trailer", "X-Lines")
	if err := r.SendReplyStart(200, ""); err != nil {
		s.t.Error(err)
		return
	}
	next()
}

// connect makes a tunnel to where a client wants.
func (s *ourServer) connect(r *evhttp.Request) {
	to, err := net.ResolveTCPAddr("tcp", r.URI())
	if err != nil {
		r.SendError(502, "")
		return
	}
	far, err := bufferevent.NewSocket(s.base, -1, bufferevent.CloseOnFree)
	if err != nil {
		s.t.Error(err)
		r.SendError(500, "")
		return
	}
	far.SetCallbacks(nil, nil, func(far *bufferevent.Bufferevent, what bufferevent.Events) {
		if what&bufferevent.EventConnected == 0 {
			far.Free()
			r.SendError(502, "")
			return
		}
		if err := r.SendReplyStart(200, "Connection established"); err != nil {
			far.Free()
			return
		}
		near, err := r.Hijack()
		if err != nil {
			s.t.Error(err)
			far.Free()
			return
		}
		s.mu.Lock()
		s.tunnels++
		s.mu.Unlock()
		relay(near, far)
	})
	if err := far.Connect(to.AddrPort()); err != nil {
		far.Free()
		r.SendError(502, "")
	}
}

// relay passes on what comes on either side until one of them ends.
func relay(a, b *bufferevent.Bufferevent) {
	for _, way := range []struct{ from, to *bufferevent.Bufferevent }{{a, b}, {b, a}} {
		way.from.SetCallbacks(func(from *bufferevent.Bufferevent) {
			way.to.WriteBuffer(from.Input())
		}, nil, func(from *bufferevent.Bufferevent, what bufferevent.Events) {
			from.Free()
			to := way.to
			to.SetCallbacks(nil, func(to *bufferevent.Bufferevent) { to.Free() }, func(to *bufferevent.Bufferevent, _ bufferevent.Events) { to.Free() })
			if to.Output().Len() == 0 {
				to.Free()
			}
		})
		way.from.Enable(event.Read | event.Write)
		way.from.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
	}
}
