//go:build unix

package interop

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A curler runs curl with our server.
type curler struct {
	t      testing.TB
	path   string
	server *ourServer
}

func newCurler(t testing.TB) *curler {
	t.Helper()
	return &curler{t, program(t, "curl"), serve(t)}
}

// begin starts curl. Arguments that begin with a slash are paths at our server.
func (c *curler) begin(args ...string) *process {
	c.t.Helper()
	all := []string{"-q", "-sS", "--noproxy", "localhost", "--max-time", "15"}
	for _, arg := range args {
		if strings.HasPrefix(arg, "/") && arg != os.DevNull && !strings.HasPrefix(arg, os.TempDir()) {
			arg = "http://" + c.server.addr.String() + arg
		}
		all = append(all, arg)
	}
	return start(c.t, nil, c.path, all...)
}

// run runs curl and returns what it prints.
func (c *curler) run(args ...string) string {
	c.t.Helper()
	return c.begin(args...).ends()
}

// temp makes a file with data, and returns its name.
func temp(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestCurlExchanges has curl send what it can.
func TestCurlExchanges(t *testing.T) {
	c := newCurler(t)
	data := noise(long)
	file := temp(t, data)
	for _, tt := range []struct {
		name  string
		args  []string
		want  string // all that curl prints, if it does not end in "..."
		check func(r seen) bool
	}{
		{"GET", []string{"/hello"}, "Hello, world\n", nil},
		{"GET of HTTP/1.0", []string{"-0", "/hello"}, "Hello, world\n", func(r seen) bool { return r.minor == 0 }},
		{"HEAD", []string{"-I", "/hello"}, "HTTP/1.1 200 OK\r\n...", func(r seen) bool { return r.method == "HEAD" }},
		{"later", []string{"/later"}, "later\n", nil},
		{"query", []string{"-G", "--data-urlencode", "a=1 &2", "/hello"}, "Hello, world\n", func(r seen) bool { return r.uri == "/hello?a=1+%262" || r.uri == "/hello?a=1%20%262" }},
		{"POST", []string{"-d", "a=1", "-d", "b=2", "/echo"}, "a=1&b=2", func(r seen) bool { return r.method == "POST" && r.header["Content-Length"] == "7" }},
		{"empty POST", []string{"-d", "", "/echo"}, "", func(r seen) bool { return r.header["Content-Length"] == "0" }},
		{"PATCH", []string{"-X", "PATCH", "-d", "x", "/echo"}, "x", func(r seen) bool { return r.method == "PATCH" }},
		{"DELETE", []string{"-X", "DELETE", "/status/204"}, "", func(r seen) bool { return r.method == "DELETE" }},
		{"long POST", []string{"--data-binary", "@" + file, "/echo"}, string(data), nil},
		{"upload", []string{"-T", file, "/echo"}, string(data), func(r seen) bool { return r.method == "PUT" && r.header["Content-Length"] == strconv.Itoa(long) }},
		{"upload of HTTP/1.0", []string{"-0", "-T", file, "/echo"}, string(data), nil},
		{"upload that waits", []string{"-T", file, "-H", "Expect: 100-continue", "--expect100-timeout", "14", "/echo"}, string(data), func(r seen) bool { return r.header["Expect"] == "100-continue" }},
		{"upload in chunks", []string{"-T", file, "-H", "Transfer-Encoding: chunked", "/echo"}, string(data), func(r seen) bool { return r.header["Transfer-Encoding"] == "chunked" }},
		{"upload in chunks that waits", []string{"-T", file, "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "--expect100-timeout", "14", "/echo"}, string(data), nil},
		{"upload that is streamed", []string{"-T", file, "-H", "Transfer-Encoding: chunked", "/stream"}, string(data), nil},
		{"upload that is streamed and waits", []string{"-T", file, "-H", "Expect: 100-continue", "--expect100-timeout", "14", "/stream"}, string(data), nil},
		{"form", []string{"-F", "a=1", "-F", "f=@" + temp(t, []byte("contents")), "/echo"}, "--------------------------...", func(r seen) bool { return strings.HasPrefix(r.header["Content-Type"], "multipart/form-data") }},
		{"chunks", []string{"/chunks/3"}, "line 0\nline 1\nline 2\n", nil},
		{"chunks of HTTP/1.0", []string{"-0", "/chunks/3"}, "line 0\nline 1\nline 2\n", nil},
		{"raw chunks", []string{"--raw", "/chunks/1"}, "7\r\nline 0\n\r\n0\r\nX-Lines: 1\r\n\r\n", nil},
		{"redirection", []string{"-L", "/files"}, "<!DOCTYPE html>...", nil},
		{"range", []string{"-r", "1000000-1999999", "/files/long.bin"}, string(data[1000000:2000000]), nil},
		{"range of the end", []string{"-r", "-1000", "/files/long.bin"}, string(data[long-1000:]), nil},
		{"ranges", []string{"-r", "0-9,100-199", "/files/long.bin"}, "--...", nil},
		{"conditional", []string{"-z", "1 Jan 2030", "/files/page.txt"}, "", nil},
		{"unconditional", []string{"-z", "1 Jan 1999", "/files/page.txt"}, "a page\n", nil},
		{"many headers", append(many("-H", "X-Field-", 100), "/hello"), "Hello, world\n", func(r seen) bool { return r.header["X-Field-99"] == "value" }},
		{"compressed, asked for", []string{"--compressed", "/hello"}, "Hello, world\n", nil},
		{"offer of HTTP/2", []string{"--http2", "/hello"}, "Hello, world\n", func(r seen) bool { return r.header["Upgrade"] == "h2c" }},
		{"user", []string{"-u", "name:word", "/hello"}, "Hello, world\n", func(r seen) bool { return r.header["Authorization"] == "Basic bmFtZTp3b3Jk" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &curler{t, c.path, c.server}
			got := c.run(tt.args...)
			if begin, more := strings.CutSuffix(tt.want, "..."); more && !strings.HasPrefix(got, begin) || !more && got != tt.want {
				t.Errorf("got %d bytes, %.200q; want %.200q", len(got), got, tt.want)
			}
			if tt.check != nil && !tt.check(c.server.last()) {
				t.Errorf("our server has seen %+v", c.server.last())
			}
		})
	}
}

// many returns n header fields as arguments.
func many(flag, name string, n int) (args []string) {
	for i := range n {
		args = append(args, flag, name+strconv.Itoa(i)+": value")
	}
	return args
}

// TestCurlDoesNotWaitInVain asks whether a body is wanted that is not.
func TestCurlDoesNotWaitInVain(t *testing.T) {
	c := newCurler(t)
	file := temp(t, noise(long))
	if got := c.run("-T", file, "-H", "Expect: 100-continue", "--expect100-timeout", "14", "-o", os.DevNull, "-w", "%{http_code} %{size_upload}", "/refuse"); got != "403 0" {
		t.Errorf("a body that is not wanted: got %q", got)
	}
	// Our limit is known as soon as the length is.
	c.server.do(func() { c.server.server.SetMaxBodySize(1000) })
	if got := c.run("-T", file, "-H", "Expect: 100-continue", "--expect100-timeout", "14", "-o", os.DevNull, "-w", "%{http_code} %{size_upload}", "/echo"); got != "413 0" {
		t.Errorf("a body that is too long: got %q", got)
	}
	// Who does not ask gets to read the answer all the same.
	if got := c.run("-T", file, "-H", "Expect:", "-o", os.DevNull, "-w", "%{http_code}", "/echo"); got != "413" {
		t.Errorf("a body that is too long, without asking: got %q", got)
	}
}

// TestCurlGoesOn has curl get the rest of a file of which it has a part.
func TestCurlGoesOn(t *testing.T) {
	c := newCurler(t)
	data := noise(long)
	for _, have := range []int{1, 1000, long / 2, long - 1} {
		file := temp(t, data[:have])
		c.run("-C", "-", "-o", file, "/files/long.bin")
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("had %d bytes, and now %d, %v", have, len(got), err)
		}
		if want := "bytes=" + strconv.Itoa(have) + "-"; c.server.last().header["Range"] != want {
			t.Errorf("the range was %q, want %q", c.server.last().header["Range"], want)
		}
	}
}

// TestCurlKeepsItsConnection sends many requests, of all kinds, over one connection.
func TestCurlKeepsItsConnection(t *testing.T) {
	c := newCurler(t)
	file := temp(t, noise(1<<20))
	args := []string{}
	for _, request := range [][]string{
		{"/hello"}, {"-d", "a", "/echo"}, {"-I", "/files/long.bin"}, {"/chunks/10"}, {"/status/204"}, {"-T", file, "/echo"},
		{"/none"}, {"-T", file, "-H", "Transfer-Encoding: chunked", "/stream"}, {"/files/"}, {"-z", "1 Jan 2030", "/files/page.txt"},
		{"-r", "0-9", "/files/long.bin"}, {"/hello"},
	} {
		if len(args) > 0 {
			args = append(args, "--next", "-q", "-sS")
		}
		args = append(args, request...)
		args = append(args, "-o", os.DevNull, "-w", "%{num_connects} ")
	}
	if got := strings.Fields(c.run(args...)); len(got) != 12 || got[0] != "1" || strings.Contains(strings.Join(got[1:], ""), "1") {
		t.Errorf("curl has connected %q times", got)
	}
	if n := c.server.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestCurlKeepsItsConnectionOfHTTP10 asks for that as clients of HTTP/1.0 do.
func TestCurlKeepsItsConnectionOfHTTP10(t *testing.T) {
	c := newCurler(t)
	got := c.run("-0", "-H", "Connection: keep-alive", "-o", os.DevNull, "-o", os.DevNull, "-w", "%{num_connects}", "/hello", "/files/long.bin")
	if got != "10" {
		t.Errorf("curl has connected %q times, want 1 and 0", got)
	}
}

// TestCurlInParallel sends many requests at once.
func TestCurlInParallel(t *testing.T) {
	c := newCurler(t)
	args := []string{"-Z", "--parallel-max", "20", "--no-progress-meter", "-w", "%{http_code} %{size_download}\n"}
	for range 100 {
		args = append(args, "-o", os.DevNull, "/files/long.bin")
	}
	if got := c.run(args...); got != strings.Repeat("200 "+strconv.Itoa(long)+"\n", 100) {
		t.Errorf("got %q", got)
	}
}

// TestCurlTrailers sees ours.
func TestCurlTrailers(t *testing.T) {
	c := newCurler(t)
	if got := c.run("-i", "/chunks/5"); !strings.HasSuffix(got, "line 4\nX-Lines: 5\r\n") {
		t.Errorf("got %s", got)
	}
}

// TestCurlUnixSocket connects to a Unix socket.
func TestCurlUnixSocket(t *testing.T) {
	c := newCurler(t)
	socket := filepath.Join(t.TempDir(), "socket")
	c.server.do(func() {
		if _, err := c.server.server.BindUnix(socket); err != nil {
			t.Error(err)
		}
	})
	if got := c.run("--unix-socket", socket, "http://localhost/hello"); got != "Hello, world\n" {
		t.Errorf("got %q", got)
	}
	if got := c.run("--unix-socket", socket, "-T", temp(t, noise(long)), "http://localhost/echo"); got != string(noise(long)) {
		t.Errorf("got %d bytes", len(got))
	}
}

// TestCurlProxy takes our server for a proxy.
func TestCurlProxy(t *testing.T) {
	c, origin := newCurler(t), serve(t)
	proxy := "http://" + c.server.addr.String()
	// Requests in clear come to the proxy, which answers itself.
	if got := c.run("-x", proxy, "http://example.org/hello"); got != "Hello, world\n" {
		t.Errorf("got %q", got)
	}
	if r := c.server.last(); r.uri != "http://example.org/hello" || r.host != "example.org" {
		t.Errorf("our proxy has seen %+v", r)
	}
	// Others go through it.
	target := "http://" + origin.addr.String()
	for range 2 {
		if got := c.run("-p", "-x", proxy, target+"/files/long.bin"); got != string(noise(long)) {
			t.Errorf("through the tunnel: got %d bytes", len(got))
		}
	}
	if got := c.run("-p", "-x", proxy, "-T", temp(t, noise(long)), target+"/echo"); got != string(noise(long)) {
		t.Errorf("back through the tunnel: got %d bytes", len(got))
	}
	if r := c.server.last(); r.method != "CONNECT" || r.uri != origin.addr.String() || c.server.tunnels != 3 {
		t.Errorf("our proxy has seen %+v, and made %d tunnels", r, c.server.tunnels)
	}
	nobody := "127.0.0.1:" + strconv.Itoa(freePort(t))
	p := c.begin("-p", "-x", proxy, "http://"+nobody+"/")
	if status := p.exit(); status != 56 || !strings.Contains(p.tail(), "502") {
		t.Errorf("to nobody: status %d, %s", status, p.tail())
	}
}

// TestCurlSlowReader takes what it gets at a pace of its own.
func TestCurlSlowReader(t *testing.T) {
	c := newCurler(t)
	if got := c.run("--limit-rate", "4M", "/files/long.bin"); got != string(noise(long)) {
		t.Errorf("got %d bytes", len(got))
	}
}
