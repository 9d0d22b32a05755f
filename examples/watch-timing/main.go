// Watch-timing measures where a loop's time goes while timers and sockets keep
// it busy. It shows watchers, which are called right before and after every
// wait, and the statistics that a base collects itself:
//
//	go run ./watch-timing -d 5s -timers 1000
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
	log.SetPrefix("watch-timing: ")
	duration := flag.Duration("d", 2*time.Second, "measure for this long")
	timers := flag.Int("timers", 100, "keep the loop busy with `count` timers")
	flag.Parse()
	if flag.NArg() > 0 || *duration <= 0 || *timers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := errors.Join(run(*duration, *timers), output.Err()); err != nil {
		log.Fatal(err)
	}
}

func run(duration time.Duration, timers int) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	load, err := newLoad(base, timers)
	if err != nil {
		return err
	}
	defer load.close()
	interrupt, err := base.NewSignal(syscall.SIGINT, func(*event.Event, event.What) { base.LoopBreak() })
	if err != nil {
		return err
	}
	if err := interrupt.Add(); err != nil {
		return err
	}

	output.Printf("measuring %s for %v\n", base.Method(), duration)
	base.EnableStats(true)
	var t timing
	t.watch(base)
	if err := base.LoopExit(duration); err != nil {
		return err
	}
	if err := base.Dispatch(); err != nil {
		return err
	}
	load.report(&output.Stdout)
	t.report(&output.Stdout)
	reportStats(&output.Stdout, base.Stats())
	return nil
}
