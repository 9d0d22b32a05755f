//go:build unix

package interop

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startNginx starts nginx, with files of its own and our server behind it, which
// may be nil.
func startNginx(t testing.TB, upstream *ourServer) *process {
	t.Helper()
	path := program(t, "nginx")
	text, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"files/page.txt": []byte("a page\n"), "files/long.bin": noise(long)} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	behind := "127.0.0.1:9"
	if upstream != nil {
		behind = upstream.addr.String()
	}
	return startOn(t, (*process).accepts, func(port int) (string, []string) {
		conf := strings.NewReplacer("PORT", strconv.Itoa(port), "UPSTREAM", behind).Replace(string(text))
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
			t.Fatal(err)
		}
		return path, []string{"-p", dir, "-c", file, "-e", "stderr"}
	})
}

// TestNginxAnswersUs has nginx behind our client.
func TestNginxAnswersUs(t *testing.T) {
	nginx := startNginx(t, nil)
	c, data := newClient(t, nginx.addr().String()), string(noise(long))
	page := c.want(200, "a page\n", "GET", "/page.txt")
	if page.header["Content-Length"] != "7" || page.reason != "OK" {
		t.Errorf("got %+v", page)
	}
	c.want(200, "a text\n", "GET", "/text")
	c.want(200, "", "HEAD", "/long.bin")
	c.want(200, data, "GET", "/long.bin")
	c.want(206, data[1000:2001], "GET", "/long.bin", "Range: bytes=1000-2000")
	c.want(304, "", "GET", "/page.txt", "If-None-Match: "+page.header["ETag"])
	c.want(204, "", "GET", "/status/204")
	if got := c.do("GET", "/status/302", ""); got.code != 302 || !strings.HasSuffix(got.header["Location"], "/text") {
		t.Errorf("a redirection: got %+v", got)
	}
	if got := c.do("GET", "/status/503", ""); got.code != 503 || got.err != nil {
		t.Errorf("an error: got %+v", got)
	}
	if got := c.do("GET", "/none", ""); got.code != 404 || !strings.Contains(got.body, "nginx") {
		t.Errorf("nothing there: got %+v", got)
	}
	c.want(200, data, "GET", "/slow/long.bin")
	if got := c.download("/long.bin"); got.body != data || got.err != nil || got.received < 2 {
		t.Errorf("as it comes: got %d bytes in %d pieces, %v", len(got.body), got.received, got.err)
	}
}

// TestNginxCompressesForUs gets a body in chunks, since nobody knows its length.
func TestNginxCompressesForUs(t *testing.T) {
	c := newClient(t, startNginx(t, nil).addr().String())
	for range 3 {
		got := c.do("GET", "/gzip/long.bin", "", "Accept-Encoding: gzip")
		if got.code != 200 || got.header["Transfer-Encoding"] != "chunked" || got.header["Content-Encoding"] != "gzip" {
			t.Fatalf("got %d, %v, error %v", got.code, got.header, got.err)
		}
		z, err := gzip.NewReader(strings.NewReader(got.body))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, noise(long)) {
			t.Errorf("got %d bytes, %v", len(plain), err)
		}
	}
}

// TestNginxClosesConnectionsOnUs has nginx end the connection with every third
// answer, or with each.
func TestNginxClosesConnectionsOnUs(t *testing.T) {
	c := newClient(t, startNginx(t, nil).addr().String())
	for _, place := range []string{"/few/", "/short/"} {
		closes := 0
		for range 10 {
			if got := c.want(200, "a page\n", "GET", place+"page.txt"); got.header["Connection"] == "close" {
				closes++
			}
		}
		if closes < 3 {
			t.Errorf("%s: the connection was closed %d times", place, closes)
		}
		// All of them are made before the first is answered.
		for range 10 {
			c.begin(func(a answer) {
				if a.code != 200 || a.body != "a page\n" || a.err != nil {
					t.Errorf("%s: got %d, %q, %v", place, a.code, a.body, a.err)
				}
			}, "GET", place+"page.txt", "")
		}
		c.await()
	}
}

