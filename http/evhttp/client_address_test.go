package evhttp_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

func TestClientConnAddress(t *testing.T) {
	path := filepath.Join(servertest.TempFolder(t), "socket")
	for _, at := range []string{"127.0.0.1:0", "[::1]:0", "unix:" + path} {
		t.Run(strings.TrimSuffix(at, path), func(t *testing.T) {
			l := servertest.NewLoop(t)
			hosts := make(chan string, 1)
			s := newHello(l)
			address, want, err := at, "", error(nil)
			l.Do(func() {
				s.Handle("/host", func(r *evhttp.Request) {
					hosts <- r.InputHeaders().Get("Host")
					r.SendReplyBytes(200, "", nil)
				})
				var b *evhttp.Bound
				if b, err = s.Listen(at); err == nil && b.AddrPort().IsValid() {
					address = b.AddrPort().String()
					want = address
				}
			})
			if err != nil {
				t.Skip(err)
			}
			codes := make(chan string, 1)
			l.Do(func() {
				c, err := evhttp.NewClientConnAddress(l.Base, address, nil)
				if err != nil {
					t.Error(err)
					codes <- ""
					return
				}
				r := evhttp.NewRequest(func(r *evhttp.Request) {
					codes <- fmt.Sprint(r.ResponseCode(), r.Err())
					c.Free()
				})
				if err := c.MakeRequest(r, evhttp.MethodGet, "/host"); err != nil {
					t.Error(err)
				}
			})
			if got := servertest.Await(t, codes, "the answer"); got != "200 <nil>" {
				t.Fatalf("got %s", got)
			}
			if host := <-hosts; host != want {
				t.Errorf("Host: %q, want %q", host, want)
			}
		})
	}
}

func TestClientConnAddressRefuses(t *testing.T) {
	l := servertest.NewLoop(t)
	l.Do(func() {
		for _, address := range []string{"", "localhost", "localhost:nonsense", "[::1", "unix:"} {
			if c, err := evhttp.NewClientConnAddress(l.Base, address, nil); err == nil || c != nil {
				t.Errorf("%q: %v, %v", address, c, err)
			}
		}
		if c, err := evhttp.NewClientConnAddress(l.Base, "localhost:0", nil); !errors.Is(err, evhttp.ErrInvalid) || c != nil {
			t.Errorf("port 0: %v, %v", c, err)
		}
	})
}
