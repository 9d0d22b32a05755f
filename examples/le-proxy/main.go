// Le-proxy accepts connections and passes them on to another address, whatever
// is said there. It shows two bufferevents that feed each other: neither side
// is read faster than the other one reads, an end of the stream is passed on,
// and when a side fails, the other one still gets what was meant for it:
//
//	go run ./le-proxy 127.0.0.1:8888 localhost:7777
//	nc 127.0.0.1 8888
//
// Either side can be TLS: with -tls towards the clients, with -tls-connect
// towards the target.
//
//	go run ./le-proxy -tls -cert cert.pem -key key.pem 127.0.0.1:8443 localhost:80
//	go run ./le-proxy -tls-connect 127.0.0.1:8080 example.com:443
//
// Control-C or SIGTERM ends it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/examples/internal/usage"
	"github.com/go-libevent/libevent/pthreads"
)

// stopTime is how long callbacks may take to come to an end.
const stopTime = 5 * time.Second

func main() {
	log.SetFlags(0)
	log.SetPrefix("le-proxy: ")
	loops := flag.Int("loops", 1, "run `count` loops that share the connections")
	var o tlsOptions
	o.flags(flag.CommandLine)
	usage.Set("LISTEN-ADDR and CONNECT-ADDR are host:port.", "[flags] LISTEN-ADDR CONNECT-ADDR")
	flag.Parse()
	if flag.NArg() != 2 || *loops < 1 {
		flag.Usage()
		os.Exit(2)
	}
	to, err := parseTarget(flag.Arg(1))
	if err := errors.Join(err, o.check(flag.CommandLine)); err != nil {
		log.Print(err)
		os.Exit(2)
	}
	p, err := o.proxy(to)
	if err != nil {
		log.Fatal(err)
	}
	if err := run(flag.Arg(0), p, *loops); err != nil {
		log.Fatal(err)
	}
}

// parseTarget reads a "host:port". The host is looked up for each connection.
func parseTarget(addr string) (target, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return target{}, err
	}
	port, err := net.LookupPort("tcp", service)
	if err != nil {
		return target{}, err
	}
	if host == "" || port == 0 {
		return target{}, fmt.Errorf("address %s: no host or no port to connect to", addr)
	}
	return target{host, port}, nil
}

// run serves until a signal comes, or until a loop fails, which stops the group.
// Connections that are open then end with the process.
func run(addr string, p *proxy, loops int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	group, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: loops})
	if err != nil {
		return err
	}
	listening, err := group.Listen(addr, p.serve)
	if err != nil {
		return errors.Join(err, group.Stop(ctx))
	}
	if err := p.announce(listening); err != nil {
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

// announce prints where clients connect to, and what they can compare.
func (p *proxy) announce(listening net.Addr) error {
	_, err := fmt.Println("listening on", listening)
	if err == nil && p.accepting != nil {
		_, err = fmt.Println("certificate", tlsconf.Fingerprint(p.accepting.TLS.Certificates[0].Certificate[0]))
	}
	return err
}
