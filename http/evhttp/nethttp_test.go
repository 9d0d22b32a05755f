package evhttp

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestNetHTTP(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.SetGenericStream(HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/panic":
				panic("oops")
			case "/flush":
				io.WriteString(w, "a")
				w.(http.Flusher).Flush()
			}
			w.Header().Set("X-Len", r.Header.Get("Content-Length"))
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.Write(b)
			w.Header().Set(http.TrailerPrefix+"X-T", "v")
		})))
	})
	for _, path := range []string{"/", "/flush", "/panic", "/big"} {
		n := 10
		if path == "/big" {
			n = 10 << 20
		}
		resp, err := http.Post("http://"+addr+path, "text/plain", strings.NewReader(strings.Repeat("x", n)))
		if err != nil {
			t.Error(err)
			continue
		}
		b, err := io.ReadAll(resp.Body)
		t.Log(path, resp.Status, resp.Header, resp.TransferEncoding, resp.ContentLength, len(b), err, resp.Trailer)
	}
}
