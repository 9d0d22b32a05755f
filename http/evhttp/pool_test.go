package evhttp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// keepsAlive answers every request on a connection with its target.
func keepsAlive(_ int, c *rawConn) {
	for {
		head := c.request()
		if head == "" {
			return
		}
		target := strings.Fields(head)[1]
		fmt.Fprintf(c.Conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(target), target)
	}
}

func newTestClient(t testing.TB, base *event.Base, cfg ClientConfig) *Client {
	t.Helper()
	c, err := NewClient(base, &cfg)
	must(t, err)
	t.Cleanup(c.Free)
	return c
}

// getBy makes a request that notes how it ends.
func getBy(t testing.TB, c *Client, url string) *outcome {
	t.Helper()
	o := expectOutcome()
	must(t, c.MakeRequest(o.r, MethodGet, url))
	return o
}

func (s *rawServer) url() string { return "http://" + s.addr().String() }

func allOver(list []*outcome) func() bool {
	return func() bool { return !slices.ContainsFunc(list, func(o *outcome) bool { return !o.over }) }
}

func TestAClientKeepsConnections(t *testing.T) {
	s, other := newRaw(t, keepsAlive), newRaw(t, keepsAlive)
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{})
	for i := range 5 {
		for _, s := range []*rawServer{s, other} {
			o := getBy(t, c, fmt.Sprint(s.url(), "/", i))
			o.await(t, base)
			o.want(t, fmt.Sprint("200 OK /", i))
		}
	}
	if s.count() != 1 || other.count() != 1 || c.IdleConnections() != 2 {
		t.Errorf("%d and %d connections, %d idle", s.count(), other.count(), c.IdleConnections())
	}
	c.CloseIdleConnections()
	if c.IdleConnections() != 0 || len(c.pools) != 0 {
		t.Error("something was kept")
	}
}

func TestRequestsWaitForAConnection(t *testing.T) {
	s := newRaw(t, keepsAlive)
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{MaxPerHost: 2, MaxWaiting: 8})
	var list []*outcome
	for i := range 10 {
		list = append(list, getBy(t, c, fmt.Sprint(s.url(), "/", i)))
	}
	if err := c.MakeRequest(NewRequest(nil), MethodGet, s.url()); !errors.Is(err, ErrQueueFull) {
		t.Errorf("error %v", err)
	}
	var failure error
	list[9].r.SetErrorCallback(func(_ *Request, err error) { failure = err })
	list[9].r.Cancel()
	var e *Error
	if !errors.As(failure, &e) || e.Code != ReqCancel || c.waiting != 7 {
		t.Errorf("error %v, %d wait", failure, c.waiting)
	}
	dispatch(t, base, allOver(list[:9]))
	for i, o := range list[:9] {
		o.want(t, fmt.Sprint("200 OK /", i))
	}
	if s.count() != 2 || c.waiting != 0 || list[9].over {
		t.Errorf("%d connections, %d wait", s.count(), c.waiting)
	}
}

// A connection is there for the next request when a callback makes one.
func TestACallbackHasItsConnectionBack(t *testing.T) {
	s := newRaw(t, keepsAlive)
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{})
	left := 10
	var r *Request
	r = NewRequest(func(*Request) {
		if left--; left > 0 {
			must(t, c.MakeRequest(r, MethodGet, s.url()))
		}
	})
	must(t, c.MakeRequest(r, MethodGet, s.url()))
	dispatch(t, base, func() bool { return left == 0 })
	if s.count() != 1 {
		t.Errorf("%d connections, want 1", s.count())
	}
}

func TestIdleConnectionsAreLimited(t *testing.T) {
	servers := []*rawServer{newRaw(t, keepsAlive), newRaw(t, keepsAlive), newRaw(t, keepsAlive)}
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{MaxIdle: 2, MaxIdlePerHost: 1})
	var list []*outcome
	for range 4 {
		list = append(list, getBy(t, c, servers[0].url()))
	}
	dispatch(t, base, allOver(list))
	if c.IdleConnections() != 1 {
		t.Errorf("%d idle connections, want 1", c.IdleConnections())
	}
	for _, s := range servers {
		getBy(t, c, s.url()).await(t, base)
	}
	if c.IdleConnections() != 2 {
		t.Errorf("%d idle connections, want 2", c.IdleConnections())
	}
	// The oldest one has gone.
	getBy(t, c, servers[2].url()).await(t, base)
	getBy(t, c, servers[1].url()).await(t, base)
	if servers[1].count() != 1 || servers[2].count() != 1 {
		t.Error("a newer connection was closed")
	}
}

