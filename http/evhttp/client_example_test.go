package evhttp_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// web is a server that says what it was asked for.
func web() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		fmt.Fprintf(w, "%s %s %q", r.Method, r.URL.Path, body)
	}))
}

// hostAndPort returns where a server is.
func hostAndPort(srv *httptest.Server) (host string, port int) {
	u, err := url.Parse(srv.URL)
	if err != nil {
		log.Fatal(err)
	}
	port, err = strconv.Atoi(u.Port())
	if err != nil {
		log.Fatal(err)
	}
	return u.Hostname(), port
}

// A ClientConn is a connection to one host.
func ExampleClientConn_MakeRequest() {
	srv := web()
	defer srv.Close()
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	host, port := hostAndPort(srv)
	conn, err := evhttp.NewClientConn(base, host, port, nil)
	if err != nil {
		log.Fatal(err)
	}
	conn.FreeOnCompletion() // and with it ends the loop
	done := func(r *evhttp.Request) {
		if err := r.Err(); err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(r.Input())
		fmt.Printf("%d %s: %s\n", r.ResponseCode(), r.Reason(), body)
	}
	get := evhttp.NewRequest(done)
	get.OutputHeaders().Add("Accept", "text/plain")
	post := evhttp.NewRequest(done)
	post.Output().AddString("a form")
	err = errors.Join(
		conn.MakeRequest(get, evhttp.MethodGet, "/one"),
		conn.MakeRequest(post, evhttp.MethodPost, "/two"),
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 OK: GET /one ""
	// 200 OK: POST /two "a form"
}

// A body that is made bit by bit is sent as fast as the server takes it.
func ExampleClientConn_StartRequest() {
	srv := web()
	defer srv.Close()
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	host, port := hostAndPort(srv)
	conn, err := evhttp.NewClientConn(base, host, port, nil)
	if err != nil {
		log.Fatal(err)
	}
	conn.FreeOnCompletion()
	r := evhttp.NewRequest(func(r *evhttp.Request) {
		body, _ := io.ReadAll(r.Input())
		fmt.Println(string(body), r.Err())
	})
	n := 0
	var part evbuffer.Buffer
	var next func()
	next = func() {
		if n++; n > 3 {
			r.SendReplyEnd()
			return
		}
		fmt.Fprintf(&part, "%d ", n)
		r.SendReplyChunkFunc(&part, next)
	}
	if err := conn.StartRequest(r, evhttp.MethodPut, "/numbers", func(*evhttp.Request) { next() }); err != nil {
		log.Fatal(err)
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: PUT /numbers "1 2 3 " <nil>
}

// A Client takes URLs, and keeps connections to many hosts.
func ExampleClient() {
	srv := web()
	defer srv.Close()
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	client, err := evhttp.NewClient(base, &evhttp.ClientConfig{Proxy: evhttp.ProxyFromEnvironment()})
	if err != nil {
		log.Fatal(err)
	}
	r := evhttp.NewRequest(func(r *evhttp.Request) {
		body, _ := io.ReadAll(r.Input())
		fmt.Println(string(body), r.Err())
		client.Free() // the loop has nothing to wait for any more
	})
	if err := client.MakeRequest(r, evhttp.MethodGet, srv.URL+"/path"); err != nil {
		log.Fatal(err)
	}
	if err := base.Dispatch(); err != nil {
		log.Fatal(err)
	}
	// Output: GET /path "" <nil>
}
