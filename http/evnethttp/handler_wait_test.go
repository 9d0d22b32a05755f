package evnethttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// onBoth runs a test with our server and with net/http's own.
func onBoth(t *testing.T, test func(t *testing.T, start func(h http.HandlerFunc) (addr string))) {
	for name, start := range map[string]func(testing.TB, http.Handler) string{"ours": newOurServer, "theirs": newHTTPServer} {
		t.Run(name, func(t *testing.T) {
			test(t, func(h http.HandlerFunc) string { return strings.TrimPrefix(start(t, h), "http://") })
		})
	}
}

// await waits for what a handler says.
func waitFor[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing comes of it")
	}
	return v
}

func TestReadDeadlinesOfHandlers(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		errs := make(chan error, 3)
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			errs <- rc.SetReadDeadline(time.Now().Add(soon))
			_, err := io.ReadFull(r.Body, make([]byte, 9))
			errs <- err
			_, err = r.Body.Read(make([]byte, 9))
			errs <- err
		}))
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
		wantErr(t, waitFor(t, errs), nil)
		wantErr(t, waitFor(t, errs), os.ErrDeadlineExceeded)
		wantErr(t, waitFor(t, errs), os.ErrDeadlineExceeded)
	})
}

// TestReadDeadlinesCanBeMoved is for ours: elsewhere a deadline that has passed
// is the end of the connection.
func TestReadDeadlinesCanBeMoved(t *testing.T) {
	errs := make(chan error, 2)
	missed := make(chan struct{})
	addr := strings.TrimPrefix(newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.SetReadDeadline(time.Now().Add(-time.Second))
		_, err := r.Body.Read(make([]byte, 9))
		errs <- err
		close(missed)
		rc.SetReadDeadline(time.Time{})
		b, err := io.ReadAll(r.Body)
		errs <- err
		w.Write(b)
	})), "http://")
	c := dial(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx")
	<-missed
	io.WriteString(c, "y")
	wantErr(t, waitFor(t, errs), os.ErrDeadlineExceeded)
	wantErr(t, waitFor(t, errs), nil)
	if got := readAll(t, c); !strings.HasSuffix(got, "\r\n\r\nxy") {
		t.Errorf("got %q", got)
	}
}

func TestWriteDeadlinesOfHandlers(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		errs := make(chan error, 2)
		addr := start(func(w http.ResponseWriter, r *http.Request) {
			errs <- http.NewResponseController(w).SetWriteDeadline(time.Now().Add(soon))
			part := make([]byte, 1<<20)
			for {
				if _, err := w.Write(part); err != nil {
					errs <- err
					return
				}
			}
		})
		c := dial(t, addr)
		io.WriteString(c, get("/"))
		wantErr(t, waitFor(t, errs), nil)
		wantErr(t, waitFor(t, errs), os.ErrDeadlineExceeded)
		readAll(t, c) // the connection ends
	})
}

// TestClientsThatWaitForHandlers are asked for the body when the handler reads.
func TestClientsThatWaitForHandlers(t *testing.T) {
	s, addr, on := serve(t)
	asked, read := make(chan struct{}), make(chan struct{})
	on(func() {
		s.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-read
			io.Copy(w, r.Body)
		})))
	})
	c := dial(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
	waitFor(t, asked)
	close(read)
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatal(line, err)
	}
	io.WriteString(c, "xy")
	if b, err := io.ReadAll(in); !bytes.HasSuffix(b, []byte("\r\n\r\nxy")) || err != nil {
		t.Errorf("got %q %v", b, err)
	}
}

func TestContextsEndWithTheHandler(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		contexts := make(chan context.Context, 1)
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) {
			if r.Context().Err() != nil || r.Context().Value(http.ServerContextKey) == nil {
				t.Error("the context is not that of a request")
			}
			contexts <- r.Context()
		}))
		// The body never comes.
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
		waitFor(t, waitFor(t, contexts).Done())
		// A context survives hijacking, until the handler returns.
	})
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		contexts := make(chan context.Context, 1)
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
			wantErr(t, r.Context().Err(), nil)
			contexts <- r.Context()
		}))
		io.WriteString(c, get("/"))
		waitFor(t, waitFor(t, contexts).Done())
	})
}

