package examples

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A webProxyServer is a proxy that makes tunnels, and passes requests in clear on.
type webProxyServer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // requests
}

func startWebProxy(t *testing.T) *webProxyServer {
	t.Helper()
	p := new(webProxyServer)
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *webProxyServer) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	if user, password, ok := basicProxyAuth(r); ok && user+password != "mesecret" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		r.RequestURI = ""
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		return
	}
	server, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 Connected\r\n\r\n")
	go func() {
		io.Copy(server, rw)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, server)
}

func basicProxyAuth(r *http.Request) (user, password string, ok bool) {
	value := r.Header.Get("Proxy-Authorization")
	if value == "" {
		return "", "", false
	}
	return (&http.Request{Header: http.Header{"Authorization": {value}}}).BasicAuth()
}

func (p *webProxyServer) requests() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.seen, "\n")
}

// startSecureWeb starts a web server with TLS, and returns its URL and who has
// signed its certificate.
func startSecureWeb(t *testing.T) (url string, a *authority) {
	t.Helper()
	a = newAuthority(t)
	addr := startWeb(t, &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}})
	return "https://" + addr + "/", a
}

// getsPage checks that a program writes the page of a test's server.
func (p *process) getsPage() {
	p.t.Helper()
	if got := p.ends(0); got != string(page) {
		p.t.Errorf("%d bytes came that are not the page of %d", len(got), len(page))
	}
}

func TestHTTPSClientGetsAPage(t *testing.T) {
	url, a := startSecureWeb(t)
	start(t, "https-client", "-ca", a.file(), url).getsPage()
	start(t, "https-client", "-insecure", url).getsPage()
	start(t, "https-client", "-v", "http://"+startWeb(t, nil)).getsPage()
}

func TestHTTPSClientPostsAFile(t *testing.T) {
	url, a := startSecureWeb(t)
	start(t, "https-client", "-ca", a.file(), "-data", tempFile(t, form), url).getsPage()
	start(t, "https-client", "-ca", a.file(), "-data", tempFile(t, form[1:]), url).fails("400 Bad Request")
	start(t, "https-client", "-data", "no such file", url).fails("no such file")
}

func TestHTTPSClientVerifiesTheServer(t *testing.T) {
	url, a := startSecureWeb(t)
	start(t, "https-client", url).fails("certificate")
	start(t, "https-client", "-ca", newAuthority(t).file(), url).fails("certificate")
	start(t, "https-client", "-ca", a.file(), "-servername", "elsewhere.example", url).fails("elsewhere.example")
}

func TestHTTPSClientGoesThroughAProxy(t *testing.T) {
	proxy := startWebProxy(t)
	url, a := startSecureWeb(t)
	start(t, "https-client", "-proxy", proxy.URL, "-ca", a.file(), url).getsPage()
	host := strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/")
	if got := proxy.requests(); got != "CONNECT "+host {
		t.Errorf("the proxy was asked for %q", got)
	}
	clear := "http://" + startWeb(t, nil) + "/x"
	start(t, "https-client", "-proxy", proxy.URL, clear).getsPage()
	if got := proxy.requests(); !strings.HasSuffix(got, "\nGET "+clear) {
		t.Errorf("the proxy was asked for %q", got)
	}
	withUser := strings.Replace(proxy.URL, "http://", "http://me:%s@", 1)
	start(t, "https-client", "-proxy", fmt.Sprintf(withUser, "secret"), "-ca", a.file(), url).getsPage()
	start(t, "https-client", "-proxy", fmt.Sprintf(withUser, "guess"), "-ca", a.file(), url).fails("407")
}

func TestHTTPSClientFailsWithoutAServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	start(t, "https-client", "https://"+addr+"/").fails("connection ended")
	start(t, "https-client", "-proxy", "http://"+addr, "https://localhost/").fails("connection ended")
}

func TestHTTPSClientDoesNotTakeAPartForTheWhole(t *testing.T) {
	a := newAuthority(t)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nuntil the connection ends")
		conn.(*tls.Conn).NetConn().Close() // without the farewell
	}))
	web.TLS = &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}}
	web.StartTLS()
	t.Cleanup(web.Close)
	start(t, "https-client", "-ca", a.file(), web.URL).fails("unexpected EOF")
}

func TestHTTPConnectGetsAPage(t *testing.T) {
	proxy := startWebProxy(t)
	web := startWeb(t, nil)
	p := start(t, "http-connect", proxy.Listener.Addr().String(), "http://"+web+"/")
	p.getsPage()
	if got := proxy.requests(); got != "CONNECT "+web {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestHTTPConnectFailsWithTheProxy(t *testing.T) {
	proxy := startWebProxy(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	start(t, "http-connect", proxy.Listener.Addr().String(), "http://"+nobody+"/").fails("the proxy says 502")
	start(t, "http-connect", nobody, "http://"+nobody+"/").fails("connection ended")
}
