package evfile_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
)

// piece is as much of a file as is handed over at a time; long is the size of one
// that needs several.
const (
	piece = 256 << 10
	long  = 3*piece + 12345
)

// noise returns n bytes that are always the same.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

// fileTree makes a folder to serve, whose files have not changed for a while.
func fileTree(t *testing.T) string {
	t.Helper()
	dir := tempFolder(t)
	for name, data := range map[string][]byte{
		"a.txt":               []byte("0123456789"),
		"empty":               nil,
		"long.bin":            noise(long),
		"pub/one.txt":         []byte("one"),
		"pub/<b>&amp;\u00e9":  []byte("odd"),
		"pub/.secret":         []byte("secret"),
		"site/index.html":     []byte("<p>index</p>"),
		"site/deep/page.html": []byte("<p>page</p>"),
		".hidden/visible.txt": []byte("hidden"),
		"pub/two words":       []byte("two"),
		"pub/sub/three.txt":   []byte("three"),
	} {
		if runtime.GOOS == "windows" && strings.ContainsAny(name, "<>") {
			continue
		}
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, fileTime, fileTime); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var fileTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const fileDate = "Fri, 02 Jan 2026 03:04:05 GMT"

// onEachKind runs a test with the files in a folder of the system, and with the same in a
// file system of another kind.
func onEachKind(t *testing.T, test func(t *testing.T, open opener)) {
	t.Run("folder", func(t *testing.T) { test(t, evfile.NewServer) })
	t.Run("file system", func(t *testing.T) { test(t, memoryServer) })
}

// An opener makes a server of the files in a folder.
type opener func(dir string) (*evfile.Server, error)

// memoryServer serves the files of a folder from memory.
func memoryServer(dir string) (*evfile.Server, error) {
	files := make(fstest.MapFS)
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		files[path] = &fstest.MapFile{Data: data, Mode: info.Mode(), ModTime: info.ModTime()}
		return err
	})
	if err != nil {
		return nil, err
	}
	return evfile.NewServerFS(files)
}

// serveFiles serves a fileTree, and returns a server's address.
func serveFiles(t *testing.T, open opener, change func(f *evfile.Server)) (dir, addr string) {
	t.Helper()
	s, addr, on := serve(t)
	dir = fileTree(t)
	f, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.Listing = true
	if change != nil {
		change(f)
	}
	on(func() { s.SetGenericCallback(f.Serve) })
	return dir, addr
}

// fetch sends a request as it is given and returns the response and its body.
func fetch(t *testing.T, addr, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: x", "Connection: close"}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("body: %v after %d bytes", err, len(body))
	}
	return resp, string(body)
}

func TestServerFindsFilesByPath(t *testing.T) { onEachKind(t, testServerFindsFilesByPath) }

