package examples

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/pthreads"
)

// HTTP on all cores: a group has a loop for each processor, and a server on each.
func Example_httpOnAllCores() {
	servers := evhttp.NewServers(func(s *evhttp.Server) error {
		return s.Handle("/hello", func(r *evhttp.Request) {
			if err := r.SendReplyBytes(200, "", []byte("Hello")); err != nil {
				fmt.Println(err)
			}
		})
	})
	group, addr, err := pthreads.Serve(nil, "127.0.0.1:0", servers)
	if err != nil {
		fmt.Println(err)
		return
	}

	resp, err := http.Get("http://" + addr.String() + "/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Println(resp.Status, string(body), err)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	group.StopListening()
	fmt.Println("answered:", servers.Shutdown(ctx))
	fmt.Println("stopped:", group.Stop(ctx))
	// Output:
	// 200 OK Hello <nil>
	// answered: <nil>
	// stopped: <nil>
}
