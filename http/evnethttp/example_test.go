package evnethttp_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

// fetch gets a page while the loop runs, and ends the loop.
func fetch(base *event.Base, server *evhttp.Server, url string) {
	defer base.Post(func() { server.Free(); base.LoopExit(0) })
	resp, err := http.Get(url)
	if err != nil {
		log.Print(err)
		return
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(body), err)
}

// start makes a server at a free port and returns its URL.
func start(base *event.Base) (server *evhttp.Server, url string) {
	server = evhttp.NewServer(base)
	bound, err := server.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		log.Fatal(err)
	}
	return server, "http://" + bound.AddrPort().String()
}

// A handler of net/http.
func ExampleHandler() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, url := start(base)
	server.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond) // it may wait
		fmt.Fprint(w, r.URL.Path)
	})))
	go fetch(base, server, url+"/any")
	base.Dispatch()
	// Output: 200 OK /any <nil>
}

// A handler that does not wait can run on the loop.
func ExampleInlineHandler() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, url := start(base)
	server.SetGenericCallback(evnethttp.InlineHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", r.URL.Path)
	})))
	go fetch(base, server, url+"/any")
	base.Dispatch()
	// Output: 200 OK GET /any <nil>
}

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

// Programs that know http.Client can go on with it.
func ExampleRoundTripper() {
	srv := web()
	defer srv.Close()
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	client, err := evhttp.NewClient(base, nil)
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		base.Loop(event.LoopNoExitOnEmpty)
	}()
	browser := http.Client{Transport: evnethttp.RoundTripper(client)}
	resp, err := browser.Get(srv.URL + "/path")
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Println(resp.Status, string(body), err)
	base.Post(func() {
		client.Free()
		base.LoopBreak()
	})
	<-ended
	// Output: 200 OK GET /path "" <nil>
}