func TestConnectionsThatServersCloseAreForgotten(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.request(); c.send(helloAnswer) })
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{})
	for range 3 {
		o := getBy(t, c, s.url())
		o.await(t, base)
		o.want(t, "200 OK hello")
		dispatch(t, base, func() bool { return c.IdleConnections() == 0 })
	}
	if len(c.pools) != 0 {
		t.Errorf("%d pools are left", len(c.pools))
	}
}

func TestWaitingRequestsSurviveConnectionsThatEnd(t *testing.T) {
	s := newRaw(t, func(n int, c *rawConn) {
		head := c.request()
		if !strings.Contains(head, "/bad") {
			c.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{MaxPerHost: 1})
	list := []*outcome{
		getBy(t, c, s.url()+"/bad"), getBy(t, c, s.url()), getBy(t, c, s.url()+"/bad"), getBy(t, c, s.url()),
	}
	dispatch(t, base, allOver(list))
	for i, want := range []string{"connection ended", "200 OK hello", "connection ended", "200 OK hello"} {
		list[i].want(t, want)
	}
}

func TestAConnectionThatItsUserFrees(t *testing.T) {
	s := newRaw(t, keepsAlive)
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{MaxPerHost: 1})
	first := expectOutcome()
	first.r.SetHeaderCallback(func(r *Request) bool { r.Conn().Free(); return true })
	must(t, c.MakeRequest(first.r, MethodGet, s.url()))
	second := getBy(t, c, s.url()+"/second")
	second.await(t, base)
	second.want(t, "200 OK /second")
	if first.over || s.count() != 2 {
		t.Errorf("%d connections, done %v", s.count(), first.over)
	}
}

func TestFreeingAClientFailsItsRequests(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.awaitEnd() })
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{MaxPerHost: 1})
	under, waits := getBy(t, c, s.url()), getBy(t, c, s.url())
	dispatch(t, base, func() bool { return s.count() == 1 })
	c.Free()
	under.want(t, "connection ended")
	waits.want(t, "connection ended")
	if err := c.MakeRequest(NewRequest(nil), MethodGet, s.url()); !errors.Is(err, ErrDone) {
		t.Errorf("error %v", err)
	}
	if n := base.NumEvents(event.CountAdded | event.CountActive); n != 0 {
		t.Errorf("%d events are left", n)
	}
}

func TestURLsThatAreNone(t *testing.T) {
	c := newTestClient(t, newTestBase(t), ClientConfig{})
	for _, u := range []string{"", "/path", "ftp://host/", "http://", "http://host:99999/", "http://host:0/", "http://a b/", "http://\x7f/", "http://xn--a\u0300..example/", "http://host/\r\n"} {
		if err := c.MakeRequest(NewRequest(nil), MethodGet, u); err == nil {
			t.Errorf("%q was taken", u)
		}
	}
	if err := c.MakeRequest(NewRequest(nil), MethodGet, "https://host/"); !errors.Is(err, errNoTLS) {
		t.Errorf("error %v", err)
	}
	if err := c.MakeRequest(NewRequest(nil), MethodConnect, "http://host/"); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
	err := c.MakeRequest(NewRequest(nil), MethodGet, "ftp://me:secret@host/")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v tells a password", err)
	}
}

func TestWhatAClientMakesOfURLs(t *testing.T) {
	heads := make(chan string, 1)
	s := newRaw(t, func(_ int, c *rawConn) {
		for head := c.request(); head != ""; head = c.request() {
			heads <- head
			c.send(helloAnswer)
		}
	})
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{Resolver: everywhere(s.addr())})
	port := fmt.Sprint(s.addr().Port())
	for url, want := range map[string]string{
		"http://127.0.0.1:" + port:                       "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n",
		"http://127.0.0.1:" + port + "?q=1#fragment":     "GET /?q=1 HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n",
		"http://127.0.0.1:" + port + "/%41b/..":          "GET /%41b/.. HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n",
		"http://me:secret@127.0.0.1:" + port + "/":       "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:secret")) + "\r\n\r\n",
		"http://B\u00fccher.example:" + port + "/straße": "GET /stra%C3%9Fe HTTP/1.1\r\nHost: xn--bcher-kva.example:" + port + "\r\n\r\n",
	} {
		o := getBy(t, c, url)
		o.await(t, base)
		o.want(t, "200 OK hello")
		if got := <-heads; got != want {
			t.Errorf("%s: sent %q, want %q", url, got, want)
		}
	}
}

// everywhere is a resolver that knows one address for all names.
type everywhere netip.AddrPort

func (e everywhere) GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) func() {
	done([]evutil.AddrInfo{{Family: syscall.AF_INET, Addr: netip.AddrPort(e)}}, nil)
	return func() {}
}

