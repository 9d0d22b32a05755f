package evhttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peer returns the path of a program that is to talk to the server, or skips the
// test where there is none.
func peer(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		for _, path := range []string{name, "/usr/sbin/" + name} {
			if path, err := exec.LookPath(path); err == nil {
				return path
			}
		}
	}
	without(t, "needs "+names[0])
	return ""
}

// without ends a test that cannot be made for want of a peer.
func without(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// command is a program with its arguments, which a test ends at the latest.
func command(t *testing.T, path string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, args...)
}

// prints runs a program and returns its output.
func prints(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := command(t, path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, &stderr)
	}
	return string(out)
}

func TestCurl(t *testing.T) {
	path := peer(t, "curl")
	f, s, addr, dir := serveFiles(t, map[string]string{"digits": "0123456789", "more": strings.Repeat("x", 1<<20)})
	on := loopOf(t, s)
	socket := filepath.Join(tempDir(t), "socket")
	big := filepath.Join(tempDir(t), "big")
	const size = 3 << 20
	if err := os.WriteFile(big, bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o600); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(tempDir(t), "part")
	if err := os.WriteFile(part, []byte("0123"), 0o600); err != nil {
		t.Fatal(err)
	}
	on(func() {
		_ = f
		if _, err := s.BindUnix(socket); err != nil {
			t.Error(err)
		}
		count := func(r *Request) {
			n := 0
			r.SetChunkCallback(func(r *Request) {
				n += r.Input().Len()
				r.Input().Drain(r.Input().Len())
				if r.Complete() {
					r.SendReply(200, "", bufferOf(fmt.Sprintf("%s %d bytes", r.Method(), n)))
				}
			})
		}
		s.HandleStream("/count", count)
		s.HandleStream("/refuse", func(r *Request) { r.SendError(403, "") })
		s.Handle("/stream", func(r *Request) {
			r.SendReplyStart(200, "")
			left := 5
			var next func()
			next = func() {
				if left--; left < 0 {
					r.SendReplyEnd()
					return
				}
				r.SendReplyChunkFunc(bufferOf("part "), next)
			}
			next()
		})
		s.Handle("/form", func(r *Request) {
			form, err := (&FormParser{}).Parse(r.InputHeaders().Get("Content-Type"), r.Input())
			if err != nil {
				r.SendError(400, err.Error())
				return
			}
			r.SendReply(200, "", bufferOf(fmt.Sprint(form.Fields.Get("a"), " ", len(form.Files))))
		})
	})
	url := "http://" + addr
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"get", "0123456789", []string{url + "/digits"}},
		{"get by 1.0", "0123456789", []string{"-0", url + "/digits"}},
		{"head", "200 10 0", []string{"-I", "-o", "/dev/null", "-w", "%{http_code} %header{content-length} %{size_download}", url + "/digits"}},
		{"unix socket", "0123456789", []string{"--unix-socket", socket, "http://localhost/digits"}},
		{"range", "234", []string{"-r", "2-4", url + "/digits"}},
		{"resume", "0123456789", []string{"-C", "-", "-o", part, "-w", "%{stderr}%{http_code}", url + "/digits"}},
		{"upload", fmt.Sprintf("PUT %d bytes", size), []string{"-T", big, url + "/count"}},
		{"upload in chunks", fmt.Sprintf("PUT %d bytes", size), []string{"-T", big, "-H", "Transfer-Encoding: chunked", url + "/count"}},
		{"upload that waits", fmt.Sprintf("PUT %d bytes", size), []string{"-T", big, "-H", "Expect: 100-continue", url + "/count"}},
		{"upload that does not wait", fmt.Sprintf("PUT %d bytes", size), []string{"-T", big, "-H", "Expect:", url + "/count"}},
		{"upload that is refused", "403", []string{"-T", big, "-o", "/dev/null", "-w", "%{http_code}", url + "/refuse"}},
		{"upload that is refused in time", "403 0", []string{"-T", big, "-H", "Expect: 100-continue", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", url + "/refuse"}},
		{"chunks", "part part part part part ", []string{url + "/stream"}},
		{"chunks by 1.0", "part part part part part ", []string{"-0", url + "/stream"}},
		{"form", "b 0", []string{"-d", "a=b&c=d", url + "/form"}},
		{"form with a file", "b 1", []string{"-F", "a=b", "-F", "f=@" + part, url + "/form"}},
		{"one connection", strings.Repeat("0123456789", 20), []string{"--next", url + "/digits?[1-20]"}},
		{"number of connections", "10000", []string{"-o", "/dev/null", "-w", "%{num_connects}", url + "/digits?[1-5]"}},
		{"offers HTTP/2", "0123456789", []string{"--http2", url + "/digits"}},
		{"not modified", "304", []string{"-o", "/dev/null", "-w", "%{http_code}", "-z", filepath.Join(dir, "digits"), url + "/digits"}},
		{"not found", "404", []string{"-o", "/dev/null", "-w", "%{http_code}", url + "/none"}},
		{"path that leads out", "404", []string{"-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", url + "/../digits"}},
		{"slow reader", fmt.Sprint(1 << 20), []string{"--limit-rate", "2M", "-o", "/dev/null", "-w", "%{size_download}", url + "/more"}},
	} {
		got := prints(t, path, append([]string{"-sS", "--max-time", "50"}, test.args...)...)
		if test.name == "resume" {
			all, _ := os.ReadFile(part)
			got = string(all)
		}
		wantSame(t, test.name, got, test.want)
	}
}

