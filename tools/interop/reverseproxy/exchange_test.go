package reverseproxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// echo sends a body back, and says how long it was to be.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Got-Length", fmt.Sprint(r.ContentLength))
	w.Header().Set("Got-Method", r.Method)
	if r.Method != http.MethodHead {
		io.Copy(w, r.Body)
	}
}

func TestGet(t *testing.T) {
	mux := http.NewServeMux()
	long := strings.Repeat("long ", 200_000)
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, long) })
	mux.HandleFunc("/sized", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(long)))
		io.WriteString(w, long)
	})
	mux.HandleFunc("/204", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/304", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Etag", `"x"`); w.WriteHeader(304) })
	mux.HandleFunc("/", echo)
	inEveryStack(t, mux, func(s *stack) {
		for range 2 { // the second time over connections that are kept
			for _, tt := range []struct {
				method, path string
				code         int
				length       int64
				body         string
			}{
				{"GET", "/none", 200, 0, ""},
				{"GET", "/long", 200, -1, long},
				{"HEAD", "/long", 200, -1, ""},
				{"GET", "/sized", 200, int64(len(long)), long},
				{"HEAD", "/sized", 200, int64(len(long)), ""},
				{"GET", "/204", 204, 0, ""},
				{"GET", "/304", 304, 0, ""},
				{"PURGE", "/none", 200, 0, ""},
				{"DELETE", "/none", 200, 0, ""},
			} {
				resp, body := s.do(tt.method, tt.path, nil)
				if resp.StatusCode != tt.code || resp.ContentLength != tt.length || body != tt.body || resp.Close {
					s.t.Errorf("%s %s: %s, length %d, %d bytes, close %t", tt.method, tt.path, resp.Status, resp.ContentLength, len(body), resp.Close)
				}
			}
		}
	})
}

func TestEchoes(t *testing.T) {
	inEveryStack(t, duplex(http.HandlerFunc(echo)), func(s *stack) {
		for _, size := range []int{0, 5, 2049, 70_000, 1 << 20} {
			body := strings.Repeat("x", size)
			for _, sized := range []bool{true, false} {
				reader, length := io.Reader(strings.NewReader(body)), fmt.Sprint(size)
				if !sized {
					reader, length = io.MultiReader(reader), "-1"
				}
				resp, got := s.do("POST", "/", reader)
				if got != body || resp.StatusCode != 200 {
					s.t.Errorf("%d bytes came back of %d, %s", len(got), size, resp.Status)
				}
				if l := resp.Header.Get("Got-Length"); size > 0 && l != length {
					s.t.Errorf("%d bytes, length %s: the origin got length %s", size, length, l)
				}
			}
			resp, got := s.do("PUT", "/", strings.NewReader(body), func(r *http.Request) { r.Header.Set("Expect", "100-continue") })
			if got != body || resp.StatusCode != 200 {
				s.t.Errorf("expecting: %d bytes came back of %d, %s", len(got), size, resp.Status)
			}
		}
	})
}

// TestEarlyAnswers has the origin answer while the body is still under way, which
// ends only when the answer has come.
func TestEarlyAnswers(t *testing.T) {
	page := strings.Repeat("no ", 100_000)
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(413)
		io.WriteString(w, page[:len(r.URL.Path)*len(page)/len("/long")])
	}), func(s *stack) {
		for _, path := range []string{"/long", "/"} {
			for _, length := range []int64{-1, 1 << 20} {
				in, out := io.Pipe()
				wrote := make(chan struct{})
				go func() {
					defer close(wrote)
					out.Write(make([]byte, 100_000)) // which fails once the answer has come
				}()
				resp, got := s.do("POST", path, in, func(r *http.Request) { r.ContentLength = length })
				if want := page[:len(path)*len(page)/len("/long")]; resp.StatusCode != 413 || got != want {
					s.t.Errorf("%s, %d bytes of %d", resp.Status, len(got), len(want))
				}
				out.Close()
				in.Close()
				await(s.t, wrote, "the body's writer")
			}
		}
	})
}

// TestUploadsThatFail never look complete to the origin.
func TestUploadsThatFail(t *testing.T) {
	began, read := make(chan struct{}), make(chan error)
	some := strings.Repeat("x", 20_000) // so much that nobody holds it back
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
	}), func(s *stack) {
		for what, part := range map[string]string{
			"sized":          "Content-Length: 20001\r\n\r\n" + some,
			"large":          "Content-Length: 1000000\r\n\r\n" + strings.Repeat(some, 25),
			"between chunks": "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + some + "\r\n",
			"in a chunk":     "Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + some,
		} {
			for _, reset := range []bool{false, true} {
				c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
				if err != nil {
					s.t.Fatal(err)
				}
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\n%s", part)
				await(s.t, began, "the request")
				if reset {
					c.(*net.TCPConn).SetLinger(0)
				}
				c.Close()
				if err := await(s.t, read, "the end of the body"); err == nil {
					s.t.Errorf("%s, reset %t: the body is whole", what, reset)
				}
			}
		}
	})
}

