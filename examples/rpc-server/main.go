// Rpc-server greets by remote procedure calls, which come over HTTP from programs in Go, such
// as rpc-client, or in C. It shows a server of evrpc, handlers that answer at once or later,
// hooks, and messages that are generated:
//
//	go run ./rpc-server
//	go run ./rpc-client 127.0.0.1:8090 Ada Grace
//
// Control-C ends it.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/greeting"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// mostTimes is how often a name may be greeted in one call.
const mostTimes = 100

func main() {
	log.SetFlags(0)
	log.SetPrefix("rpc-server: ")
	addr := flag.String("addr", "127.0.0.1:8090", "listen at this `address`")
	var s server
	flag.DurationVar(&s.delay, "delay", 0, "think so long before each answer")
	flag.BoolVar(&s.verbose, "v", false, "tell of each call on standard error")
	flag.Parse()
	if flag.NArg() > 0 || s.delay < 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := s.run(*addr); err != nil {
		log.Fatal(err)
	}
}

// A server greets.
type server struct {
	delay   time.Duration
	verbose bool

	base   *event.Base
	served uint32
}

func (s *server) run(addr string) error {
	var err error
	if s.base, err = event.NewBase(); err != nil {
		return err
	}
	defer s.base.Free()
	web := evhttp.NewServer(s.base)
	defer web.Free()
	rpcs, err := evrpc.NewServer(web, nil)
	if err != nil {
		return err
	}
	defer rpcs.Free()
	if err := greeting.RegisterGreet(rpcs, s.greet); err != nil {
		return err
	}
	if s.verbose {
		if _, err := rpcs.AddHook(evrpc.InputHook, tell); err != nil {
			return err
		}
	}
	bound, err := web.Listen(addr)
	if err != nil {
		return err
	}
	interrupt, err := s.base.NewSignal(syscall.SIGINT, func(*event.Event, event.What) {
		fmt.Println("interrupted")
		s.base.LoopBreak()
	})
	if err != nil {
		return err
	}
	if err := interrupt.Add(); err != nil {
		return err
	}
	if _, err := fmt.Println("listening on", bound.AddrPort()); err != nil {
		return err
	}
	return s.base.Dispatch()
}

// tell is a hook that sees each request before it is decoded.
func tell(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
	log.Printf("%s with %d bytes from %v", x.Name(), body.Len(), x.Conn().PeerAddr())
	return evrpc.HookContinue
}

// greet answers a call, at once or later.
func (s *server) greet(c *evrpc.Call[greeting.Name, greeting.Greeting]) {
	if c.Request().Times() > mostTimes {
		if err := c.Fail(); err != nil {
			log.Print(err)
		}
		return
	}
	if s.delay == 0 {
		s.answer(c)
		return
	}
	timer := s.base.NewTimer(func(*event.Event, event.What) { s.answer(c) })
	if err := timer.AddTimeout(s.delay); err != nil {
		log.Print(err)
	}
}

// answer fills in the reply and sends it.
func (s *server) answer(c *evrpc.Call[greeting.Name, greeting.Greeting]) {
	s.served++
	request, reply := c.Request(), c.Reply()
	times := uint32(1)
	if request.HasTimes() {
		times = request.Times()
	}
	for range times {
		reply.AddLines("Hello, " + request.Name() + "!")
	}
	reply.SetServed(s.served)
	if err := c.Done(); err != nil { // the client may have gone meanwhile
		log.Print(err)
	}
}