func testServerFindsFilesByPath(t *testing.T, open opener) {
	tests := []struct {
		target string
		code   int
		body   string // how it begins
	}{
		{"/a.txt", 200, "0123456789"},
		{"/a.txt?query=/../b", 200, "0123456789"},
		{"http://x/a.txt", 200, "0123456789"},
		{"/%61.txt", 200, "0123456789"},
		{"/empty", 200, ""},
		{"/pub/two%20words", 200, "two"},
		{"/site/", 200, "<p>index</p>"},
		{"/site/index.html", 200, "<p>index</p>"},
		{"/site", 301, ""},
		{"/pub?x", 301, ""},
		{"/pub/", 200, "<!DOCTYPE html>"},
		{"/", 200, "<!DOCTYPE html>"},
		{"/a.txt/", 404, ""},
		{"/none", 404, ""},
		{"/a.txt/none", 404, ""},
		{"/pub/.secret", 404, ""},
		{"/.hidden/visible.txt", 404, ""},
		{"/.hidden/", 404, ""},
		{"/../" + "a.txt", 404, ""},
		{"/pub/../a.txt", 404, ""},
		{"/pub/%2e%2e/a.txt", 404, ""},
		{"/pub/..%2fa.txt", 404, ""},
		{"/pub%2Fone.txt", 404, ""},
		{"/pub/%5c..%5c..%5ca.txt", 404, ""},
		{"//a.txt", 404, ""},
		{"//", 404, ""},
		{"/./a.txt", 404, ""},
		{"/pub//one.txt", 404, ""},
		{"/a.txt%00", 404, ""},
		{"/a.txt%", 404, ""},
		{"/" + strings.Repeat("x", 5000), 404, ""},
	}
	_, addr := serveFiles(t, open, nil)
	for _, method := range []string{"GET", "HEAD"} {
		for _, tt := range tests {
			resp, body := fetch(t, addr, method, tt.target)
			bad := resp.StatusCode == 400 && tt.code == 404 // by the parser already
			if resp.StatusCode != tt.code && !bad {
				t.Errorf("%s %s: got %d, want %d", method, tt.target, resp.StatusCode, tt.code)
			}
			want := tt.body
			if method == "HEAD" {
				want = ""
				if body != "" {
					t.Errorf("HEAD %s: got a body, %q", tt.target, body)
				}
			}
			if !strings.HasPrefix(body, want) {
				t.Errorf("%s %s: got %q, want %q", method, tt.target, body, want)
			}
		}
	}
}

func TestServerTellsWhatAFileIs(t *testing.T) { onEachKind(t, testServerTellsWhatAFileIs) }

func testServerTellsWhatAFileIs(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	for _, method := range []string{"GET", "HEAD"} {
		resp, _ := fetch(t, addr, method, "/a.txt")
		for name, want := range map[string]string{
			"Content-Length": "10", "Last-Modified": fileDate, "Accept-Ranges": "bytes",
			"X-Content-Type-Options": "nosniff", "Content-Type": "text/plain; charset=utf-8",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", method, name, got, want)
			}
		}
		if tag := resp.Header.Get("ETag"); !strings.HasPrefix(tag, `"`) {
			t.Errorf("%s: entity tag %s, want a strong one", method, tag)
		}
	}
}

func TestServerAllowsReadingOnly(t *testing.T) { onEachKind(t, testServerAllowsReadingOnly) }

