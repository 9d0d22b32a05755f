// Echo-server sends back whatever its clients send. It shows a bufferevent for
// each connection, how watermarks keep a client that does not read from filling
// the memory, how to choose the event method, and how a group of loops shares
// the connections:
//
//	go run ./echo-server -addr 127.0.0.1:7777
//	nc 127.0.0.1 7777
//
// Control-C or SIGTERM ends it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/pthreads"
)

// stopTime is how long callbacks may take to come to an end.
const stopTime = 5 * time.Second

func main() {
	log.SetFlags(0)
	log.SetPrefix("echo-server: ")
	addr := flag.String("addr", "127.0.0.1:7777", "listen at this `address`")
	backend := flag.String("backend", "", "use the event method of this `name`; empty is the best")
	loops := flag.Int("loops", 1, "run `count` loops that share the connections")
	flag.Parse()
	if flag.NArg() > 0 || *loops < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if methods := event.SupportedMethods(); *backend != "" && !slices.Contains(methods, *backend) {
		log.Printf("there is no method %q; the methods are %s", *backend, strings.Join(methods, ", "))
		os.Exit(2)
	}
	if err := run(*addr, *backend, *loops); err != nil {
		log.Fatal(err)
	}
}

// run serves until a signal comes, or until a loop fails, which stops the group.
// Connections that are open then end with the process.
func run(addr, backend string, loops int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	group, err := pthreads.NewGroup(&pthreads.GroupConfig{
		Loops:  loops,
		Config: event.Config{AvoidMethods: allBut(backend)},
	})
	if err != nil {
		return err
	}
	listening, err := group.Listen(addr, serve)
	if err != nil {
		return errors.Join(err, group.Stop(ctx))
	}
	if _, err := fmt.Println("listening on", listening); err != nil {
		return errors.Join(err, group.Stop(ctx))
	}
	context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if err := group.Stop(deadline); err != nil {
			log.Fatal(err)
		}
	})
	return group.Wait()
}

// allBut returns the names of all methods but one.
func allBut(method string) []string {
	if method == "" {
		return nil
	}
	return slices.DeleteFunc(event.SupportedMethods(), func(name string) bool { return name == method })
}