// TestNginxTakesOurUploads stores files by WebDAV.
func TestNginxTakesOurUploads(t *testing.T) {
	c, data := newClient(t, startNginx(t, nil).addr().String()), string(noise(long))
	for i, header := range [][]string{nil, {"Expect: 100-continue"}} {
		name := fmt.Sprintf("/dav/whole%d", i)
		if got := c.do("PUT", name, data, header...); got.code != 201 || got.err != nil {
			t.Fatalf("PUT with %q: got %d, %v", header, got.code, got.err)
		}
		c.want(200, data, "GET", name)
		name = fmt.Sprintf("/dav/parts%d", i)
		if got := c.upload(name, inParts(data, 100_000), header...); got.code != 201 || got.err != nil {
			t.Fatalf("PUT in chunks with %q: got %d, %v", header, got.code, got.err)
		}
		c.want(200, data, "GET", name)
		name = fmt.Sprintf("/dav/announced%d", i)
		if got := c.upload(name, inParts(data, 100_000), append(header, "Content-Length: "+strconv.Itoa(long))...); got.code != 201 || got.err != nil {
			t.Fatalf("PUT in announced parts with %q: got %d, %v", header, got.code, got.err)
		}
		c.want(200, data, "GET", name)
		c.want(204, "", "DELETE", name)
	}
	if got := c.do("PUT", "/limited/x", data, "Expect: 100-continue"); got.code != 413 {
		t.Errorf("a body that is too long: got %d, %v", got.code, got.err)
	}
	c.want(200, "a page\n", "GET", "/page.txt") // whatever has become of the connection
}

// TestNginxInFrontOfUs has nginx pass requests on to our server.
func TestNginxInFrontOfUs(t *testing.T) { eachBrowser(t, testNginxInFrontOfUs) }

func testNginxInFrontOfUs(t *testing.T, newBrowser func(testing.TB, string) *browser) {
	s := serve(t)
	nginx := startNginx(t, s)
	data := string(noise(long))
	for _, way := range []string{"/new", "/old"} {
		t.Run(way, func(t *testing.T) {
			b := newBrowser(t, "http://"+nginx.addr().String()+way)
			b.want(200, "Hello, world\n", "GET", "/hello", nil)
			b.want(200, "", "HEAD", "/hello", nil)
			b.want(200, "later\n", "GET", "/later", nil)
			b.want(200, "line 0\nline 1\nline 2\n", "GET", "/chunks/3", nil)
			b.want(200, data, "GET", "/files/long.bin", nil)
			b.want(206, data[5:1000], "GET", "/files/long.bin", nil, "Range: bytes=5-999")
			b.want(204, "", "GET", "/status/204", nil)
			b.want(503, "", "GET", "/status/503", nil)
			b.want(200, data, "POST", "/echo", strings.NewReader(data))
			b.want(200, data, "PUT", "/stream", io.MultiReader(strings.NewReader(data)))
			b.want(200, "", "POST", "/echo", http.NoBody)
			_, header := b.want(200, "a page\n", "GET", "/files/page.txt", nil)
			b.want(304, "", "GET", "/files/page.txt", nil, "If-None-Match: "+header.Get("ETag"))
		})
	}
	kept, versions := 0, make(map[int]int)
	for _, r := range s.requests() {
		versions[r.minor]++
		if r.header["X-Forwarded-For"] == "127.0.0.1" {
			kept++
		}
	}
	if kept != 13 || versions[1] != 13 || versions[0] != 13 {
		t.Errorf("requests by version: %v; %d were forwarded in the new way", versions, kept)
	}
	if n := s.connections(); n > 13+6 {
		t.Errorf("%d connections for 13 requests over one each, and 13 over some that are kept", n)
	}
}

// accepts waits until the program listens at its port, and returns whether it came
// to that before its end.
func (p *process) accepts() bool {
	p.t.Helper()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for late := time.Now().Add(interopPatience); time.Now().Before(late); {
		conn, err := net.Dial("tcp4", p.addr().String())
		if err == nil {
			conn.Close()
			return true
		}
		select {
		case <-p.left:
			return false
		case <-pause.C:
		}
	}
	p.t.Fatalf("nobody accepts connections at %s", p.addr())
	return false
}
