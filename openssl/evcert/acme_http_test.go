package evtls_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

var anyPort = netip.MustParseAddrPort("127.0.0.1:0")

func TestParseRequest(t *testing.T) {
	const first, host = "GET /x HTTP/1.1", "\r\nHost: a.test"
	tests := []struct {
		head   string
		status int
		host   string
	}{
		{first + host, 0, "a.test"},
		{first + "\r\nhOST:a.test:80 \t", 0, "a.test:80"},
		{first + "\r\nHost: [::1]:80", 0, "[::1]:80"},
		{first + "\r\nHost: [::1]", 0, "[::1]"},
		{"HEAD /x HTTP/1.1" + host, 0, "a.test"},
		{"GET /x HTTP/1.0", 0, ""},
		{first + host + "\r\nContent-Length: 0", 0, "a.test"},
		{first + host + "\r\nX-Empty:", 0, "a.test"},
		{first, 400, ""},
		{first + host + host, 400, ""},
		{first + "\r\nHost:", 400, ""},
		{first + "\r\nHost: a b", 400, ""},
		{first + "\r\nHost: a/b", 400, ""},
		{first + "\r\nHost: a@b", 400, ""},
		{first + "\r\nHost: a:b", 400, ""},
		{first + "\r\nHost: [x]", 400, ""},
		{first + "\r\nHost: [::1", 400, ""},
		{first + "\r\nHost : a.test", 400, ""},
		{first + "\r\n Host: a.test", 400, ""},
		{first + host + "\r\n folded", 400, ""},
		{first + host + "\r\n: empty name", 400, ""},
		{first + host + "\r\nno colon", 400, ""},
		{first + host + "\r\nX: a\rb", 400, ""},
		{first + host + "\r\nX: a\nY: b", 400, ""},
		{first + host + "\r\nX: a\x00b", 400, ""},
		{first + host + "\r\nTransfer-Encoding: chunked", 400, ""},
		{first + host + "\r\nContent-Length: 0\r\nContent-Length: 0", 400, ""},
		{first + host + "\r\nContent-Length: +1", 400, ""},
		{first + host + "\r\nContent-Length:", 400, ""},
		{first + host + "\r\nContent-Length: 5", 413, ""},
		{"GET /x HTTP/2.0" + host, 505, ""},
		{"GET /x HTTP/1.11" + host, 400, ""},
		{"GET /x http/1.1" + host, 400, ""},
		{"GET  /x HTTP/1.1" + host, 400, ""},
		{"GET /x y HTTP/1.1" + host, 400, ""},
		{"GET /x" + host, 400, ""},
		{"GET x HTTP/1.1" + host, 400, ""},
		{"GET http://a.test/x HTTP/1.1" + host, 400, ""},
		{"GET /\x01 HTTP/1.1" + host, 400, ""},
		{"GET /é HTTP/1.1" + host, 400, ""},
		{"G\tT /x HTTP/1.1" + host, 400, ""},
		{"POST /x HTTP/1.1" + host, 405, ""},
		{"get /x HTTP/1.1" + host, 405, ""},
		{"", 400, ""},
	}
	for _, tt := range tests {
		_, target, host, status := evtls.ParseRequest(tt.head)
		if status != tt.status || status == 0 && (host != tt.host || target != "/x") {
			t.Errorf("%q: status %d, target %q, host %q; want %d, host %q", tt.head, status, target, host, tt.status, tt.host)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add("GET /x HTTP/1.1\r\nHost: a.test")
	f.Add("HEAD / HTTP/1.0\r\nContent-Length: 0")
	f.Fuzz(func(t *testing.T, head string) {
		method, target, host, status := evtls.ParseRequest(head)
		if status != 0 {
			return
		}
		if method != "GET" && method != "HEAD" || !strings.HasPrefix(target, "/") || strings.ContainsAny(target+host, " \r\n\x00") {
			t.Errorf("%q: %q %q %q", head, method, target, host)
		}
	})
}

// newChallenges makes a server that knows the challenge "known" of a.test.
func newChallenges(t testing.TB, base *event.Base, cfg evtls.ChallengeConfig) *evtls.ChallengeServer {
	t.Helper()
	if cfg.Answer == nil {
		cfg.Answer = func(_ context.Context, host, path string) ([]byte, error) {
			if host == "a.test" && path == "/.well-known/acme-challenge/known" {
				return []byte("answer"), nil
			}
			return nil, evtls.ErrNoChallenge
		}
	}
	s, err := evtls.NewChallengeServer(base, anyPort, &cfg)
	ok(t, err)
	t.Cleanup(s.Free)
	return s
}

// dialPlain connects for the time of the test.
func dialPlain(t testing.TB, addr netip.AddrPort) net.Conn {
	c, err := net.DialTimeout("tcp", addr.String(), patience)
	if err != nil {
		t.Error(err)
		panic(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// exchange sends a request and returns everything that comes back.
func exchange(t testing.TB, addr netip.AddrPort, request string, step int) string {
	c := dialPlain(t, addr)
	for len(request) > 0 {
		n := min(step, len(request))
		if _, err := io.WriteString(c, request[:n]); err != nil {
			t.Error(err)
		}
		request = request[n:]
	}
	response, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	c.Close()
	return string(response)
}

func TestChallengeServerAnswers(t *testing.T) {
	const get, host = "GET /.well-known/acme-challenge/", " HTTP/1.1\r\nHost: a.test\r\n\r\n"
	tests := []struct {
		name     string
		request  string
		redirect evtls.ChallengeConfig
		status   int
		location string
		body     string
	}{
		{"a challenge", get + "known" + host, evtls.ChallengeConfig{}, 200, "", "answer"},
		{"with a port in the host", get + "known HTTP/1.1\r\nHost: a.test:80\r\n\r\n", evtls.ChallengeConfig{}, 200, "", "answer"},
		{"with another request behind", get + "known" + host + get + "known" + host, evtls.ChallengeConfig{}, 200, "", "answer"},
		{"without a body", "HEAD /.well-known/acme-challenge/known" + host, evtls.ChallengeConfig{}, 200, "", ""},
		{"an unknown challenge", get + "unknown" + host, evtls.ChallengeConfig{Redirect: true}, 404, "", "Not Found\n"},
		{"of another host", get + "known HTTP/1.1\r\nHost: b.test\r\n\r\n", evtls.ChallengeConfig{}, 404, "", "Not Found\n"},
		{"no token", get + host, evtls.ChallengeConfig{Redirect: true}, 404, "", "Not Found\n"},
		{"a bad token", get + "../known" + host, evtls.ChallengeConfig{}, 404, "", "Not Found\n"},
		{"a query", get + "known?x" + host, evtls.ChallengeConfig{}, 404, "", "Not Found\n"},
		{"a long token", get + strings.Repeat("x", 257) + host, evtls.ChallengeConfig{}, 404, "", "Not Found\n"},
		{"something else", "GET /x" + host, evtls.ChallengeConfig{}, 404, "", "Not Found\n"},
		{"something else, redirected", "GET /x?y" + host, evtls.ChallengeConfig{Redirect: true}, 302, "https://a.test/x?y", "Found\n"},
		{"to another port", "GET // HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", evtls.ChallengeConfig{Redirect: true, RedirectPort: 8443}, 302, "https://[::1]:8443//", "Found\n"},
		{"without a host", "GET / HTTP/1.0\r\n\r\n", evtls.ChallengeConfig{Redirect: true}, 404, "", "Not Found\n"},
		{"a method", "DELETE /" + host, evtls.ChallengeConfig{}, 405, "", "Method Not Allowed\n"},
		{"a body", "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc", evtls.ChallengeConfig{}, 413, "", "Request Entity Too Large\n"},
		{"a long head", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 5000), evtls.ChallengeConfig{}, 431, "", "Request Header Fields Too Large\n"},
		{"garbage", "\r\n\r\n", evtls.ChallengeConfig{}, 400, "", "Bad Request\n"},
	}
	for _, tt := range tests {
		for _, step := range []int{1, 1 << 20} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, step), func(t *testing.T) {
				if step == 1 && tt.status == http.StatusRequestHeaderFieldsTooLarge {
					return // the end of it would find the connection closed
				}
				base := newBase(t)
				s := newChallenges(t, base, tt.redirect)
				var response string
				runWith(t, base, func() { response = exchange(t, s.Addr(), tt.request, step) })
				head, body, _ := strings.Cut(response, "\r\n\r\n")
				if want := fmt.Sprintf("HTTP/1.1 %d %s\r\n", tt.status, http.StatusText(tt.status)); !strings.HasPrefix(head, want) {
					t.Errorf("response %q, want %q", head, want)
				}
				if body != tt.body || !strings.Contains(head, "\r\nConnection: close\r\n") {
					t.Errorf("response %q, want body %q", response, tt.body)
				}
				if got := strings.Contains(head, "\r\nLocation: "+tt.location+"\r\n"); got != (tt.location != "") {
					t.Errorf("response %q, want location %q", head, tt.location)
				}
			})
		}
	}
}

func TestClientMayEndItsStreamFirst(t *testing.T) {
	base := newBase(t)
	s := newChallenges(t, base, evtls.ChallengeConfig{})
	for _, target := range []string{"/.well-known/acme-challenge/known", "/x"} {
		runWith(t, base, func() {
			c := dialPlain(t, s.Addr())
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", target)
			c.(*net.TCPConn).CloseWrite()
			response, err := io.ReadAll(c)
			if err != nil || !strings.HasPrefix(string(response), "HTTP/1.1 ") {
				t.Errorf("%s: response %q, error %v", target, response, err)
			}
		})
	}
}

func TestSlowClientIsSentAway(t *testing.T) {
	base := newBase(t)
	s := newChallenges(t, base, evtls.ChallengeConfig{Timeout: 10 * time.Millisecond})
	for _, sent := range []string{"", "GET /", "GET /x HTTP/1.0\r\n\r\n"} { // the last one does not hang up
		runWith(t, base, func() {
			c := dialPlain(t, s.Addr())
			io.WriteString(c, sent)
			if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%q: %v", sent, err)
			}
		})
	}
	s.Free()
	ok(t, base.Dispatch()) // nothing is left once the timers are gone
}

