package evhttp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// serveFiles serves a folder, whose files have the names and contents given; a
// name that ends in a slash is a folder, and contents that begin with "->" make
// a symbolic link.
func serveFiles(t *testing.T, files map[string]string) (f *FileServer, s *Server, addr, dir string) {
	t.Helper()
	dir = filepath.Join(tempDir(t), "root")
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	check(os.Mkdir(dir, 0o700))
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, content := range files {
		path := filepath.Join(dir, name)
		check(os.MkdirAll(filepath.Dir(path), 0o700))
		if target, ok := strings.CutPrefix(content, "->"); ok {
			check(os.Symlink(target, path))
			continue
		}
		if strings.HasSuffix(name, "/") {
			check(os.MkdirAll(path, 0o700))
			continue
		}
		check(os.WriteFile(path, []byte(content), 0o600))
		check(os.Chtimes(path, old, old))
	}
	s, addr, on := serve(t)
	f, err := NewFileServer(dir)
	check(err)
	t.Cleanup(func() { f.Close() })
	on(func() {
		f.Listings = true
		s.exact = map[string]handler{}
		s.SetGenericCallback(f.Serve)
	})
	return f, s, addr, dir
}

func TestFileServer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links")
	}
	outside := filepath.Join(tempDir(t), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, addr, _ := serveFiles(t, map[string]string{
		"a.txt": "0123456789", "empty": "", "with space": "s", "sub/index.html": "index", "listed/b": "b", "listed/.c": "c", "listed/d/": "",
		".hidden": "h", "sub/.git/config": "g", "link": "->a.txt", "linked": "->listed", "out": "->" + outside, "up": "->../secret", "loop": "->loop",
	})
	for _, test := range []struct {
		target string
		want   string
	}{
		{"/a.txt", "0123456789"}, {"/a.txt?x", "0123456789"}, {"/%61.txt", "0123456789"}, {"/empty", ""}, {"/with%20space", "s"},
		{"/sub/", "index"}, {"/sub", "301 ./sub/"}, {"/link", "0123456789"}, {"/linked/b", "b"}, {"/linked", "301 ./linked/"},
		{"/none", "404"}, {"/a.txt/", "404"}, {"/a.txt/x", "404"}, {"/sub/none", "404"},
		{"/.hidden", "404"}, {"/sub/.git/config", "404"}, {"/sub/.git/", "404"},
		{"/out", "404"}, {"/up", "404"}, {"/loop", "404"},
		{"/../secret", "404"}, {"/sub/../../secret", "404"}, {"/%2e%2e/secret", "404"}, {"/..%2fsecret", "404"}, {"/..%5csecret", "404"},
		{"/sub//index.html", "404"}, {"//a.txt", "404"}, {"/./a.txt", "404"}, {"/a.txt%00", "404"}, {"/%00", "404"},
	} {
		wantSame(t, test.target, bodyFor(t, addr, "GET", "a", test.target), test.want)
	}
	wantSame(t, "POST", bodyFor(t, addr, "POST", "a", "/a.txt"), "405 GET, HEAD")
	list := bodyFor(t, addr, "GET", "a", "/listed/")
	if !strings.Contains(list, `"./b"`) || !strings.Contains(list, `"./d/"`) || strings.Contains(list, ".c") {
		t.Errorf("listing %s", list)
	}
	root := bodyFor(t, addr, "GET", "a", "/")
	for name, there := range map[string]bool{"a.txt": true, "link": true, "linked/": true, "out": false, "up": false, "loop": false, ".hidden": false} {
		if strings.Contains(root, `"./`+name+`"`) != there {
			t.Errorf("%s in the listing: %v", name, !there)
		}
	}
}

func TestFileServerSettings(t *testing.T) {
	f, s, addr, _ := serveFiles(t, map[string]string{"sub/index.html": "index", "sub/home": "home", "sub/.x": "x", "other/y": "y"})
	on := func(fn func()) {
		done := make(chan struct{})
		s.base.Post(func() { fn(); close(done) })
		<-done
	}
	on(func() { f.Listings, f.Index, f.Hidden = false, "home", true })
	wantSame(t, "index", bodyFor(t, addr, "GET", "a", "/sub/"), "home")
	wantSame(t, "no listing", bodyFor(t, addr, "GET", "a", "/other/"), "404")
	wantSame(t, "hidden", bodyFor(t, addr, "GET", "a", "/sub/.x"), "x")
	on(func() {
		f.Listings, f.Index, f.MaxListing = true, "-", 1
		s.HandlePattern("/static/{path...}", f.Serve)
		s.HandlePattern("GET /sub/", f.Serve)
	})
	if n := strings.Count(bodyFor(t, addr, "GET", "a", "/static/sub/"), `<a href="./`); n != 1 {
		t.Errorf("%d entries", n)
	}
	wantSame(t, "below a pattern", bodyFor(t, addr, "GET", "a", "/static/sub/home"), "home")
	wantSame(t, "below another pattern", bodyFor(t, addr, "GET", "a", "/sub/home"), "home")
	wantSame(t, "outside of it", bodyFor(t, addr, "GET", "a", "/static/../sub/home"), "404")
}

