package httptls

import (
	"net/url"
	"strconv"
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
	var c *evhttp.Conn
	do(func() {
		c, err = evhttp.NewConnFunc(base, nil, "localhost", port, func(base *event.Base) (*bufferevent.Bufferevent, error) {
			return secure(cfg)(base, nil, "")
		})
		if err == nil {
			err = c.SetFlags(evhttp.ConReuseConnectedAddr)
		}
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
