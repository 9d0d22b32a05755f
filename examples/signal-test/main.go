// Signal-test prints the signals it gets and ends after some. It shows events
// for signals:
//
//	go run ./signal-test -n 3
//
// Type Control-C, or use kill with the process id that it prints.
package main

import (
	"errors"
	"flag"
	"log"
	"os"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/output"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("signal-test: ")
	n := flag.Int("n", 3, "end after `count` signals")
	flag.Parse()
	if flag.NArg() > 0 || *n < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := errors.Join(run(*n), output.Err()); err != nil {
		log.Fatal(err)
	}
}

func run(n int) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()

	came := 0
	onSignal := func(ev *event.Event, _ event.What) {
		came++
		output.Printf("signal %d of %d: %v\n", came, n, ev.Sig())
		if came == n {
			base.LoopBreak()
		}
	}
	for _, sig := range signals {
		ev, err := base.NewSignal(sig, onSignal)
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}

	output.Printf("process %d waits for %v\n", os.Getpid(), signals)
	if err := output.Err(); err != nil {
		return err
	}
	return base.Dispatch()
}