func testServerAllowsReadingOnly(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	resp, _ := fetch(t, addr, "DELETE", "/a.txt", "Content-Length: 0")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") == "" {
		t.Errorf("got %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	resp, _ = fetch(t, addr, "POST", "/a.txt", "Content-Length: 0")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
}

func TestServerConditions(t *testing.T) { onEachKind(t, testServerConditions) }

func testServerConditions(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	resp, _ := fetch(t, addr, "GET", "/a.txt")
	tag := resp.Header.Get("ETag")
	for _, tt := range []struct {
		header string
		code   int
	}{
		{"If-None-Match: " + tag, 304},
		{`If-None-Match: "other", ` + tag, 304},
		{"If-None-Match: *", 304},
		{`If-None-Match: "other"`, 200},
		{"If-Modified-Since: " + fileDate, 304},
		{"If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", 200},
		{"If-Match: " + tag, 200},
		{`If-Match: "other"`, 412},
		{"If-Unmodified-Since: " + fileDate, 200},
		{"If-Unmodified-Since: Thu, 01 Jan 2026 00:00:00 GMT", 412},
	} {
		resp, body := fetch(t, addr, "GET", "/a.txt", tt.header)
		if resp.StatusCode != tt.code || tt.code == 200 && body != "0123456789" {
			t.Errorf("%s: got %d and %q, want %d", tt.header, resp.StatusCode, body, tt.code)
		}
		if tt.code == 304 && (resp.Header.Get("ETag") != tag || body != "") {
			t.Errorf("%s: entity tag %s, body %q", tt.header, resp.Header.Get("ETag"), body)
		}
	}
}

func TestServerRanges(t *testing.T) { onEachKind(t, testServerRanges) }

func testServerRanges(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	resp, _ := fetch(t, addr, "HEAD", "/a.txt")
	tag := resp.Header.Get("ETag")
	for _, tt := range []struct {
		header  []string
		code    int
		content string // Content-Range
		body    string
	}{
		{[]string{"Range: bytes=2-4"}, 206, "bytes 2-4/10", "234"},
		{[]string{"Range: bytes=7-"}, 206, "bytes 7-9/10", "789"},
		{[]string{"Range: bytes=-3"}, 206, "bytes 7-9/10", "789"},
		{[]string{"Range: bytes=0-100"}, 206, "bytes 0-9/10", "0123456789"},
		{[]string{"Range: bytes=10-"}, 416, "bytes */10", "<"},
		{[]string{"Range: lines=1-2"}, 200, "", "0123456789"},
		{[]string{"Range: bytes=4-2"}, 200, "", "0123456789"},
		{[]string{"Range: bytes=0-1", "If-Range: " + tag}, 206, "bytes 0-1/10", "01"},
		{[]string{"Range: bytes=0-1", "If-Range: " + fileDate}, 206, "bytes 0-1/10", "01"},
		{[]string{"Range: bytes=0-1", `If-Range: "other"`}, 200, "", "0123456789"},
	} {
		resp, body := fetch(t, addr, "GET", "/a.txt", tt.header...)
		if resp.StatusCode != tt.code || resp.Header.Get("Content-Range") != tt.content || !strings.HasPrefix(body, tt.body) {
			t.Errorf("%q: got %d, range %q and %q", tt.header, resp.StatusCode, resp.Header.Get("Content-Range"), body)
		}
	}
	if resp, _ := fetch(t, addr, "HEAD", "/a.txt", "Range: bytes=0-1"); resp.StatusCode != 200 || resp.ContentLength != 10 {
		t.Errorf("HEAD: got %d, length %d", resp.StatusCode, resp.ContentLength)
	}
}

func TestServerSeveralRanges(t *testing.T) { onEachKind(t, testServerSeveralRanges) }

func testServerSeveralRanges(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	data := noise(long)
	resp, body := fetch(t, addr, "GET", "/long.bin", fmt.Sprintf("Range: bytes=0-99,1000-%d,-7", 1000+2*piece))
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != 206 || kind != "multipart/byteranges" || err != nil {
		t.Fatalf("got %d, type %s, %v", resp.StatusCode, kind, err)
	}
	parts := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for _, want := range []struct {
		content string
		data    []byte
	}{
		{fmt.Sprintf("bytes 0-99/%d", long), data[:100]},
		{fmt.Sprintf("bytes 1000-%d/%d", 1000+2*piece, long), data[1000 : 1001+2*piece]},
		{fmt.Sprintf("bytes %d-%d/%d", long-7, long-1, long), data[long-7:]},
	} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(part)
		if part.Header.Get("Content-Range") != want.content || !bytes.Equal(got, want.data) || err != nil {
			t.Errorf("part %s: %d bytes, %v; want %s", part.Header.Get("Content-Range"), len(got), err, want.content)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
}

func TestServerSendsLongFilesInPieces(t *testing.T) { onEachKind(t, testServerSendsLongFilesInPieces) }

func testServerSendsLongFilesInPieces(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	for range 3 {
		resp, body := fetch(t, addr, "GET", "/long.bin")
		if resp.StatusCode != 200 || resp.ContentLength != long || body != string(noise(long)) {
			t.Errorf("got %d, length %d, %d bytes", resp.StatusCode, resp.ContentLength, len(body))
		}
	}
}

func TestServerListsFolders(t *testing.T) { onEachKind(t, testServerListsFolders) }

func testServerListsFolders(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, nil)
	resp, body := fetch(t, addr, "GET", "/pub/")
	if resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("type %q", resp.Header.Get("Content-Type"))
	}
	wants := []string{`href="./one.txt"`, `href="./two%20words"`, `href="./sub/"`, `href="../"`, "<title>/pub/</title>"}
	if runtime.GOOS != "windows" {
		wants = append(wants, `href="./%3Cb%3E%26amp%3B%C3%A9">&lt;b&gt;&amp;amp;é`)
	}
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("want %s in the list:\n%s", want, body)
		}
	}
	if strings.Contains(body, "secret") {
		t.Errorf("the list has a hidden file:\n%s", body)
	}
}

