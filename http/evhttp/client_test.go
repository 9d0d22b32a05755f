package evhttp

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestClient(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		io.WriteString(w, r.Method+" "+r.URL.Path+" "+string(b))
	}))
	defer srv.Close()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	p, _ := strconv.Atoi(port)
	c, err := NewConn(base, nil, host, p)
	if err != nil {
		t.Fatal(err)
	}
	left := 3
	done := func(r *Request) {
		t.Log(r.Err(), r.ResponseCode(), r.Reason(), r.Input().Len())
		b, _ := io.ReadAll(r.Input())
		t.Log(string(b))
		if left--; left == 0 {
			c.Free()
		}
	}
	r := NewRequest(done)
	if err := c.MakeRequest(r, MethodGet, "/one"); err != nil {
		t.Fatal(err)
	}
	r = NewRequest(done)
	r.Output().AddString("body")
	c.MakeRequest(r, MethodPost, "/two")
	r = NewRequest(done)
	r.Output().AddString("body")
	r.OutputHeaders().Add("Expect", "100-continue")
	c.MakeRequest(r, MethodPut, "/three")
	base.Dispatch()
}
