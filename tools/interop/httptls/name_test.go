package httptls

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A stream that was not told the server's name has it from the connection, whether
// the host is looked up or known from before.
func TestConnectionsNameTheServer(t *testing.T) {
	address, _ := strictServer(t, 0, answering(closed))
	at, err := url.Parse(address)
	ok(t, err)
	port, err := strconv.Atoi(at.Port())
	ok(t, err)
	cfg := clientTLS(0)
	cfg.ServerName = ""
	base, do := runLoop(t)
	over := make(chan error, 1)
	var c *evhttp.ClientConn
	do(func() {
		c, err = evhttp.NewClientConn(base, "localhost", port, &evhttp.ConnConfig{
			Stream: func(base *event.Base) (*bufferevent.Bufferevent, error) { return secure(cfg)(base, nil, "") },
			Flags:  evhttp.ConReuseConnectedAddr,
		})
	})
	ok(t, err)
	t.Cleanup(func() { do(c.Free) })
	for range 2 {
		do(func() {
			r := evhttp.NewRequest(func(r *evhttp.Request) { over <- r.Err() })
			if err := c.MakeRequest(r, evhttp.MethodGet, "/"); err != nil {
				over <- err
			}
		})
		ok(t, receive(t, "the answer", over))
	}
}

// Neither does a stream through a proxy take the name of that for the server's.
func TestConnectionsThroughProxiesNameTheServer(t *testing.T) {
	for _, secureProxy := range []bool{false, true} {
		origin, _ := strictServer(t, 0, answering(closed))
		at, err := url.Parse(origin)
		ok(t, err)
		proxy := "http://" + listen(t, func(raw net.Conn) { relay(raw, secureProxy) })
		if secureProxy {
			proxy = "https" + strings.TrimPrefix(proxy, "http")
		}
		cfg, proxyCfg := clientTLS(0), clientTLS(0)
		cfg.ServerName = ""
		w := newCaller(t, cfg, func(c *evhttp.ClientConfig) {
			c.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(proxy) }
			c.Secure = func(base *event.Base, under *bufferevent.Bufferevent, host string) (*bufferevent.Bufferevent, error) {
				if under == nil {
					return secure(proxyCfg)(base, nil, host)
				}
				return secure(cfg)(base, under, host)
			}
		})
		ok(t, w.ask(t, "https://localhost:"+at.Port()+"/", nil).Err())
		if err := w.ask(t, "https://127.0.0.1:"+at.Port()+"/", nil).Err(); !as[*tls.CertificateVerificationError](err) {
			t.Errorf("a server with the certificate of another name: %v", err)
		}
	}
}

// relay is a proxy.
func relay(raw net.Conn, secure bool) {
	c := raw
	if secure {
		c = tls.Server(raw, serverTLS(0))
	}
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	there, err := net.Dial("tcp", req.Host)
	if err != nil {
		return
	}
	defer there.Close()
	io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(c, there)
	io.Copy(there, r)
}
