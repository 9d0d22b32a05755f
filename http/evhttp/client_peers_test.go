package evhttp

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// startLibevent starts a server of C libevent.
func startLibevent(t *testing.T) netip.AddrPort {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	program := filepath.Join(tempDir(t), "server")
	out, err := exec.Command(cc, "-O1", "-o", program, "testdata/peer_server.c", "-levent").CombinedOutput()
	if err != nil {
		without(t, fmt.Sprintf("needs a C compiler and libevent: %v\n%s", err, out))
	}
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error("server: ", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	port, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

func TestPeersLibeventServer(t *testing.T) {
	addr := startLibevent(t)
	base := newTestBase(t)
	c := connTo(t, base, addr)
	parts := new(strings.Builder)
	for i := range 100 {
		fmt.Fprintf(parts, "part %d\n", i)
	}
	long := strings.Repeat("long ", 100_000)
	for _, tt := range []struct {
		name   string
		method Method
		uri    string
		body   string
		expect bool
		want   string
	}{
		{"get", MethodGet, "/a?b=c", "", false, "200 Echo 1 /a?b=c kind "},
		{"head", MethodHead, "/a", "", false, "200 Echo "},
		{"post", MethodPost, "/", "body", false, "200 Echo 2 / kind body"},
		{"put", MethodPut, "/", long, false, "200 Echo 8 / kind " + long},
		{"delete", MethodDelete, "/x", "", false, "200 Echo 16 /x kind "},
		{"options", MethodOptions, "/", "", false, "200 Echo 32 / kind "},
		{"patch", MethodPatch, "/", "patch", false, "200 Echo 256 / kind patch"},
		{"not found", MethodGet, "/404", "", false, "404 Echo 1 /404 kind "},
		{"expect", MethodPost, "/", "expected", true, "200 Echo 2 / kind expected"},
		{"chunks", MethodGet, "/parts", "", false, "200 Parts " + parts.String()},
		{"long", MethodGet, "/long", "", false, "200 OK " + strings.Repeat("x", 3_000_000)},
		{"close", MethodGet, "/close", "", false, "200 Echo 1 /close kind "},
		{"after that", MethodGet, "/", "", false, "200 Echo 1 / kind "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := expectOutcome()
			o.r.OutputHeaders().Add("X-Kind", "kind")
			if tt.expect {
				o.r.OutputHeaders().Add("Expect", "100-continue")
			}
			o.r.Output().AddString(tt.body)
			must(t, c.MakeRequest(o.r, tt.method, tt.uri))
			o.await(t, base)
			if o.text != tt.want {
				t.Errorf("%d bytes %.100q (%v), want %d bytes %.100q", len(o.text), o.text, o.r.Err(), len(tt.want), tt.want)
			}
		})
	}
	t.Run("streamed", func(t *testing.T) {
		o := expectOutcome()
		left := 50
		var more func()
		more = func() {
			if left--; left < 0 {
				must(t, o.r.SendReplyEnd())
				return
			}
			var part evbuffer.Buffer
			part.AddString("part ")
			must(t, o.r.SendReplyChunkFunc(&part, more))
		}
		must(t, c.StartRequest(o.r, MethodPost, "/", func(*Request) { more() }))
		o.await(t, base)
		o.want(t, "200 Echo 2 / - "+strings.Repeat("part ", 50))
	})
}

// startNginx starts nginx with the configuration in testdata.
func startNginx(t *testing.T) (addr netip.AddrPort, page []byte) {
	t.Helper()
	path := peer(t, "nginx")
	dir := tempDir(t)
	page = bytes.Repeat([]byte("a page of nginx\n"), 50_000)
	must(t, os.Mkdir(filepath.Join(dir, "root"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "root", "page.txt"), page, 0o644))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr = l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	conf, err := os.ReadFile("testdata/nginx.conf")
	must(t, err)
	text := strings.NewReplacer("WHERE", dir, "PORT", fmt.Sprint(addr.Port())).Replace(string(conf))
	file := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(file, []byte(text), 0o644))
	var stderr bytes.Buffer
	cmd := exec.Command(path, "-e", "stderr", "-p", dir, "-c", file)
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
	})
	for {
		conn, err := net.Dial("tcp", addr.String())
		if err == nil {
			conn.Close()
			return addr, page
		}
		select {
		case err := <-ended:
			ended <- err
			without(t, fmt.Sprintf("needs an nginx that starts: %v\n%s", err, &stderr))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestPeersNginx(t *testing.T) {
	addr, page := startNginx(t)
	base := newTestBase(t)
	c := connTo(t, base, addr)
	full := "200 OK " + string(page)
	for _, tt := range []struct {
		name, uri, header, value string
		method                   Method
		want                     string
		check                    func(h *Header) bool
	}{
		{"page", "/page.txt", "", "", MethodGet, full, func(h *Header) bool { return h.Get("Server") != "" }},
		{"head", "/page.txt", "", "", MethodHead, "200 OK ", func(h *Header) bool { return h.Get("Content-Length") == fmt.Sprint(len(page)) }},
		{"range", "/page.txt", "Range", "bytes=2-5", MethodGet, "206 Partial Content page", nil},
		{"not modified", "/page.txt", "If-Modified-Since", time.Now().Add(time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), MethodGet, "304 Not Modified ", nil},
		{"last on its connection", "/last", "", "", MethodGet, full, func(h *Header) bool { return h.HasToken("Connection", "close") }},
		{"chunks", "/gzip", "Accept-Encoding", "gzip", MethodGet, "", func(h *Header) bool { return h.HasToken("Transfer-Encoding", "chunked") }},
		{"by way of itself", "/back/page.txt", "", "", MethodGet, full, nil},
		{"again", "/page.txt", "", "", MethodGet, full, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := expectOutcome()
			if tt.header != "" {
				o.r.OutputHeaders().Add(tt.header, tt.value)
			}
			must(t, c.MakeRequest(o.r, tt.method, tt.uri))
			o.await(t, base)
			if tt.want != "" && o.text != tt.want {
				t.Errorf("%d bytes %.100q (%v), want %d bytes %.100q", len(o.text), o.text, o.r.Err(), len(tt.want), tt.want)
			}
			if tt.check != nil && !tt.check(o.r.InputHeaders()) {
				for name, value := range o.r.InputHeaders().All() {
					t.Errorf("%s: %s", name, value)
				}
			}
		})
	}
	t.Run("redirect", func(t *testing.T) {
		o := askOn(t, c, "/redirect")
		if o.r.ResponseCode() != 301 || !strings.HasSuffix(o.r.InputHeaders().Get("Location"), "/elsewhere") {
			t.Errorf("%.100q, %s", o.text, o.r.InputHeaders().Get("Location"))
		}
	})
	// nginx refuses as soon as it knows how long the body is.
	t.Run("too much", func(t *testing.T) {
		o := expectOutcome()
		must(t, c.SetFlags(ConReadOnWriteError))
		o.r.Output().Add(make([]byte, 8<<20))
		must(t, c.MakeRequest(o.r, MethodPost, "/page.txt"))
		o.await(t, base)
		if o.r.ResponseCode() != 413 && o.text != "connection ended" { // a reset may have been faster
			t.Errorf("%.100q (%v)", o.text, o.r.Err())
		}
		askOn(t, c, "/page.txt").want(t, full)
	})
	t.Run("by net/http", func(t *testing.T) {
		_, _, rt := newTripper(t, nil)
		for range 3 {
			req := httpRequest(t, "http://"+addr.String()+"/page.txt")
			resp, err := rt.RoundTrip(req)
			must(t, err)
			data, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if !bytes.Equal(data, page) || err != nil {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		}
	})
}