// TestServerSentEvents come one by one, and end at the origin when the client goes.
func TestServerSentEvents(t *testing.T) {
	next, gone := make(chan int), make(chan struct{}, 1)
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for {
			select {
			case i := <-next:
				fmt.Fprintf(w, "data: %d\n\n", i)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				gone <- struct{}{}
				return
			}
		}
	}), func(s *stack) {
		resp, err := s.client.Get(s.url)
		if err != nil {
			s.t.Fatal(err)
		}
		in := bufio.NewReader(resp.Body)
		for i := range 20 {
			next <- i
			line, err := in.ReadString('\n')
			if err != nil || line != fmt.Sprintf("data: %d\n", i) {
				s.t.Fatalf("%q, %v", line, err)
			}
			in.ReadString('\n')
		}
		resp.Body.Close()
		await(s.t, gone, "the end of the request")
	})
}

func TestTrailers(t *testing.T) {
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Announced")
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
		w.Header().Set("Announced", fmt.Sprint(n))
		w.Header().Set(http.TrailerPrefix+"Unannounced", "too")
	}), func(s *stack) {
		for _, size := range []int{1, 100_000} {
			resp, body := s.do("POST", "/", io.MultiReader(strings.NewReader(strings.Repeat("x", size))), func(r *http.Request) {
				r.Trailer = http.Header{"Sum": {fmt.Sprint(size)}} // which proxies do not pass on
			})
			if want := fmt.Sprint(size, nil); body != want {
				s.t.Errorf("body %q, want %q", body, want)
			}
			if a, u := resp.Trailer.Get("Announced"), resp.Trailer.Get("Unannounced"); a != fmt.Sprint(size) || u != "too" {
				s.t.Errorf("trailers %v", resp.Trailer)
			}
		}
	})
}

// TestInformationalAnswers arrive before the answer, which does not wait for them.
func TestInformationalAnswers(t *testing.T) {
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style>")
		w.WriteHeader(103)
		w.WriteHeader(102)
		w.Header().Del("Link")
		io.WriteString(w, "text")
	}), func(s *stack) {
		var got []string
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				got = append(got, fmt.Sprint(code, h.Get("Link")))
				return nil
			},
		})
		_, body := s.do("GET", "/", nil, func(r *http.Request) { *r = *r.WithContext(ctx) })
		if fmt.Sprint(got) != "[103</style> 102</style>]" || body != "text" {
			s.t.Errorf("got %q, then %q", got, body)
		}
	})
}

// TestAnswersThatAreCutOff do not look whole to the client.
func TestAnswersThatAreCutOff(t *testing.T) {
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", "1000")
		}
		io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}), func(s *stack) {
		for _, path := range []string{"/sized", "/"} {
			resp, err := s.client.Get(s.url + path)
			if err != nil {
				continue
			}
			got, err := io.ReadAll(resp.Body)
			if resp.Body.Close(); err == nil {
				s.t.Errorf("%s: %q is whole", path, got)
			}
		}
	})
}

// TestLoad mixes everything, many at a time.
func TestLoad(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/echo", duplex(http.HandlerFunc(echo)))
	mux.HandleFunc("/unread", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 403) })
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/socket", echoWebSocket)
	inEveryStack(t, mux, func(s *stack) {
		var all sync.WaitGroup
		defer all.Wait()
		for i := range 12 {
			all.Go(func() {
				for j := range 12 {
					s.one(i*7 + j)
				}
			})
		}
	})
}

// one makes the n-th request of a load.
func (s *stack) one(n int) {
	body := strings.Repeat("x", n*997)
	method, path, want := "POST", "/echo", body
	switch n % 4 {
	case 1:
		path, want = "/unread", "no\n"
		body = body[:min(len(body), 30_000)] // what is read to keep a connection
	case 2:
		method, path, body = "GET", "/events", ""
		want = "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n"
	case 3:
		s.chat(n)
		return
	}
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Errorf("%d, %s: %v", n, path, err)
		return
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
		s.t.Errorf("%d, %s: %s, %d bytes of %d, %v", n, path, resp.Status, len(got), len(want), err)
	}
}
