// Ssl-echo is an echo server over TLS, and with -connect a client for that or
// any other server. It shows TLS bufferevents on both sides: certificates and
// their verification, ALPN, handshakes that do not hold up the loop, and streams
// that end in one direction after the other:
//
//	go run ./ssl-echo -addr 127.0.0.1:7443
//	go run ./ssl-echo -connect 127.0.0.1:7443 -insecure -v
//
// The client sends standard input, and copies what comes back to standard
// output. Control-C or SIGTERM ends either.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
)

// options are what the flags say.
type options struct {
	addr, connect  string
	loops, workers int
	alpn           []string
	verbose        bool
	identity       tlsconf.Identity
	verification   tlsconf.Verification
}

// Flags that only one of the sides has a use for.
var (
	serverFlags = []string{"addr", "loops", "workers"}
	clientFlags = []string{"insecure", "servername"}
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("ssl-echo: ")
	o, err := parse()
	if err != nil {
		log.Print(err)
		flag.Usage()
		os.Exit(2)
	}
	run := o.serve
	if o.connect != "" {
		run = o.talk
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func parse() (*options, error) {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:7443", "listen at this `address`")
	flag.StringVar(&o.connect, "connect", "", "be a client, of the server at this `host:port`")
	flag.IntVar(&o.loops, "loops", 1, "run `count` loops that share the connections")
	flag.IntVar(&o.workers, "workers", 0, "let up to `count` handshakes compute beside the loops; 0 has the loops do it")
	flag.BoolVar(&o.verbose, "v", false, "tell of connections on standard error")
	alpn := flag.String("alpn", "", "offer or accept these `protocols`, with commas between them, the best first")
	o.identity.Flags(flag.CommandLine)
	o.verification.Flags(flag.CommandLine)
	o.verification.CAFlag(flag.CommandLine, "trust the certificates in this PEM `file`: as a client, instead of the system's; as a server, and want one from each client")
	flag.Parse()
	if *alpn != "" {
		o.alpn = strings.Split(*alpn, ",")
	}
	return &o, o.check()
}

func (o *options) check() error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("argument %q is one too many", flag.Arg(0))
	case o.loops < 1:
		return errors.New("-loops is too small")
	case o.workers < 0:
		return errors.New("-workers is too small")
	case slices.ContainsFunc(o.alpn, func(name string) bool { return name == "" || len(name) > 255 }):
		return errors.New("-alpn has a name that is empty or too long")
	}
	foreign, side := clientFlags, "a client: -connect"
	if o.connect != "" {
		foreign, side = serverFlags, "a server, without -connect"
	}
	var err error
	flag.Visit(func(f *flag.Flag) {
		if slices.Contains(foreign, f.Name) {
			err = fmt.Errorf("-%s is for %s", f.Name, side)
		}
	})
	return errors.Join(err, o.identity.Check(), o.verification.Check(), o.checkTarget())
}

func (o *options) checkTarget() error {
	if o.connect == "" {
		return nil
	}
	_, _, err := splitTarget(o.connect)
	return err
}

// splitTarget takes a "host:port" apart.
func splitTarget(addr string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err = net.LookupPort("tcp", service)
	if err != nil {
		return "", 0, err
	}
	if host == "" || port == 0 {
		return "", 0, fmt.Errorf("address %s: no host or no port to connect to", addr)
	}
	return host, port, nil
}