func TestServerOptions(t *testing.T) { onEachKind(t, testServerOptions) }

func testServerOptions(t *testing.T, open opener) {
	_, addr := serveFiles(t, open, func(f *evfile.Server) { f.Listing, f.Hidden, f.Prefix, f.Index = false, true, "/files/", "page.html" })
	for target, code := range map[string]int{
		"/files/a.txt": 200, "/a.txt": 404, "/files/pub/.secret": 200, "/files/": 404, "/files": 404,
		"/files/site/": 404, "/files/site/deep/": 200, "/files//a.txt": 404, "/files//": 404,
	} {
		if resp, _ := fetch(t, addr, "GET", target); resp.StatusCode != code {
			t.Errorf("%s: got %d, want %d", target, resp.StatusCode, code)
		}
	}
}

func TestServerServesWhatAWildcardStandsFor(t *testing.T) {
	s, addr, on := serve(t)
	f, err := evfile.NewServer(fileTree(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.Listing = true
	on(func() {
		for _, pattern := range []string{"/static/{path...}", "GET /pub/"} {
			if err := s.HandlePattern(pattern, f.Serve); err != nil {
				t.Error(err)
			}
		}
	})
	for target, code := range map[string]int{
		"/static/a.txt": 200, "/static/": 200, "/static/pub/": 200, "/static/pub": 301, "/static/pub/one.txt": 200,
		"/static/.hidden/": 404, "/static//": 404, "/static/../a.txt": 404, "/static/pub/..%2fa.txt": 404, "/pub/one.txt": 200,
	} {
		if resp, _ := fetch(t, addr, "GET", target); resp.StatusCode != code {
			t.Errorf("%s: got %d, want %d", target, resp.StatusCode, code)
		}
	}
}

func TestServerDoesNotLeaveItsFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links are another matter there")
	}
	dir, addr := serveFiles(t, evfile.NewServer, nil)
	outside := filepath.Join(tempFolder(t), "outside")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Skip("needs symbolic links: ", err)
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "in")); err != nil {
		t.Fatal(err)
	}
	if resp, body := fetch(t, addr, "GET", "/out"); resp.StatusCode != 404 || strings.Contains(body, "outside") {
		t.Errorf("a link to the outside: got %d, %q", resp.StatusCode, body)
	}
	if resp, body := fetch(t, addr, "GET", "/in"); resp.StatusCode != 200 || body != "0123456789" {
		t.Errorf("a link to the inside: got %d, %q", resp.StatusCode, body)
	}
}

