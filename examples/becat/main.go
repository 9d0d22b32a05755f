// Becat copies standard input to a connection and the connection to standard
// output, as nc does. It shows bufferevents of all sorts: one that connects by
// name, pipes, pairs with goroutines for what a loop cannot wait for, and the
// settings of a bufferevent as flags:
//
//	go run ./becat -l 127.0.0.1 10024 >copy
//	go run ./becat 127.0.0.1 10024 <file
//
// Each side may end its stream and still receive; becat ends when both have.
// Control-C or SIGTERM ends it at once.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/examples/internal/usage"
)

// options are what the flags and arguments say.
type options struct {
	host string
	port int

	listen, keep, quit, verbose bool

	buffer            int
	maxRead, maxWrite int
	rate              *bufferevent.TokenBucketConfig // or nil

	readTimeout, writeTimeout, keepAlive time.Duration
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("becat: ")
	o, err := parse()
	if err != nil {
		log.Print(err)
		flag.Usage()
		os.Exit(2)
	}
	if err := run(o); err != nil {
		log.Fatal(err)
	}
}

func parse() (*options, error) {
	var o options
	usage.Set("With -l, HOST may be left out, which is 127.0.0.1.",
		"[flags] HOST PORT", "-l [flags] [HOST] PORT")
	flag.BoolVar(&o.listen, "l", false, "listen, and serve one connection")
	flag.BoolVar(&o.keep, "k", false, "with -l, serve one connection after the other")
	flag.BoolVar(&o.quit, "q", false, "end a connection when the peer has ended its stream, even if standard input goes on")
	flag.BoolVar(&o.verbose, "v", false, "tell of connections on standard error")
	flag.IntVar(&o.buffer, "buffer", 64<<10, "let about so many `bytes` wait in each direction")
	flag.IntVar(&o.maxRead, "b", 0, "read at most so many `bytes` at a time; 0 is the default")
	flag.IntVar(&o.maxWrite, "max-write", 0, "write at most so many `bytes` at a time; 0 is the default")
	rate := flag.Int("rate", 0, "send and receive no more than so many `bytes` per second; 0 is no limit")
	flag.DurationVar(&o.readTimeout, "t", 0, "fail if nothing arrives for this long; 0 is never")
	flag.DurationVar(&o.writeTimeout, "T", 0, "fail if there is no connection, or nothing can be sent, for this long; 0 is never")
	flag.DurationVar(&o.keepAlive, "keepalive", 0, "ask for signs of life after this long without any; 0 is never")
	flag.Parse()

	for name, n := range map[string]int{"b": o.maxRead, "max-write": o.maxWrite, "rate": *rate, "buffer": o.buffer - 1} {
		if n < 0 {
			return nil, fmt.Errorf("-%s is too small", name)
		}
	}
	if min(o.readTimeout, o.writeTimeout, o.keepAlive) < 0 {
		return nil, fmt.Errorf("a time is negative")
	}
	if o.keep && !o.listen {
		return nil, fmt.Errorf("-k is for -l")
	}
	if *rate > 0 {
		var err error
		if o.rate, err = limit(*rate); err != nil {
			return nil, err
		}
	}
	return &o, o.address(flag.Args())
}

// address takes the arguments.
func (o *options) address(args []string) (err error) {
	o.host = "127.0.0.1"
	switch {
	case len(args) == 2:
		o.host = args[0]
	case len(args) != 1 || !o.listen:
		return fmt.Errorf("a host and a port are needed")
	}
	o.port, err = net.LookupPort("tcp", args[len(args)-1])
	if err == nil && o.port == 0 && !o.listen {
		err = fmt.Errorf("port 0 is for -l")
	}
	return err
}

// limit makes a rate limit that lets data flow evenly, and saves nothing for
// later.
func limit(rate int) (*bufferevent.TokenBucketConfig, error) {
	ticks := min(rate, 10) // per second
	n := rate / ticks
	return bufferevent.NewTokenBucketConfig(n, n, n, n, time.Second/time.Duration(ticks))
}