// loopOf returns a function that runs others on the loop of a server.
func loopOf(t *testing.T, s *Server) func(func()) {
	return func(fn func()) {
		t.Helper()
		done := make(chan struct{})
		s.base.Post(func() { fn(); close(done) })
		<-done
	}
}

func TestAB(t *testing.T) {
	path := peer(t, "ab")
	_, addr, _ := serve(t)
	for _, args := range [][]string{nil, {"-k"}, {"-i"}} {
		out := prints(t, path, append(args, "-q", "-n", "500", "-c", "20", "http://"+addr+"/hello")...)
		for _, want := range []string{`Complete requests: +500\n`, `Failed requests: +0\n`} {
			if !regexp.MustCompile(want).MatchString(out) || strings.Contains(out, "Non-2xx") {
				t.Errorf("%v: %s", args, out)
			}
		}
	}
}

func TestWrk(t *testing.T) {
	path := peer(t, "wrk")
	_, addr, _ := serve(t)
	out := prints(t, path, "-t1", "-c20", "-d1s", "http://"+addr+"/hello")
	if !regexp.MustCompile(`[1-9]\d* requests in`).MatchString(out) || strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
		t.Errorf("%s", out)
	}
}

// TestNginxInFront has nginx pass on what a client of net/http asks.
func TestNginxInFront(t *testing.T) {
	path := peer(t, "nginx")
	s, addr, on := serve(t)
	on(func() { s.SetGenericStream(HTTPHandler(handlers())) })
	dir := tempDir(t)
	front := filepath.Join(dir, "front")
	config, err := os.ReadFile("testdata/nginx-front.conf")
	if err != nil {
		t.Fatal(err)
	}
	config = []byte(strings.NewReplacer("@DIR@", dir, "@ORIGIN@", addr).Replace(string(config)))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, path, "-e", "stderr", "-p", dir, "-c", file)
	var stderr syncBuffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGQUIT)
		cmd.Wait()
	}()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", front)
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	for limit := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("unix", front); err == nil {
			c.Close()
			break
		} else if time.Now().After(limit) {
			t.Fatalf("nginx: %v\n%s", err, stderr.String())
		}
	}
	large := strings.Repeat("x", 1<<20)
	for range 3 {
		for _, test := range []struct {
			path, body string
			code       int
			want       string
		}{
			{"/hello", "", 200, "Hello, world"}, {"/large", "", 200, ""}, {"/flush", "", 200, "ab"}, {"/204", "", 204, ""},
			{"/none", "", 404, "404 page not found\n"}, {"/trailers", "", 200, "x"}, {"/panic", "", 500, ""},
			{"/echo", "abc", 200, "abc"}, {"/echo", large, 200, large},
		} {
			quiet(t)
			resp, err := client.Post("http://front"+test.path, "text/plain", strings.NewReader(test.body))
			if err != nil {
				t.Errorf("%s: %v", test.path, err)
				continue
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != test.code || test.want != "" && string(got) != test.want || test.path == "/large" && len(got) != 1e6 {
				t.Errorf("%s: %s %.100q %v", test.path, resp.Status, got, err)
			}
		}
	}
}

