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
	"net/netip"
	"os"
	"syscall"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("hello-world: ")
	addr := flag.String("addr", "127.0.0.1:9995", "listen at this `address`")
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
	l, err := listener.Listen(base, addr, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, greet)
	if err != nil {
		return err
	}
	defer l.Free()
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

	if _, err := fmt.Println("listening on", l.Addr()); err != nil {
		return err
	}
	return base.Dispatch()
}

// greet sends the greeting, and hangs up once that is written.
func greet(l *listener.Listener, fd int, _ netip.AddrPort) {
	b, err := bufferevent.NewSocket(l.Base(), fd, bufferevent.CloseOnFree)
	if err != nil {
		log.Print(err)
		return
	}
	if _, err := b.WriteString("Hello, World!\n"); err != nil {
		log.Print(err)
	}
	b.FreeWhenWrittenFunc(0, func(err error) {
		if err != nil {
			log.Print(err)
		}
	})
}
