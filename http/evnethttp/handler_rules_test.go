package evnethttp_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// TestRulesOfNetHTTP compares what becomes of a handler on our server, in a
// goroutine and on the loop, and on net/http's own.
func TestRulesOfNetHTTP(t *testing.T) {
	const (
		host = " HTTP/1.1\r\nHost: h:1\r\n"
		get  = "GET /" + host + "\r\n"
		head = "HEAD /" + host + "\r\n"
		form = "Content-Type: application/x-www-form-urlencoded\r\n"
		part = "Content-Type: multipart/form-data; boundary=b\r\n"
	)
	post := func(fields, body string) string {
		return fmt.Sprintf("POST /%s%sContent-Length: %d\r\n\r\n%s", host, fields, len(body), body)
	}
	const multipart = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\ncontents\r\n--b--\r\n"
	say := func(w io.Writer, what ...any) { fmt.Fprintln(w, what...) }
	tests := []struct {
		name    string
		raw     string
		handler http.HandlerFunc
		waits   bool // not for handlers on the loop
	}{
		// The header.
		{"fields after WriteHeader", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", "before")
			w.WriteHeader(201)
			w.Header().Set("X", "after")
			w.Header().Set("Y", "after")
		}, false},
		{"fields after Write", get, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.Header().Set("X", "after")
		}, false},
		{"fields of several values", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["X"] = []string{"1", "2"}
			w.Header()["x-lower"] = []string{"3"}
			w.Header()["Nothing"] = nil
		}, false},
		{"invalid names", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["X y"] = []string{"1"}
			w.Header()["X:"] = []string{"2"}
			w.Header()[""] = []string{"3"}
			w.Header()["Z"] = []string{" 4 "}
		}, false},
		{"superfluous WriteHeader", get, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			w.WriteHeader(200)
			io.WriteString(w, "x")
			w.WriteHeader(500)
		}, false},
		{"a Date of its own", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
		}, false},
		{"several interim replies", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.Header().Set("Link", "</b>")
			w.Header().Set("Content-Length", "1")
			w.WriteHeader(103)
			w.Header().Del("Link")
			w.WriteHeader(102)
			io.WriteString(w, "x")
		}, false},
		{"an interim reply for HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoAtLeast(1, 1) {
				w.WriteHeader(103)
			}
			io.WriteString(w, "x")
		}, false},

		// The length.
		{"more than was announced", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			n, err := io.WriteString(w, "abcd")
			m, err2 := io.WriteString(w, "abc")
			w.Header().Set("X", "late")
			if n != 0 || err != http.ErrContentLength || m != 3 && err2 == nil {
				panic(fmt.Sprint(n, err, m, err2))
			}
		}, true},
		{"a length that is none", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "three")
			io.WriteString(w, "abc")
		}, false},
		{"a negative length", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "-3")
			io.WriteString(w, "abc")
		}, false},
		{"a length of nothing", get, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "0") }, false},
		{"a length for HEAD", head, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "1000") }, false},
		{"HEAD with a body", head, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.WriteString(w, "<html>")
			w.Header().Set("X", fmt.Sprint(err))
		}, false},
		{"HEAD and 204", head, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, false},
		{"304 with a body and a type", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "7")
			w.Header().Set("Etag", `"x"`)
			w.WriteHeader(304)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, false},
		{"204 with a length", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "7")
			w.WriteHeader(204)
		}, false},
		{"exactly what is held back", get, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 2048)) }, false},
		{"more than is held back", get, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, strings.Repeat("x", 1000))
			w.Write(bytes.Repeat([]byte("y"), 100_000))
			io.WriteString(w, strings.Repeat("x", 1000))
		}, true},
		{"an error", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			http.Error(w, "no", 499)
		}, false},
		{"a redirection", get, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "b?c", 302) }, false},

		// The type.
		{"a type in several writes", get, func(w http.ResponseWriter, r *http.Request) {
			for _, s := range []string{"<!DOC", "TYPE HT", "ML>"} {
				io.WriteString(w, s)
			}
		}, false},
		{"a type in several writes for HEAD", head, func(w http.ResponseWriter, r *http.Request) {
			for _, s := range []string{"\x89PN", "G\x0D\x0A", "\x1A\x0A"} {
				io.WriteString(w, s)
			}
		}, false},
		{"a type of what is encoded", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "<html>")
		}, false},
		{"an empty type", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "")
			io.WriteString(w, "<html>")
		}, false},

		// Trailers.
		{"announced trailers", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Trailer", "A, content-length")
			w.Header().Add("Trailer", "b")
			w.Header().Set("A", "early")
			io.WriteString(w, "x")
			w.Header().Set("A", "late")
			w.Header().Set("B", "late")
			w.Header().Set("C", "late")
		}, false},
		{"announced after the fact", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1")
			io.WriteString(w, "x")
			w.Header().Set("Trailer", "A")
			w.Header().Set("A", "late")
		}, false},
		{"trailers of a request", "POST /" + host + "Transfer-Encoding: chunked\r\nTrailer: A, b\r\n\r\n1\r\nx\r\n0\r\nA: 1\r\nC: 2\r\n\r\n",
			func(w http.ResponseWriter, r *http.Request) {
				say(w, r.Trailer, r.Header, r.TransferEncoding, r.ContentLength)
				io.Copy(w, r.Body)
				say(w, r.Trailer)
			}, false},

		// The request.
		{"the request", post("X-A: 1\r\nx-a: 2\r\nCookie: a=b\r\nCookie: c=d\r\nReferer: z\r\nUser-Agent: u\r\n", "body"), func(w http.ResponseWriter, r *http.Request) {
			say(w, r.Method, r.URL, r.RequestURI, r.Proto, r.Host, r.Header, r.ContentLength, r.TransferEncoding, r.Close, r.Referer(), r.UserAgent(), r.Cookies())
			remote, _, err := net.SplitHostPort(r.RemoteAddr)
			say(w, remote, err, r.Form, r.Trailer, r.TLS)
		}, false},
		{"absolute form", "GET http://other:8/p/%2f?q HTTP/1.1\r\nHost: h\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			say(w, r.URL.Scheme, r.URL.Host, r.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI)
		}, false},
		{"absolute form without more", "GET http://other HTTP/1.1\r\nHost: other\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%q %q %q %q", r.URL.Host, r.Host, r.URL.Path, r.RequestURI)
		}, false},
		{"escaped path", "GET /a%2Fb/c%20d;x?y=%zz&z=1;2" + host + "\r\n", func(w http.ResponseWriter, r *http.Request) {
			say(w, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.Query(), r.ParseForm())
		}, false},
		{"two slashes", "GET //evil/../x" + host + "\r\n", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%q %q", r.URL.Host, r.URL.Path)
		}, false},
		{"OPTIONS of the server", "OPTIONS *" + host + "\r\n", func(w http.ResponseWriter, r *http.Request) {
			say(w, r.URL, r.RequestURI)
		}, false},
		{"CONNECT", "CONNECT h:1" + host + "\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", fmt.Sprintf("%q %q %q %q", r.URL.Scheme, r.URL.Host, r.URL.Path, r.Host))
			w.WriteHeader(403)
		}, false},
		{"Pragma", "GET /" + host + "Pragma: no-cache\r\n\r\n", func(w http.ResponseWriter, r *http.Request) { say(w, r.Header) }, false},
		{"a name and a password", "GET /" + host + "Authorization: Basic YTpi\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			say(w, r.Header)
		}, false},
		{"a form", post(form, "a=1&b=%20&a=2"), func(w http.ResponseWriter, r *http.Request) {
			say(w, r.FormValue("a"), r.PostForm, r.ParseForm())
		}, false},
		{"a form of parts", post(part, multipart), func(w http.ResponseWriter, r *http.Request) {
			err := r.ParseMultipartForm(1)
			f, h, err2 := r.FormFile("f")
			if err2 != nil {
				say(w, err, err2)
				return
			}
			b, err3 := io.ReadAll(f)
			say(w, err, r.Form, h.Filename, h.Size, string(b), err3, f.Close())
		}, false},
		{"a body with a limit", post("", strings.Repeat("x", 100)), func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10))
			var tooLarge *http.MaxBytesError
			say(w, len(b), errors.As(err, &tooLarge), r.ContentLength)
		}, false},
		{"no body", get, func(w http.ResponseWriter, r *http.Request) {
			n, err := r.Body.Read(make([]byte, 1))
			say(w, n, err, r.Body == http.NoBody, r.ContentLength, r.Body.Close())
		}, false},
		{"an empty body", post("", ""), func(w http.ResponseWriter, r *http.Request) {
			n, err := r.Body.Read(make([]byte, 1))
			say(w, n, err, r.Body == http.NoBody, r.ContentLength, r.Header)
		}, false},
		{"an empty chunked body", "POST /" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			n, err := r.Body.Read(make([]byte, 1))
			say(w, n, err, r.ContentLength)
		}, false},
		{"a body that was closed", post("", "body"), func(w http.ResponseWriter, r *http.Request) {
			r.Body.Close()
			n, err := r.Body.Read(make([]byte, 1))
			say(w, n, err)
		}, false},
		{"reading nothing", post("", "body"), func(w http.ResponseWriter, r *http.Request) {
			n, err := r.Body.Read(nil)
			say(w, n, err)
		}, false},
		{"a body after the reply", post("", "body"), func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).EnableFullDuplex()
			io.WriteString(w, "reply ")
			http.NewResponseController(w).Flush()
			io.Copy(w, r.Body)
		}, true},
		{"Connection: close and a body that nobody reads", post("Connection: close\r\n", "body"), func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") }, false},

		// What a writer can do.
		{"what it can do", get, func(w http.ResponseWriter, r *http.Request) {
			_, flusher := w.(http.Flusher)
			_, hijacker := w.(http.Hijacker)
			_, from := w.(io.ReaderFrom)
			_, str := w.(io.StringWriter)
			c := http.NewResponseController(w)
			say(w, flusher, hijacker, from, str, c.EnableFullDuplex(), c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{}))
		}, true},
		{"reads from a reader", get, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(w, io.MultiReader(strings.NewReader("<html>"), strings.NewReader("x")))
			say(w, n, err)
		}, false},
		{"hijack after the head", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "a")
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			io.WriteString(c, "bcde")
			if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
				io.WriteString(c, fmt.Sprint(err))
			}
			c.Close()
		}, true},
		{"hijack twice", get, func(w http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			_, _, again := http.NewResponseController(w).Hijack()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%v %v", err, again)
			c.Close()
		}, true},
		{"Goexit", get, func(w http.ResponseWriter, r *http.Request) { runtime.Goexit() }, true},
		{"panic after a flush", get, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, true},
	}
	// What ours makes of it where that is something else, on purpose.
	others := map[string]string{
		// With net/http the first write counts, though it has failed.
		"more than was announced": "200 map[Content-Length:[3] Content-Type:[text/plain; charset=utf-8]] [] 3 abc false close=false trailer=map[]",
		// With net/http it is chunked.
		"a length that is none": "200 map[Content-Length:[3] Content-Type:[text/plain; charset=utf-8]] [] 3 abc false close=false trailer=map[]",
		// With net/http it is chunked.
		"a negative length": "200 map[Content-Length:[3] Content-Type:[text/plain; charset=utf-8]] [] 3 abc false close=false trailer=map[]",
		// With net/http the connection is closed.
		"a body with a limit": "200 map[Content-Length:[12] Content-Type:[text/plain; charset=utf-8]] [] 12 10 true 100\n false close=false trailer=map[]",
		// With net/http what was written is lost.
		"hijack after the head": "200 map[Content-Length:[5] Content-Type:[text/plain; charset=utf-8]] [] 5 abcde false close=false trailer=map[]",
	}
	quiet(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := test.raw
			want := answer(t, newHTTPServer(t, test.handler), raw)
			if ours := others[test.name]; ours != "" {
				want = ours
			}
			if got := answer(t, newOurServer(t, test.handler), raw); got != want {
				t.Errorf("in a goroutine:\ngot  %s\nwant %s", got, want)
			}
			if test.waits {
				return
			}
			s, addr, on := serve(t)
			on(func() {
				s.Unhandle("/hello")
				s.Unhandle("/echo")
				s.SetAllowedMethods(1<<32 - 1)
				s.SetGenericCallback(evnethttp.InlineHandler(test.handler))
			})
			if got := answer(t, "http://"+addr, raw); got != want {
				t.Errorf("on the loop:\ngot  %s\nwant %s", got, want)
			}
		})
	}
}

