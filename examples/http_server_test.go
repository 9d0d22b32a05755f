package examples

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startHTTPServer starts http-server with a folder that has some files, and
// returns its URL.
func startHTTPServer(t *testing.T, args ...string) (p *process, url string) {
	t.Helper()
	root, err := os.MkdirTemp("", "http-server")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if err := os.Mkdir(filepath.Join(root, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "sub", "file.txt"), []byte("contents"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, "http-server", append([]string{"-addr", "127.0.0.1:0", "-root", root}, args...)...)
	_, url, _ = strings.Cut(p.lineAfter("serving "), " at ")
	return p, strings.TrimSuffix(url, "/")
}

// ask makes a request and returns the status and the body.
func ask(t *testing.T, transport *http.Transport, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "test")
	client := &http.Client{Transport: transport, Timeout: deadline}
	resp, err := client.Do(req)
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

func TestHTTPServerServesFilesAndDumps(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			transport := new(http.Transport)
			defer transport.CloseIdleConnections()
			var args []string
			if secure {
				a := newAuthority(t)
				args = shown(t, a.issue(time.Hour))
				transport.TLSClientConfig = a.trusting()
				transport.ForceAttemptHTTP2 = true // which it must refuse
				transport.TLSClientConfig.ServerName = "localhost"
			}
			p, url := startHTTPServer(t, args...)
			if secure != strings.HasPrefix(url, "https://") {
				t.Errorf("URL %s", url)
			}
			if got := ask(t, transport, "GET", url+"/sub/file.txt", ""); got != "200 OK contents" {
				t.Errorf("file: %s", got)
			}
			if got := ask(t, transport, "GET", url+"/sub/", ""); !strings.Contains(got, `<a href="./file.txt">`) {
				t.Errorf("listing: %s", got)
			}
			if got := ask(t, transport, "GET", url+"/none", ""); !strings.HasPrefix(got, "404 ") {
				t.Errorf("nothing: %s", got)
			}
			got := ask(t, transport, "POST", url+"/dump?a=b", "some body")
			for _, want := range []string{"200 OK POST /dump?a=b HTTP/1.1\n", "User-Agent: test\n", "\n\nsome body"} {
				if !strings.Contains(got, want) {
					t.Errorf("dump %q has no %q", got, want)
				}
			}
			if line := p.line(); !strings.HasSuffix(line, `"GET /sub/file.txt HTTP/1.1" 200 8 "-" "test"`) {
				t.Errorf("logged %s", line)
			}
			if canSignal {
				p.signal(syscall.SIGTERM)
				p.ends(0)
			}
		})
	}
}

func TestHTTPServerIsServedToCurlByTLS(t *testing.T) {
	curl := peer(t, "curl")
	a := newAuthority(t)
	_, url := startHTTPServer(t, shown(t, a.issue(time.Hour))...)
	url = strings.Replace(url, "127.0.0.1", "localhost", 1)
	upload := tempFile(t, []byte(strings.Repeat("x", 1<<20)))
	for _, args := range [][]string{
		{url + "/sub/file.txt"}, {"--http2", url + "/sub/file.txt"}, {"--http1.0", url + "/sub/file.txt"}, {"--tls-max", "1.2", url + "/sub/file.txt"},
	} {
		out, err := exec.Command(curl, append([]string{"-sS", "--max-time", "50", "--cacert", a.file()}, args...)...).CombinedOutput()
		if string(out) != "contents" || err != nil {
			t.Errorf("curl %v: %s %v", args, out, err)
		}
	}
	out, err := exec.Command(curl, "-sS", "--max-time", "50", "--cacert", a.file(), "-T", upload, "-H", "Transfer-Encoding: chunked", url+"/dump").CombinedOutput()
	if strings.Count(string(out), "x") < 1<<20 || err != nil {
		t.Errorf("upload: %d bytes came back, %v", len(out), err)
	}
}

func TestHTTPServerAnswersBeforeItEnds(t *testing.T) {
	if !canSignal {
		t.Skip("needs signals between processes")
	}
	p, url := startHTTPServer(t)
	conn := dial(t, strings.TrimPrefix(url, "http://"))
	io.WriteString(conn, "POST /dump HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGINT)
	io.WriteString(conn, "abc")
	got, err := io.ReadAll(conn)
	if !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(string(got), "\n\nabc") || err != nil {
		t.Errorf("got %q %v", got, err)
	}
	p.ends(0)
}