func TestBodiesEndWithTheHandler(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		bodies := make(chan io.Reader, 1)
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) { bodies <- r.Body }))
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy")
		body := waitFor(t, bodies)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		// With net/http it is closed before the reply has left, here about then.
		for {
			if _, err := body.Read(make([]byte, 1)); err != nil {
				if err != io.EOF {
					wantErr(t, err, http.ErrBodyReadAfterClose)
				}
				break
			}
		}
	})
}

// TestBodiesThatNobodyReads has several requests on a connection.
func TestBodiesThatNobodyReads(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }))
		in := bufio.NewReader(c)
		for i := range 3 {
			fmt.Fprintf(c, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n%s", i, strings.Repeat("x", 30000))
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(i, err)
			}
			if b, _ := io.ReadAll(resp.Body); string(b) != fmt.Sprintf("/%d", i) || resp.Close {
				t.Errorf("got %q, close %v", b, resp.Close)
			}
		}
	})
}

// TestHandlersThatEcho read and write at the same time.
func TestHandlersThatEcho(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			if err := rc.EnableFullDuplex(); err != nil {
				t.Error(err)
			}
			rc.Flush()
			part := make([]byte, 100)
			for {
				n, err := r.Body.Read(part)
				w.Write(part[:n])
				rc.Flush()
				if err != nil {
					return
				}
			}
		}))
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"one", "two", "three"} {
			fmt.Fprintf(c, "%x\r\n%s\r\n", len(word), word)
			got := make([]byte, len(word))
			if !fills(resp.Body, got) || string(got) != word {
				t.Fatalf("got %q", got)
			}
		}
		io.WriteString(c, "0\r\n\r\n")
		if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
			t.Error(b, err)
		}
	})
}

// TestHijackedConnections get what the client has sent ahead, and are nobody
// else's.
func TestHijackedConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		given := make(chan net.Conn, 1)
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
			rw.Flush()
			line, err := rw.ReadString('\n')
			fmt.Fprintf(conn, "%s%v", line, err)
			given <- conn
		}))
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nahead\n")
		conn := waitFor(t, given) // the handler has returned, or is about to
		if conn.RemoteAddr().String() != c.LocalAddr().String() || conn.LocalAddr().String() != c.RemoteAddr().String() {
			t.Error(conn.RemoteAddr(), conn.LocalAddr())
		}
		io.WriteString(conn, " more")
		conn.Close()
		if got := readAll(t, c); !strings.HasSuffix(got, "\r\n\r\nahead\n<nil> more") {
			t.Errorf("got %q", got)
		}
	})
}

// TestHandlersWhoseClientsGo are told when they read or write.
func TestHandlersWhoseClientsGo(t *testing.T) {
	onBoth(t, func(t *testing.T, start func(http.HandlerFunc) string) {
		errs := make(chan error, 2)
		began := make(chan struct{})
		c := dial(t, start(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			_, err := io.ReadAll(r.Body)
			errs <- err
			<-r.Context().Done()
			for err = nil; err == nil; {
				_, err = w.Write(make([]byte, 10_000))
			}
			errs <- err
		}))
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nx")
		waitFor(t, began)
		reset(c)
		if err := waitFor(t, errs); err == nil {
			t.Error("a part of the body was taken for the whole")
		}
		if err := waitFor(t, errs); err == nil {
			t.Error("a reply to nobody")
		}
	})
}

