package examples

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A website is an http-server with files to serve.
type website struct {
	*process
	t      *testing.T
	url    string // up to the path
	addr   string
	folder string
	long   []byte // long.bin
	client *http.Client
	curl   []string // arguments
}

// startWebsite starts one, with TLS or without.
func startWebsite(t *testing.T, secure bool, args ...string) *website {
	t.Helper()
	folder, err := os.MkdirTemp("", "examples")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	w := &website{t: t, folder: folder, long: randomData(3, 3<<20)}
	old := time.Now().Add(-time.Hour) // entity tags of new files are weak
	for name, data := range map[string][]byte{
		"page.txt": []byte("a page\n"), "long.bin": w.long, ".secret": []byte("secret"), "a & b": nil,
	} {
		name = filepath.Join(folder, name)
		if err := errors.Join(os.WriteFile(name, data, 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, Timeout: deadline}
	if secure {
		a := newAuthority(t)
		args = append(args, shown(t, a.issue(time.Hour))...)
		transport.TLSClientConfig = a.trusting()
		transport.ForceAttemptHTTP2 = true // which it must not agree on
		w.curl = []string{"--cacert", a.file()}
	}
	w.process = start(t, "http-server", append([]string{"-addr", "127.0.0.1:0", "-root", folder}, args...)...)
	scheme := "http"
	if secure {
		scheme = "https"
	}
	rest := w.lineAfter("listening on " + scheme + "://")
	w.addr = strings.TrimSuffix(rest, "/")
	w.url = scheme + "://" + w.addr
	return w
}

// schemes are both ways to serve.
var schemes = map[string]bool{"HTTP": false, "HTTPS": true}

// get asks for something and returns the status code, the header and the body.
func (w *website) get(path string, header ...string) (int, http.Header, string) {
	w.t.Helper()
	req, err := http.NewRequest("GET", w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, field := range header {
		if name, value, ok := strings.Cut(field, ": "); ok {
			req.Header.Add(name, value)
		}
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// ask makes a request and returns the status and the body.
func ask(t *testing.T, transport *http.Transport, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport, Timeout: deadline}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.Status + " " + string(data)
}

func TestHTTPServerServesFiles(t *testing.T) {
	for name, secure := range schemes {
		t.Run(name, func(t *testing.T) {
			w := startWebsite(t, secure)
			_, header, _ := w.get("/page.txt")
			tag := header.Get("ETag")
			tests := []struct {
				path, header string
				code         int
				body         string
			}{
				{"/page.txt", "", 200, "a page\n"},
				{"/page.txt", "Range: bytes=2-5", 206, "page"},
				{"/page.txt", "If-None-Match: " + tag, 304, ""},
				{"/long.bin", "", 200, string(w.long)},
				{"/long.bin", "Range: bytes=-1000000", 206, string(w.long[len(w.long)-1000000:])},
			}
			for _, tt := range tests {
				code, _, body := w.get(tt.path, tt.header)
				if code != tt.code || body != tt.body {
					t.Errorf("%s with %q: got %d and %d bytes, want %d and %d", tt.path, tt.header, code, len(body), tt.code, len(tt.body))
				}
			}
			for _, path := range []string{"/.secret", "/none", "/page.txt/"} {
				if code, _, _ := w.get(path); code != 404 {
					t.Errorf("%s: got %d", path, code)
				}
			}
			if _, _, body := w.get("/"); !strings.Contains(body, `<a href="./a%20%26%20b">a &amp; b</a>`) || strings.Contains(body, "secret") {
				t.Errorf("the folder is %s", body)
			}
		})
	}
}

// TestHTTPServerServesOnSeveralLoops has more clients than loops at once.
func TestHTTPServerServesOnSeveralLoops(t *testing.T) {
	for name, secure := range schemes {
		t.Run(name, func(t *testing.T) {
			w := startWebsite(t, secure, "-loops", "3", "-q")
			var clients sync.WaitGroup
			for range 12 {
				clients.Go(func() {
					client := &http.Client{Transport: w.client.Transport.(*http.Transport).Clone(), Timeout: deadline}
					defer client.CloseIdleConnections()
					for range 10 {
						resp, err := client.Get(w.url + "/long.bin")
						if err != nil {
							t.Error(err)
							return
						}
						got, err := io.ReadAll(resp.Body)
						resp.Body.Close()
						if err != nil || !bytes.Equal(got, w.long) {
							t.Errorf("got %d bytes, %v", len(got), err)
						}
					}
				})
			}
			clients.Wait()
			w.signal(os.Interrupt)
			w.ends(0)
		})
	}
}

func TestHTTPServerDumpsRequests(t *testing.T) {
	w := startWebsite(t, false)
	resp, err := w.client.Post(w.url+"/dump?x=1", "text/plain", strings.NewReader("the body"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"POST /dump?x=1 HTTP/1.1\n", "\nHost: " + w.addr + "\n", "\nContent-Length: 8\n", "\n\nthe body"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("want %q in %q", want, body)
		}
	}
	if got := resp.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("type %q", got)
	}
}

func TestHTTPServerLogsRequests(t *testing.T) {
	w := startWebsite(t, false)
	w.get("/page.txt", "Referer: http://example.org/", "User-Agent: a \"test\"")
	line := w.lineAfter("127.0.0.1 - - [")
	if want := `] "GET /page.txt HTTP/1.1" 200 7 "http://example.org/" "a \"test\""`; !strings.HasSuffix(line, want) {
		t.Errorf("line %q, want %q at its end", line, want)
	}
	w = startWebsite(t, false, "-q")
	w.get("/page.txt")
	w.signal(syscall.SIGTERM)
	if rest := w.ends(0); rest != "" {
		t.Errorf("printed %q", rest)
	}
}

// TestHTTPServerSendsWhatItHasBegun has a file half sent when the signal comes.
func TestHTTPServerSendsWhatItHasBegun(t *testing.T) {
	if !canSignal {
		t.Skip("needs signals between processes")
	}
	for name, secure := range schemes {
		t.Run(name, func(t *testing.T) {
			w := startWebsite(t, secure)
			huge := randomData(4, 32<<20) // more than what there is room for on the way
			if err := os.WriteFile(filepath.Join(w.folder, "huge.bin"), huge, 0o600); err != nil {
				t.Fatal(err)
			}
			resp, err := w.client.Get(w.url + "/huge.bin")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := bufio.NewReader(resp.Body)
			if _, err := body.Peek(1); err != nil {
				t.Fatal(err)
			}
			w.signal(syscall.SIGTERM)
			w.refuses()
			got, err := io.ReadAll(body)
			if err != nil || !bytes.Equal(got, huge) {
				t.Errorf("got %d of %d bytes, %v", len(got), len(huge), err)
			}
			w.ends(0)
			if w.stderr.String() != "" {
				t.Errorf("stderr: %s", &w.stderr)
			}
		})
	}
}

// refuses waits until the server accepts no connection any more.
func (w *website) refuses() {
	w.t.Helper()
	for late := time.Now().Add(deadline); time.Now().Before(late); {
		conn, err := net.Dial("tcp", w.addr)
		if err != nil {
			return
		}
		conn.Close()
	}
	w.t.Fatal("it accepts connections after a signal")
}

// TestHTTPServerEndsAtTheSecondSignal has a client that takes nothing of an answer.
func TestHTTPServerEndsAtTheSecondSignal(t *testing.T) {
	w := startWebsite(t, false)
	conn := dial(t, w.addr)
	if err := os.Truncate(filepath.Join(w.folder, "long.bin"), 1<<30); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /long.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	w.signal(os.Interrupt)
	w.refuses()
	w.signal(os.Interrupt)
	w.ends(0)
}

// TestHTTPServerServesCurl uses what curl has, with TLS and without.
func TestHTTPServerServesCurl(t *testing.T) {
	path := peer(t, "curl")
	for name, secure := range schemes {
		t.Run(name, func(t *testing.T) {
			w := startWebsite(t, secure)
			run := func(target string, args ...string) string {
				t.Helper()
				all := append([]string{"-q", "-sS", "--fail-with-body", "--noproxy", "*", "--max-time", "50"}, w.curl...)
				return startCommand(t, nil, path, append(append(all, args...), w.url+target)...).ends(0)
			}
			begun := tempFile(t, w.long[:1<<20])
			run("/long.bin", "-C", "-", "-o", begun)
			if got, err := os.ReadFile(begun); err != nil || !bytes.Equal(got, w.long) {
				t.Errorf("after going on: %d bytes, %v", len(got), err)
			}
			upload := tempFile(t, w.long[:1<<20])
			for _, tt := range []struct {
				args []string
				path string
				want string // in what comes
			}{
				{nil, "/long.bin", string(w.long)},
				{[]string{"-0"}, "/long.bin", string(w.long)},
				{[]string{"-H", "Connection: close"}, "/long.bin", string(w.long)},
				{[]string{"-r", "100000-2999999"}, "/long.bin", string(w.long[100000:3000000])},
				{[]string{"-I"}, "/long.bin", "Content-Length: 3145728\r\n"},
				{[]string{"-d", "a=1", "-d", "b=2"}, "/dump", "\n\na=1&b=2"},
				{[]string{"-T", upload}, "/dump", "PUT /dump HTTP/1.1\n"},
				{[]string{"-T", upload, "-H", "Expect: 100-continue"}, "/dump", string(w.long[:1<<20])},
				{[]string{"-T", upload, "-H", "Transfer-Encoding: chunked"}, "/dump", string(w.long[:1<<20])},
			} {
				if got := run(tt.path, tt.args...); !strings.Contains(got, tt.want) {
					t.Errorf("%q: got %d bytes, %.300q", tt.args, len(got), got)
				}
			}
		})
	}
}