// TestClientInC has the client of C libevent talk to our server.
func TestClientInC(t *testing.T) {
	cc := peer(t, "cc")
	program := filepath.Join(tempDir(t), "client")
	if out, err := command(t, cc, "-O1", "-o", program, "testdata/client.c", "-levent").CombinedOutput(); err != nil {
		without(t, fmt.Sprintf("needs libevent: %v\n%s", err, out))
	}
	s, addr, on := serve(t)
	on(func() {
		s.SetGenericStream(HTTPHandler(handlers()))
		s.SetAllowedMethods(1<<32 - 1)
	})
	host, port, _ := net.SplitHostPort(addr)
	got := prints(t, program, host, port)
	want := `GET /hello: 200 12 bytes
GET /large: 200 1000000 bytes
POST /echo: 200 100000 bytes
HEAD /hello: 200 0 bytes
GET /flush: 200 2 bytes
PUT /echo: 200 0 bytes
GET /204: 204 0 bytes
DELETE /none: 404 19 bytes
GET /close: 200 1 bytes
GET /hello: 200 12 bytes
`
	wantSame(t, "C", got, want)
}

// TestChromium has a browser show the images of a folder.
func TestChromium(t *testing.T) {
	path := peer(t, "chromium", "chromium-browser", "google-chrome")
	const images = 100
	pixel := "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	files := map[string]string{"show.html": `<!DOCTYPE html><title>images</title><body><script>
const ended = fetch("images/").then(r => r.text()).then(text => {
	const links = [...new DOMParser().parseFromString(text, "text/html").querySelectorAll("a")]
		.map(a => a.getAttribute("href")).filter(h => h.endsWith(".gif"));
	return Promise.all(links.map(h => new Promise(done => {
		const img = new Image();
		img.onload = img.onerror = done;
		img.src = "images/" + h;
		document.body.append(img);
	})));
}).then(all => document.body.append("loaded " + all.length));
</script>`}
	for i := range images {
		files[fmt.Sprintf("images/%d & more.gif", i)] = pixel
	}
	_, s, addr, _ := serveFiles(t, files)
	var log syncBuffer
	loopOf(t, s)(func() { s.SetAccessLog(&log) })
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile)
	cmd := command(t, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+profile, "--virtual-time-budget=60000", "--dump-dom", "http://"+addr+"/show.html")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		without(t, fmt.Sprintf("chromium cannot run here: %v", err))
	}
	if !strings.Contains(string(out), fmt.Sprintf("loaded %d", images)) {
		t.Errorf("it shows %s", out)
	}
	fetched := map[string]bool{}
	for line := range strings.Lines(log.String()) {
		if m := regexp.MustCompile(`"GET (/images/\S+\.gif) HTTP/1.1" 200 `).FindStringSubmatch(line); m != nil {
			fetched[m[1]] = true
		}
	}
	if len(fetched) != images {
		t.Errorf("%d images were fetched:\n%s", len(fetched), log.String())
	}
}