// reset closes a connection without saying goodbye.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// TestFilesOfHandlers sends files through io.Copy, from where they have been read
// to, and some that are not what they seem.
func TestFilesOfHandlers(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 300_000)
	name := filepath.Join(servertest.TempFolder(t), "file")
	if err := os.WriteFile(name, content, 0o666); err != nil {
		t.Fatal(err)
	}
	copies := map[string]func(w io.Writer, f *os.File) (int64, error){
		"all":              func(w io.Writer, f *os.File) (int64, error) { return io.Copy(w, f) },
		"the rest":         func(w io.Writer, f *os.File) (int64, error) { f.Seek(5, io.SeekStart); return io.Copy(w, f) },
		"a part":           func(w io.Writer, f *os.File) (int64, error) { return io.CopyN(w, f, 1_500_000) },
		"a part and more":  func(w io.Writer, f *os.File) (int64, error) { io.CopyN(w, f, 100_000); return io.Copy(w, f) },
		"more than all":    func(w io.Writer, f *os.File) (int64, error) { return io.CopyN(w, f, 4_000_000) },
		"something before": func(w io.Writer, f *os.File) (int64, error) { io.WriteString(w, "before"); return io.Copy(w, f) },
		"nothing":          func(w io.Writer, f *os.File) (int64, error) { f.Seek(0, io.SeekEnd); return io.Copy(w, f) },
		"behind the end":   func(w io.Writer, f *os.File) (int64, error) { f.Seek(9, io.SeekEnd); return io.Copy(w, f) },
		"what is closed":   func(w io.Writer, f *os.File) (int64, error) { f.Close(); return io.Copy(w, f) },
	}
	for what, do := range copies {
		for _, typed := range []bool{true, false} {
			results := make(map[string]string)
			for server, start := range map[string]func(testing.TB, http.Handler) string{"ours": newOurServer, "theirs": newHTTPServer} {
				said := make(chan string, 1)
				url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					f, err := os.Open(name)
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					if typed {
						w.Header().Set("Content-Type", "x/y")
					}
					n, err := do(w, f)
					at, _ := f.Seek(0, io.SeekCurrent)
					said <- fmt.Sprint(n, err != nil, at)
				}))
				results[server] = answer(t, url, get("/")) + waitFor(t, said)
			}
			if results["ours"] != results["theirs"] {
				t.Errorf("%s: ours\n%s, theirs\n%s", what, results["ours"], results["theirs"])
			}
		}
	}
}

// TestFilesMustFit does not send more of a file than was announced.
func TestFilesMustFit(t *testing.T) {
	name := filepath.Join(servertest.TempFolder(t), "file")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 1)
	url := newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Length", "10")
		w.Header().Set("Content-Type", "x/y")
		_, err = io.Copy(w, f)
		errs <- err
	}))
	answer(t, url, get("/"))
	if err := waitFor(t, errs); !errors.Is(err, http.ErrContentLength) {
		t.Error(err)
	}
}

// TestFilesForClientsThatGo gives a file back when its client resets.
func TestFilesForClientsThatGo(t *testing.T) {
	const size = 1 << 30
	name := filepath.Join(servertest.TempFolder(t), "sparse")
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Skip(err)
	}
	errs := make(chan error, 1)
	addr := strings.TrimPrefix(newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "x/y")
		n, err := io.Copy(w, f)
		if n == size {
			t.Error("all of it was sent")
		}
		errs <- err
	})), "http://")
	c := dial(t, addr)
	io.WriteString(c, get("/"))
	io.ReadFull(c, make([]byte, 5<<20))
	reset(c)
	if err := waitFor(t, errs); err == nil {
		t.Error("no error")
	}
}

// TestManyHandlers runs many at once, some of which fail.
func TestManyHandlers(t *testing.T) {
	quiet(t)
	url := newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("oops")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
		io.Copy(w, r.Body)
	}))
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			for j := range 10 {
				path := []string{"/", "/panic", "/abort", "/"}[(i+j)%4]
				body := strings.Repeat("x", 1+i*j*97)
				resp, err := http.Post(url+path, "text/plain", strings.NewReader(body))
				if path == "/abort" {
					if err == nil {
						t.Error("a reply of an aborted handler")
					}
					continue
				}
				if err != nil {
					if path == "/" {
						t.Error(err)
					}
					continue
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if path == "/" && (string(b) != body || err != nil) {
					t.Errorf("%d bytes of %d, %v", len(b), len(body), err)
				}
			}
		})
	}
	wait.Wait()
	http.DefaultClient.CloseIdleConnections()
}

// TestConnectionsThatBreakWithHandlers does that to handlers of net/http.
func TestConnectionsThatBreakWithHandlers(t *testing.T) {
	const raw = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
		"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
	s, addr, on := serve(t)
	on(func() {
		s.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if b, err := io.ReadAll(r.Body); err == nil && len(b) != 5 {
				t.Errorf("%q is not the whole", b)
			}
			w.Write(make([]byte, 100_000))
		})))
	})
	for _, end := range []func(net.Conn){reset, func(c net.Conn) { c.Close() }} {
		for n := range len(raw) + 1 {
			c := dial(t, addr)
			io.WriteString(c, raw[:n])
			end(c)
		}
	}
	waitForConnections(t, s, on, 0)
}

// waitForConnections waits until only so many connections are left.
func waitForConnections(t *testing.T, s *evhttp.Server, on func(func()), n int) {
	t.Helper()
	for left := n + 1; left > n; {
		on(func() { left = s.ConnectionCount() })
		runtime.Gosched()
	}
}