func TestOldestConnectionHasToGo(t *testing.T) {
	base := newBase(t)
	s := newChallenges(t, base, evtls.ChallengeConfig{MaxConns: 2})
	runWith(t, base, func() {
		var idle []net.Conn
		for range 2 {
			idle = append(idle, dialPlain(t, s.Addr()))
		}
		if got := exchange(t, s.Addr(), "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 1000); !strings.HasPrefix(got, "HTTP/1.1 404") {
			t.Errorf("response %q", got)
		}
		if _, err := idle[0].Read(make([]byte, 1)); err == nil {
			t.Error("the oldest connection got something")
		}
		io.WriteString(idle[1], "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
		if response, err := io.ReadAll(idle[1]); err != nil || !strings.HasPrefix(string(response), "HTTP/1.1 404") {
			t.Errorf("the other one: response %q, error %v", response, err)
		}
	})
}

func TestClientThatSendsOnIsCutOff(t *testing.T) {
	base := newBase(t)
	s := newChallenges(t, base, evtls.ChallengeConfig{})
	runWith(t, base, func() {
		c := dialPlain(t, s.Addr())
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		for {
			if _, err := c.Write(make([]byte, 1<<10)); err != nil {
				break
			}
		}
	})
}

func TestAnswersMayTakeTime(t *testing.T) {
	base := newBase(t)
	begun, result, goOn := make(chan struct{}, 2), make(chan error, 2), make(chan struct{})
	failure := errors.New("disk failure")
	var told error
	s := newChallenges(t, base, evtls.ChallengeConfig{
		MaxConns: 2,
		Answer: func(ctx context.Context, _, _ string) ([]byte, error) {
			begun <- struct{}{}
			select {
			case <-goOn:
			case <-ctx.Done():
				result <- ctx.Err()
				<-goOn // who does not listen still counts
			}
			return nil, failure
		},
		OnError: func(err error) { told = err },
	})
	const request = "GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: a.test\r\n\r\n"
	runWith(t, base, func() {
		first, second := dialPlain(t, s.Addr()), dialPlain(t, s.Addr())
		for _, c := range []net.Conn{first, second} {
			io.WriteString(c, request)
			<-begun
		}
		// The loop goes on, but takes no more work on; the oldest has to go.
		if got := exchange(t, s.Addr(), request, 1000); !strings.HasPrefix(got, "HTTP/1.1 503") {
			t.Errorf("third response %q", got)
		}
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("first answer: %v", err)
		}
		close(goOn)
		if response, err := io.ReadAll(second); err != nil || !strings.HasPrefix(string(response), "HTTP/1.1 404") {
			t.Errorf("second response %q, error %v", response, err)
		}
	})
	if !errors.Is(told, failure) {
		t.Errorf("told %v", told)
	}
}

