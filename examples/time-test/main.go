// Time-test starts a timer again and again, and prints how much time passed
// between its expiries. It shows the two ways to do so: to add the event anew in
// its callback, where the delays add up, or to make it persistent, where they do
// not:
//
//	go run ./time-test -n 5
//	go run ./time-test -n 5 -p
//
// Control-C ends it early.
package main

import (
	"errors"
	"flag"
	"log"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/output"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("time-test: ")
	n := flag.Int("n", 0, "end after `count` expiries; 0 is never")
	persistent := flag.Bool("p", false, "use a persistent event")
	interval := flag.Duration("interval", 2*time.Second, "time between expiries")
	flag.Parse()
	if flag.NArg() > 0 || *n < 0 || *interval <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := errors.Join(run(*n, *persistent, *interval), output.Err()); err != nil {
		log.Fatal(err)
	}
}

func run(n int, persistent bool, interval time.Duration) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()

	var flags event.What
	if persistent {
		flags = event.Persist
	}
	expiries, last := 0, base.Now()
	timer, err := base.NewEvent(-1, flags, func(ev *event.Event, _ event.What) {
		expiries++
		now := base.Now()
		output.Printf("expiry %d: %v after the last\n", expiries, now.Sub(last).Round(time.Microsecond))
		last = now
		if expiries == n {
			base.LoopBreak()
		} else if !persistent {
			start(ev, interval)
		}
	})
	if err != nil {
		return err
	}
	start(timer, interval)

	interrupt, err := base.NewSignal(syscall.SIGINT, func(*event.Event, event.What) {
		output.Println("interrupted")
		base.LoopBreak()
	})
	if err != nil {
		return err
	}
	if err := interrupt.Add(); err != nil {
		return err
	}
	return base.Dispatch()
}

func start(timer *event.Event, interval time.Duration) {
	if err := timer.AddTimeout(interval); err != nil {
		log.Fatal(err)
	}
}
