// Echo-server sends back whatever its clients send, with nothing but events and
// plain descriptors. It shows one event for reading and one for writing per
// connection, what to do when a write is short, how to choose the event method,
// and how to run several loops:
//
//	go run ./echo-server -addr 127.0.0.1:7777
//	nc 127.0.0.1 7777
//
// Control-C or SIGTERM ends it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/go-libevent/libevent/core/event"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("echo-server: ")
	addr := flag.String("addr", "127.0.0.1:7777", "listen at this `host:port`")
	backend := flag.String("backend", "", "use the event method of this `name`; empty is the best")
	loops := flag.Int("loops", 1, "run `count` loops that share the port")
	flag.Parse()
	if flag.NArg() > 0 || *loops < 1 {
		flag.Usage()
		os.Exit(2)
	}
	err := run(*addr, *backend, *loops)
	if errors.Is(err, event.ErrNoMethod) {
		log.Printf("method %q: %v; the methods are %s", *backend, err, strings.Join(event.SupportedMethods(), ", "))
		os.Exit(2)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until a signal comes. Connections that are open then end with the
// process.
func run(addr, backend string, loops int) error {
	var servers []*server
	for range loops {
		s, err := newServer(addr, backend, loops > 1)
		if err != nil {
			return err
		}
		defer s.close()
		servers = append(servers, s)
		addr = s.listener.Addr() // if the port was 0, the others need the same
	}
	fmt.Println("listening on", addr)
	return serve(servers)
}

// serve runs each loop in its own goroutine. A signal reaches them all; if one
// fails instead, it takes the others with it.
func serve(servers []*server) error {
	ended := make(chan error)
	for _, s := range servers {
		go func() { ended <- s.base.Dispatch() }()
	}
	err := <-ended
	for _, s := range servers {
		s.base.LoopExit(0)
	}
	for range len(servers) - 1 {
		err = errors.Join(err, <-ended)
	}
	return err
}
