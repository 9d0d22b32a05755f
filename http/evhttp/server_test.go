package evhttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func serve(t testing.TB) (*Server, string, func(func())) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(base)
	b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	on := func(fn func()) {
		c := make(chan struct{})
		base.Post(func() { fn(); close(c) })
		<-c
	}
	s.Handle("/hello", func(r *Request) {
		r.OutputHeaders().Add("Content-Type", "text/plain")
		r.Output().AddString("Hello, world")
		r.SendReply(200, "", nil)
	})
	s.Handle("/echo", func(r *Request) { r.SendReply(200, "", r.Input()) })
	addr := b.AddrPort().String()
	go func() { base.Dispatch(); close(done) }()
	t.Cleanup(func() { on(s.Free); <-done; base.Free() })
	return s, addr, on
}

func TestServe(t *testing.T) {
	_, addr, _ := serve(t)
	for range 3 {
		resp, err := http.Get("http://" + addr + "/hello")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		t.Log(resp.Status, resp.Header, string(body), err)
	}
	resp, err := http.Post("http://"+addr+"/echo", "text/plain", io.MultiReader(strings.NewReader(strings.Repeat("x", 100000)), strings.NewReader("y")))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if len(body) != 100001 || err != nil {
		t.Error(len(body), err)
	}
	resp, err = http.Get("http://" + addr + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	body, _ = io.ReadAll(resp.Body)
	t.Log(resp.Status, resp.Header, string(body))
}

func BenchmarkHello(b *testing.B) {
	_, addr, _ := serve(b)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	req := []byte("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(c)
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		c.Write(req)
		n, err := r.Read(buf)
		if n < 100 || err != nil {
			b.Fatal(n, err)
		}
	}
}