func TestAProxyInClear(t *testing.T) {
	heads := make(chan string, 1)
	s := newRaw(t, func(_ int, c *rawConn) {
		for head := c.request(); head != ""; head = c.request() {
			heads <- head
			c.send(helloAnswer)
		}
	})
	proxy, _ := url.Parse("http://me:secret@" + s.addr().String())
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{Proxy: func(u *url.URL) (*url.URL, error) {
		if u.Hostname() == "direct.example" {
			return nil, errors.New("not today")
		}
		return proxy, nil
	}})
	auth := "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:secret")) + "\r\n"
	for _, host := range []string{"one.example", "two.example:8080", "[::1]"} {
		o := getBy(t, c, "http://"+host+"/x?y")
		o.await(t, base)
		o.want(t, "200 OK hello")
		want := "GET http://" + host + "/x?y HTTP/1.1\r\nHost: " + host + "\r\n" + auth + "\r\n"
		if got := <-heads; got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	if s.count() != 1 {
		t.Errorf("%d connections, want 1 for all hosts", s.count())
	}
	if err := c.MakeRequest(NewRequest(nil), MethodGet, "http://direct.example"); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("error %v", err)
	}
	proxy = &url.URL{Scheme: "socks5", Host: "127.0.0.1:1"}
	if err := c.MakeRequest(NewRequest(nil), MethodGet, "http://one.example"); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

// unencrypted takes the place of TLS, which is for other packages.
func unencrypted(base *event.Base, under *bufferevent.Bufferevent, _ string) (*bufferevent.Bufferevent, error) {
	if under != nil {
		b, err := bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree, nil)
		if err == nil {
			base.Post(func() { b.TriggerEvent(bufferevent.EventConnected, nil, 0) })
		}
		return b, err
	}
	return plainClient(base)
}

func TestATunnelThroughAProxy(t *testing.T) {
	for _, tt := range []struct{ name, answer, want string }{
		{"there", "HTTP/1.1 200 OK\r\n\r\n", "200 OK /x"},
		{"there, after a while", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "200 OK /x"},
		{"refused", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "connection ended"},
		{"nonsense", "nonsense\r\n\r\n", "invalid answer"},
		{"endless", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 1000), "invalid answer"},
		{"nothing", "", "connection ended"},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(tt.name+" "+scheme, func(t *testing.T) {
				s := newRaw(t, func(_ int, c *rawConn) {
					want := "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\nProxy-Authorization: Basic bWU6\r\n\r\n"
					if got := c.request(); got != want {
						t.Errorf("sent %q, want %q", got, want)
					}
					c.send(tt.answer)
					if strings.HasSuffix(tt.want, "/x") {
						keepsAlive(0, c)
					}
				})
				proxy, _ := url.Parse(scheme + "://me@" + s.addr().String())
				base := newTestBase(t)
				c := newTestClient(t, base, ClientConfig{Secure: unencrypted, Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }})
				for range 2 {
					o := getBy(t, c, "https://far.example/x")
					o.await(t, base)
					o.want(t, tt.want)
					var p *ProxyError
					if tt.name == "refused" && (!errors.As(o.r.Err(), &p) || p.Code != 403) {
						t.Errorf("error %v", o.r.Err())
					}
				}
				if strings.HasSuffix(tt.want, "/x") && s.count() != 1 {
					t.Errorf("%d connections, want 1", s.count())
				}
			})
		}
	}
}

func TestProxiesOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	t.Setenv("NO_PROXY", "direct.example")
	t.Setenv("REQUEST_METHOD", "")
	proxy := ProxyFromEnvironment()
	for host, want := range map[string]string{"far.example": "http://proxy.example:3128", "direct.example": "<nil>"} {
		u, err := proxy(&url.URL{Scheme: "http", Host: host})
		if err != nil || fmt.Sprint(u) != want {
			t.Errorf("%s: %v, %v, want %s", host, u, err, want)
		}
	}
}

func TestSetUpIsCalledForEachConnection(t *testing.T) {
	s := newRaw(t, keepsAlive)
	base := newTestBase(t)
	refuse := errors.New("no more")
	var calls int
	c := newTestClient(t, base, ClientConfig{SetUp: func(c *ClientConn) error {
		if host, port := c.Peer(); host != "127.0.0.1" || port != int(s.addr().Port()) {
			t.Errorf("peer %s %d", host, port)
		}
		if calls++; calls == 2 {
			return refuse
		}
		return nil
	}})
	getBy(t, c, s.url()).await(t, base)
	getBy(t, c, s.url()).await(t, base)
	c.CloseIdleConnections()
	if err := c.MakeRequest(NewRequest(nil), MethodGet, s.url()); !errors.Is(err, refuse) {
		t.Errorf("error %v", err)
	}
	if calls != 2 || len(c.pools) != 0 {
		t.Errorf("called %d times, %d pools", calls, len(c.pools))
	}
}
