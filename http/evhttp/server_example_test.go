package evhttp_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
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

func Example() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, url := start(base)
	server.Handle("/hello", func(r *evhttp.Request) {
		r.SendReplyBytes(200, "", []byte("Hello, world"))
	})
	go fetch(base, server, url+"/hello")
	base.Dispatch()
	// Output: 200 OK Hello, world <nil>
}

// A pattern with a wildcard.
func ExampleServer_HandlePattern() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, url := start(base)
	server.HandlePattern("GET /items/{id}", func(r *evhttp.Request) {
		fmt.Fprintf(r.Output(), "item %s", r.PathValue("id"))
		r.SendReply(200, "", nil)
	})
	go fetch(base, server, url+"/items/a%20b")
	base.Dispatch()
	// Output: 200 OK item a b <nil>
}

// An answer that is ready later, made elsewhere.
func ExampleRequest_SendReply() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, url := start(base)
	server.Handle("/slow", func(r *evhttp.Request) {
		go func() {
			text := strings.ToUpper("found in a database")
			base.Post(func() { r.SendReplyBytes(200, "", []byte(text)) })
		}()
	})
	go fetch(base, server, url+"/slow")
	base.Dispatch()
	// Output: 200 OK FOUND IN A DATABASE <nil>
}

// An answer in parts, each made when the one before has left.
func ExampleRequest_SendReplyChunkFunc() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, url := start(base)
	server.Handle("/count", func(r *evhttp.Request) {
		if r.SendReplyStart(200, "") != nil {
			return
		}
		n := 0
		var next func()
		next = func() {
			if n++; n > 3 {
				r.SendReplyEnd()
				return
			}
			fmt.Fprintf(r.Output(), "%d ", n)
			r.SendReplyChunkFunc(r.Output(), next)
		}
		next()
	})
	go fetch(base, server, url+"/count")
	base.Dispatch()
	// Output: 200 OK 1 2 3  <nil>
}
