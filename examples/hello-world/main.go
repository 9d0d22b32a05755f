// Hello-world greets every client that connects and hangs up. It shows a base,
// a persistent event on a listener, an event that happens once, and a signal:
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

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/sock"
)

var greeting = []byte("Hello, World!\n")

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
	listener, err := sock.Listen(addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()

	connection, err := base.NewEvent(listener.FD(), event.Read|event.Persist, onConnection)
	if err != nil {
		return err
	}
	connection.Data = listener
	if err := connection.Add(); err != nil {
		return err
	}
	interrupt, err := base.NewSignal(syscall.SIGINT, onInterrupt)
	if err != nil {
		return err
	}
	if err := interrupt.Add(); err != nil {
		return err
	}

	fmt.Println("listening on", listener.Addr())
	return base.Dispatch()
}

// onConnection takes one connection; while there are more, it is called again.
func onConnection(ev *event.Event, _ event.What) {
	fd, err := ev.Data.(*sock.Listener).Accept()
	if evutil.IsAcceptRetriable(err) {
		return // the client has gone again
	}
	if err != nil {
		log.Fatal("accept: ", err)
	}
	if err := ev.Base().Once(fd, event.Write, -1, onWritable); err != nil {
		log.Fatal(err)
	}
}

// onWritable sends the greeting. A new connection takes so little at once; the
// echo-server shows what to do about more.
func onWritable(ev *event.Event, _ event.What) {
	if _, err := sock.Write(ev.FD(), greeting); err != nil {
		log.Print("write: ", err)
	}
	evutil.CloseSocket(ev.FD())
}

func onInterrupt(ev *event.Event, _ event.What) {
	fmt.Println("interrupted")
	ev.Base().LoopBreak()
}
