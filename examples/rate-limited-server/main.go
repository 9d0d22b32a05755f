// Rate-limited-server sends every client an endless text, or a file, no faster
// than it is told. It shows rate limits of single bufferevents and of all
// together, and output that costs no memory: references and files.
//
//	go run ./rate-limited-server -rate 1000 -group-rate 5000
//	nc 127.0.0.1 9919
//
// Control-C or SIGTERM ends it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/examples/internal/output"
)

// options are what the flags say.
type options struct {
	addr      string
	rate      int
	groupRate int
	minShare  int
	tick      time.Duration
	file      string
	size      int64
	every     time.Duration
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("rate-limited-server: ")
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:9919", "listen at this `address`")
	flag.IntVar(&o.rate, "rate", 0, "`bytes` per second that each connection may send, and receive; 0 is no limit")
	flag.IntVar(&o.groupRate, "group-rate", 0, "`bytes` per second for all connections together; 0 is no limit")
	flag.IntVar(&o.minShare, "min-share", bufferevent.DefaultMinShare, "`bytes` that a connection gets of -group-rate at least, if it gets any")
	flag.DurationVar(&o.tick, "tick", 100*time.Millisecond, "how often connections may go on, a millisecond at least")
	flag.StringVar(&o.file, "file", "", "send the file at this `path` instead of the text")
	flag.Int64Var(&o.size, "size", 0, "end the text after so many `bytes`; 0 is never")
	flag.DurationVar(&o.every, "every", 0, "print the totals at this interval; 0 is only at the end")
	flag.Parse()
	limits, err := o.limits()
	if err != nil || flag.NArg() > 0 || o.size < 0 || o.every < 0 {
		if err != nil {
			log.Print(err)
		}
		flag.Usage()
		os.Exit(2)
	}
	if err := errors.Join(run(&o, limits), output.Err()); err != nil {
		log.Fatal(err)
	}
}

// limits are what a connection may move in a tick, and all of them together.
type limits struct {
	each, all *bufferevent.TokenBucketConfig
}

func (o *options) limits() (limits, error) {
	each, err := perTick("-rate", o.rate, o.tick)
	if err != nil {
		return limits{}, err
	}
	all, err := perTick("-group-rate", o.groupRate, o.tick)
	if err != nil {
		return limits{}, err
	}
	if o.minShare < 0 {
		return limits{}, fmt.Errorf("-min-share %d is negative", o.minShare)
	}
	return limits{each, all}, nil
}

// perTick converts a rate. What a tick allows is not saved for later ones.
func perTick(name string, rate int, tick time.Duration) (*bufferevent.TokenBucketConfig, error) {
	n := int(float64(rate) * tick.Seconds())
	switch {
	case rate < 0:
		return nil, fmt.Errorf("%s %d is negative", name, rate)
	case rate == 0:
		n = bufferevent.RateLimitMax
	case n == 0:
		return nil, fmt.Errorf("%s %d is less than a byte in %v", name, rate, tick)
	}
	return bufferevent.NewTokenBucketConfig(n, n, n, n, tick)
}

func run(o *options, bounds limits) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	src, err := o.source()
	if err != nil {
		return err
	}
	s, err := newServer(base, bounds, o.minShare, src)
	if err != nil {
		return err
	}
	l, err := listener.Listen(base, o.addr, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, s.serve)
	if err != nil {
		return err
	}
	defer l.Free()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, func(*event.Event, event.What) { base.LoopBreak() })
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	if o.every > 0 {
		report, err := base.NewEvent(-1, event.Persist, func(*event.Event, event.What) { s.report() })
		if err != nil {
			return err
		}
		if err := report.AddTimeout(o.every); err != nil {
			return err
		}
	}

	output.Println("listening on", l.Addr())
	if err := output.Err(); err != nil {
		return err
	}
	if err := base.Dispatch(); err != nil {
		return err
	}
	s.stop()
	s.report()
	return nil
}
