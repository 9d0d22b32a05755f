// Dns-forwarder answers DNS queries with what it learns from other nameservers, and
// remembers it for as long as they say. It shows a server and a resolver that work
// together on one loop, within limits:
//
//	go run ./dns-forwarder -addr 127.0.0.1:5353
//	dig -p 5353 @127.0.0.1 example.org
//
// It serves UDP and TCP. Queries beyond -max that wait for an answer are refused, as
// are connections beyond -clients; the cache forgets what was not used for the
// longest time when it has -cache entries. Control-C or SIGTERM ends it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/examples/internal/dnsport"
)

// options are the flags.
type options struct {
	addr                netip.AddrPort
	conf                string // a file like resolv.conf, or empty: the system's
	max, clients, cache int
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("dns-forwarder: ")
	var o options
	flag.TextVar(&o.addr, "addr", netip.MustParseAddrPort("127.0.0.1:5353"), "listen at this `IP:port`, for UDP and TCP")
	flag.StringVar(&o.conf, "c", "", "read nameservers and options from this `file`, not from the system's")
	flag.IntVar(&o.max, "max", 10_000, "have at most `n` queries wait for an answer")
	flag.IntVar(&o.clients, "clients", 1000, "have at most `n` TCP connections open")
	flag.IntVar(&o.cache, "cache", 100_000, "remember at most `n` answers; 0 is none")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := o.check(); err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o *options) check() error {
	switch {
	case o.max < 1:
		return errors.New("-max must be at least 1")
	case o.clients < 1:
		return errors.New("-clients must be at least 1")
	case o.cache < 0:
		return errors.New("-cache must not be negative")
	}
	return nil
}

// run serves until a signal comes.
func (o *options) run() error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	resolver, err := o.resolver(base)
	if err != nil {
		return err
	}
	defer resolver.Free(false)
	f := &forwarder{resolver: resolver, max: o.max}
	ports, err := dnsport.Open(base, o.addr, f.serve)
	if err != nil {
		return err
	}
	defer ports.Close()
	if err := ports.SetMaxClients(o.clients); err != nil {
		return err
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, func(*event.Event, event.What) { base.LoopBreak() })
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	if _, err := fmt.Println("listening on", ports.Addr()); err != nil {
		return err
	}
	return base.Dispatch()
}

// resolver makes a resolver with the nameservers that are to be asked.
func (o *options) resolver(base *event.Base) (*evdns.Base, error) {
	var flags evdns.BaseFlags
	if o.conf == "" {
		flags |= evdns.InitializeNameservers
	}
	if o.cache == 0 {
		flags |= evdns.NoCache
	}
	r, err := evdns.NewBase(base, flags)
	if err != nil {
		return nil, err
	}
	if o.conf != "" {
		err = r.ParseResolvConf(evdns.OptionsAll, o.conf)
	}
	if o.cache > 0 {
		err = errors.Join(err, r.SetOption("cache-size", strconv.Itoa(o.cache)))
	}
	err = errors.Join(err, r.SetOption("max-inflight", strconv.Itoa(o.max)))
	if err != nil {
		r.Free(false)
		return nil, err
	}
	return r, nil
}