// fetch makes a request with fields, which are pairs of name and value.
func fetch(t *testing.T, method, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp, string(body)
}

// TestFilesLikeNetHTTP asks both file servers for parts of the same file.
func TestFilesLikeNetHTTP(t *testing.T) {
	_, _, addr, dir := serveFiles(t, map[string]string{"f.txt": "0123456789"})
	theirs := newHTTPServer(t, http.FileServer(http.Dir(dir)))
	first, _ := fetch(t, "GET", "http://"+addr+"/f.txt")
	tag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	if tag == "" || modified == "" {
		t.Fatalf("header %v", first.Header)
	}
	for _, fields := range [][]string{
		nil, {"Range", "bytes=2-4"}, {"Range", "bytes=-3"}, {"Range", "bytes=8-"}, {"Range", "bytes=0-0"}, {"Range", "bytes=5-100"},
		{"Range", "bytes=10-"},
		{"If-Modified-Since", modified}, {"If-Modified-Since", "Wed, 01 Jan 2020 00:00:00 GMT"}, {"If-Unmodified-Since", "Wed, 01 Jan 2020 00:00:00 GMT"},
		{"Range", "bytes=1-2", "If-Range", modified}, {"Range", "bytes=1-2", "If-Range", "Wed, 01 Jan 2020 00:00:00 GMT"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			resp, body := fetch(t, method, "http://"+addr+"/f.txt", fields...)
			want, wantBody := fetch(t, method, theirs+"/f.txt", fields...)
			if method == "HEAD" && len(fields) > 0 && fields[0] == "Range" {
				continue // Range has a meaning for GET only, RFC 9110 says
			}
			what := fmt.Sprint(method, " ", fields)
			if resp.StatusCode != want.StatusCode || resp.StatusCode < 300 && body != wantBody {
				t.Errorf("%s: %s %q, want %s %q", what, resp.Status, body, want.Status, wantBody)
			}
			for _, name := range []string{"Content-Range", "Content-Length", "Accept-Ranges", "Last-Modified"} {
				if resp.StatusCode < 300 && resp.Header.Get(name) != want.Header.Get(name) {
					t.Errorf("%s: %s %q, want %q", what, name, resp.Header.Get(name), want.Header.Get(name))
				}
			}
		}
	}
	for _, test := range []struct {
		fields []string
		want   int
	}{
		{[]string{"If-None-Match", tag}, 304}, {[]string{"If-None-Match", `"x"`}, 200}, {[]string{"If-Match", `"x"`}, 412}, {[]string{"If-Match", tag}, 200},
		{[]string{"Range", "bytes=1-2", "If-Range", tag}, 206}, {[]string{"Range", "bytes=1-2", "If-Range", `"x"`}, 200},
		{[]string{"Range", "lines=1-2"}, 200}, {[]string{"Range", "bytes=20-30"}, 416},
	} {
		if resp, _ := fetch(t, "GET", "http://"+addr+"/f.txt", test.fields...); resp.StatusCode != test.want {
			t.Errorf("%v: %s, want %d", test.fields, resp.Status, test.want)
		}
	}
}

func TestSeveralRanges(t *testing.T) {
	_, _, addr, _ := serveFiles(t, map[string]string{"f.txt": "0123456789"})
	resp, body := fetch(t, "GET", "http://"+addr+"/f.txt", "Range", "bytes=0-1,-2,4-4")
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || resp.StatusCode != 206 {
		t.Fatal(resp.Status, err)
	}
	r := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for _, want := range []string{"bytes 0-1/10 01", "bytes 8-9/10 89", "bytes 4-4/10 4"} {
		part, err := r.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(part)
		if got := part.Header.Get("Content-Range") + " " + string(data); got != want || err != nil {
			t.Errorf("part %q, want %q", got, want)
		}
	}
	if _, err := r.NextPart(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	wantEmpty, _ := fetch(t, "HEAD", "http://"+addr+"/f.txt", "Range", "bytes=0-1,-2,4-4")
	if wantEmpty.StatusCode != 200 {
		t.Errorf("HEAD: %s", wantEmpty.Status)
	}
}

func TestFilesOfRequestsThatAreOverAreClosed(t *testing.T) {
	_, s, addr, dir := serveFiles(t, map[string]string{"f.txt": "0123456789"})
	loopOf(t, s)(func() {
		s.Handle("/twice", func(r *Request) {
			for _, want := range []error{nil, ErrDone} {
				file, err := os.Open(filepath.Join(dir, "f.txt"))
				if err != nil {
					t.Error(err)
					return
				}
				info, err := file.Stat()
				if err != nil {
					t.Error(err)
				}
				wantErr(t, r.SendReplyFile(file, info, ""), want)
				if want != nil {
					wantErr(t, file.Close(), os.ErrClosed)
				}
			}
		})
	})
	wantPart(t, "reply", talk(t, addr, get("/twice")), "0123456789")
}
