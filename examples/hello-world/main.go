// Hello-world greets every client that connects and hangs up. It shows a base,
// a listener, a bufferevent that is freed when all is written, and a signal:
//
//	go run ./hello-world
//	nc 127.0.0.1 9995
//
// Control-C ends it.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"syscall"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/sock"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("hello-world: ")
	addr := flag.String("addr", "127.0.0.1:9995", "listen at this `host:port`")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*addr); err != nil {
		log.Fatal(err)
	}
}

func run(addr string) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	listener, err := sock.Listen(addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	greet := func(fd int) { greet(base, fd) }
	if _, err := listener.Serve(base, greet, func(err error) { log.Fatal(err) }); err != nil {
		return err
	}
	interrupt, err := base.NewSignal(syscall.SIGINT, func(*event.Event, event.What) {
		fmt.Println("interrupted")
		base.LoopBreak()
	})
	if err != nil {
		return err
	}
	if err := interrupt.Add(); err != nil {
		return err
	}

	fmt.Println("listening on", listener.Addr())
	return base.Dispatch()
}

// greet sends the greeting, and hangs up once that is written.
func greet(base *event.Base, fd int) {
	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		evutil.CloseSocket(fd)
		log.Print(err)
		return
	}
	b.SetCallbacks(nil, (*bufferevent.Bufferevent).Free, onEvent)
	b.WriteString("Hello, World!\n")
}

// onEvent is called if the greeting cannot be written.
func onEvent(b *bufferevent.Bufferevent, _ bufferevent.Events) {
	log.Print(b.Err())
	b.Free()
}