func TestFreeWhileAnswering(t *testing.T) {
	base := newBase(t)
	begun := make(chan struct{})
	s := newChallenges(t, base, evtls.ChallengeConfig{
		Answer: func(ctx context.Context, _, _ string) ([]byte, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	c := dialPlain(t, s.Addr())
	io.WriteString(c, "GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: a.test\r\n\r\n")
	go func() {
		<-begun
		base.Post(s.Free)
	}()
	ok(t, base.Dispatch()) // until nothing is left
}

func TestNewChallengeServerRefuses(t *testing.T) {
	base := newBase(t)
	answer := func(context.Context, string, string) ([]byte, error) { return nil, nil }
	tests := []struct {
		name string
		base *event.Base
		cfg  *evtls.ChallengeConfig
	}{
		{"no base", nil, &evtls.ChallengeConfig{Answer: answer}},
		{"no configuration", base, nil},
		{"nobody to answer", base, &evtls.ChallengeConfig{}},
	}
	for _, tt := range tests {
		if s, err := evtls.NewChallengeServer(tt.base, anyPort, tt.cfg); s != nil || !errors.Is(err, bufferevent.ErrNil) {
			t.Errorf("%s: got %v, error %v", tt.name, s, err)
		}
	}
	taken := newChallenges(t, base, evtls.ChallengeConfig{})
	if _, err := evtls.NewChallengeServer(base, taken.Addr(), &evtls.ChallengeConfig{Answer: answer}); err == nil {
		t.Error("listens at an address in use")
	}
}
