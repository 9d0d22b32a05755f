// Rpc-client has names greeted by an rpc-server, or a program in C that has the same RPC. It
// shows a pool of connections, calls on the loop and calls that wait in goroutines, and what
// errors tell:
//
//	go run ./rpc-client 127.0.0.1:8090 Ada Grace
//
// It ends with exit code 0 if all calls were answered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/greeting"
	"github.com/go-libevent/libevent/examples/internal/usage"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// options are what the flags say.
type options struct {
	address string
	names   []string
	conns   int
	times   uint
	timeout time.Duration
	wait    bool
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("rpc-client: ")
	var o options
	flag.IntVar(&o.conns, "conns", 2, "make `count` connections")
	flag.UintVar(&o.times, "times", 1, "have each name greeted `count` times")
	flag.DurationVar(&o.timeout, "timeout", 10*time.Second, "wait no longer for an answer")
	flag.BoolVar(&o.wait, "wait", false, "make each call in a goroutine, which waits")
	usage.Set("Each NAME is greeted by the server at ADDRESS.", "[flags] ADDRESS NAME...")
	flag.Parse()
	if flag.NArg() < 2 || o.conns < 1 || o.timeout < 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.address, o.names = flag.Arg(0), flag.Args()[1:]
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o *options) run() error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	pool, err := evrpc.NewPool(base, &evrpc.PoolConfig{Timeout: o.timeout})
	if err != nil {
		return err
	}
	defer pool.Free()
	if err := pool.AddConns(o.address, o.conns, nil); err != nil {
		return err
	}
	if o.wait {
		return o.callAndWait(base, pool)
	}
	return o.call(base, pool)
}

// request returns the request for a name.
func (o *options) request(name string) *greeting.Name {
	m := new(greeting.Name)
	m.SetName(name)
	if o.times != 1 {
		m.SetTimes(uint32(o.times))
	}
	return m
}

// call makes all calls at once, on the loop. Callbacks come in the order of the answers.
func (o *options) call(base *event.Base, pool *evrpc.Pool) error {
	var failed error
	left := len(o.names)
	for _, name := range o.names {
		_, err := greeting.MakeGreet(pool, o.request(name), func(reply *greeting.Greeting, err error) {
			failed = errors.Join(failed, err, show(reply))
			if left--; left == 0 {
				base.LoopBreak()
			}
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(base.Dispatch(), failed)
}

// callAndWait makes each call in a goroutine of its own, while the loop runs in this one.
func (o *options) callAndWait(base *event.Base, pool *evrpc.Pool) error {
	var calls sync.WaitGroup
	errs := make([]error, len(o.names))
	for i, name := range o.names {
		calls.Go(func() {
			reply, err := greeting.InvokeGreet(context.Background(), pool, o.request(name))
			errs[i] = errors.Join(err, show(reply))
		})
	}
	go func() {
		calls.Wait()
		_ = base.Post(base.LoopBreak) // fails only if the base was freed
	}()
	_, err := base.Loop(event.LoopNoExitOnEmpty)
	return errors.Join(append(errs, err)...)
}

// show prints a reply, if there is one.
func show(reply *greeting.Greeting) error {
	if reply == nil {
		return nil
	}
	for _, line := range reply.Lines() {
		if _, err := fmt.Println(line); err != nil {
			return err
		}
	}
	return nil
}