// TestServerCutsOffWhatWasShortened has a file get shorter than was announced.
func TestServerCutsOffWhatWasShortened(t *testing.T) {
	log := logged(t)
	dir, addr := serveFiles(t, evfile.NewServer, nil)
	name := filepath.Join(dir, "huge.bin")
	if err := os.WriteFile(name, make([]byte, 64<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + addr + "/huge.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := os.Truncate(name, 100); err != nil {
		t.Skip("cannot shorten a file that is open: ", err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil || n >= resp.ContentLength {
		t.Errorf("got %d bytes and no error", n)
	}
	if resp, _ := fetch(t, addr, "GET", "/a.txt"); resp.StatusCode != 200 {
		t.Errorf("after that: %d", resp.StatusCode)
	}
	if !strings.Contains(log.String(), "huge.bin") {
		t.Errorf("the log has %q", log.String())
	}
}

// TestServerClosesFilesOfClientsThatGo leaves in the middle of a file, often.
func TestServerClosesFilesOfClientsThatGo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	dir, addr := serveFiles(t, evfile.NewServer, nil)
	name := filepath.Join(dir, "huge.bin")
	if err := os.WriteFile(name, make([]byte, 64<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	for late := time.Now().Add(20 * time.Second); openFiles(t, name) > 0; {
		if time.Now().After(late) {
			t.Fatalf("%d descriptors are open", openFiles(t, name))
		}
		fetch(t, addr, "GET", "/a.txt")
	}
}

// openFiles counts the descriptors of a file.
func openFiles(t *testing.T, name string) (n int) {
	t.Helper()
	const fds = "/proc/self/fd"
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, _ := os.Readlink(filepath.Join(fds, e.Name())); to == name {
			n++
		}
	}
	return n
}

// TestServerIsLikeNetHTTPs asks both file servers for parts of the same file.
func TestServerIsLikeNetHTTPs(t *testing.T) { onEachKind(t, testServerIsLikeNetHTTPs) }

func testServerIsLikeNetHTTPs(t *testing.T, open opener) {
	dir, addr := serveFiles(t, open, nil)
	other := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer other.Close()
	theirs := other.Listener.Addr().String()
	for _, header := range []string{
		"X-None: x", "Range: bytes=2-4", "Range: bytes=-3", "Range: bytes=8-", "Range: bytes=0-0", "Range: bytes=5-100", "Range: bytes=10-",
		"If-Modified-Since: " + fileDate, "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
		"If-Unmodified-Since: " + fileDate, "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
		"Range: bytes=1-2\r\nIf-Range: " + fileDate, "Range: bytes=1-2\r\nIf-Range: Wed, 01 Jan 2020 00:00:00 GMT",
	} {
		got, body := fetch(t, addr, "GET", "/a.txt", header)
		want, wantBody := fetch(t, theirs, "GET", "/a.txt", header)
		if got.StatusCode != want.StatusCode || got.StatusCode < 300 && body != wantBody {
			t.Errorf("%q: %s %q, want %s %q", header, got.Status, body, want.Status, wantBody)
		}
		for _, name := range []string{"Content-Range", "Content-Length", "Accept-Ranges", "Last-Modified"} {
			if got.StatusCode < 300 && got.Header.Get(name) != want.Header.Get(name) {
				t.Errorf("%q: %s %q, want %q", header, name, got.Header.Get(name), want.Header.Get(name))
			}
		}
	}
}

// TestSendAnswersOnce has a handler answer with a file, and with another.
func TestSendAnswersOnce(t *testing.T) {
	s, addr, on := serve(t)
	dir := fileTree(t)
	second := make(chan error, 1)
	on(func() {
		s.Handle("/any", func(r *evhttp.Request) {
			for i := range 2 {
				f, err := os.Open(filepath.Join(dir, "a.txt"))
				if err != nil {
					t.Error(err)
					return
				}
				info, err := f.Stat()
				if err != nil {
					t.Error(err)
				}
				err = evfile.Send(r, f, info, "x/y")
				if i == 1 {
					second <- err
				} else if err != nil {
					t.Error(err)
				}
				if i == 1 && f.Close() == nil {
					t.Error("the file was left open")
				}
			}
		})
	})
	resp, body := fetch(t, addr, "GET", "/any", "Range: bytes=1-2")
	if resp.StatusCode != 206 || body != "12" || resp.Header.Get("Content-Type") != "x/y" {
		t.Errorf("got %s, %q, %v", resp.Status, body, resp.Header)
	}
	if err := <-second; !errors.Is(err, evhttp.ErrOrder) && !errors.Is(err, evhttp.ErrDone) {
		t.Errorf("the second answer: %v", err)
	}
}