var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

// TestFileServersLikeNetHTTP has http.FileServer run on both servers.
func TestFileServersLikeNetHTTP(t *testing.T) {
	dir := servertest.TempFolder(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	os.Mkdir(filepath.Join(dir, "sub"), 0o777)
	for name, content := range map[string][]byte{"a.txt": []byte("0123456789"), "large.bin": large, "empty": nil, "sub/index.html": []byte("<html>index")} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
	}
	files := http.FileServer(http.Dir(dir))
	ours, theirs := newOurServer(t, files), newHTTPServer(t, files)
	var requests []string
	for _, path := range []string{"/a.txt", "/empty", "/", "/sub", "/sub/", "/sub/index.html", "/none", "/../x", "/large.bin"} {
		requests = append(requests, "GET "+path+" HTTP/1.1\r\nHost: h\r\n", "HEAD "+path+" HTTP/1.1\r\nHost: h\r\n", "GET "+path+" HTTP/1.0\r\n")
	}
	for _, fields := range []string{
		"Range: bytes=2-3\r\n", "Range: bytes=-2\r\n", "Range: bytes=8-\r\n", "Range: bytes=0-0,5-6\r\n", "Range: bytes=10-\r\n", "Range: bytes=9-3\r\n", "Range: lines=1-2\r\n",
		"Range: bytes=0-1\r\nIf-Range: Thu, 02 Jan 2020 03:04:05 GMT\r\n", "Range: bytes=0-1\r\nIf-Range: Thu, 02 Jan 2020 03:04:04 GMT\r\n",
		"If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT\r\n", "If-Modified-Since: Thu, 02 Jan 2020 03:04:04 GMT\r\n",
		"If-Unmodified-Since: Thu, 02 Jan 2020 03:04:04 GMT\r\n", "If-None-Match: *\r\n", "If-Match: \"x\"\r\n",
	} {
		requests = append(requests, "GET /a.txt HTTP/1.1\r\nHost: h\r\n"+fields, "HEAD /a.txt HTTP/1.1\r\nHost: h\r\n"+fields)
	}
	requests = append(requests, "GET /large.bin HTTP/1.1\r\nHost: h\r\nRange: bytes=1000000-2500000\r\n")
	for _, raw := range requests {
		got, want := answer(t, ours, raw+"\r\n"), answer(t, theirs, raw+"\r\n")
		got, want = boundary.ReplaceAllString(got, "-"), boundary.ReplaceAllString(want, "-")
		if got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", raw, got, want)
		}
	}
	resp, err := http.Get(ours + "/large.bin")
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	n, err := io.Copy(h, resp.Body)
	resp.Body.Close()
	if want := sha256.Sum256(large); n != int64(len(large)) || err != nil || !bytes.Equal(h.Sum(nil), want[:]) {
		t.Errorf("a large file: %d bytes, %v, or other ones", n, err)
	}
	http.DefaultClient.CloseIdleConnections()
}
