// Dns-example looks names up, all at once, or answers for some of its own. It shows
// a resolver and a DNS server on the loop:
//
//	go run ./dns-example example.com example.org
//	go run ./dns-example -x 192.0.2.1 2001:db8::1
//	go run ./dns-example -c resolv.conf -t MX example.org
//	go run ./dns-example -s 5353 www.example.org=192.0.2.1 www.example.org=2001:db8::1
//
// A line is printed for each address, name or record, as soon as it is known. With
// -tls a nameserver is asked over TLS (RFC 7858):
//
//	go run ./dns-example -tls 192.0.2.53 -servername dns.example.net example.org
//
// The exit code is 1 if any lookup failed. Control-C ends a server.
package main

import (
	"errors"
	"flag"
	"log"
	"os"

	"github.com/go-libevent/libevent/examples/internal/output"
	"github.com/go-libevent/libevent/examples/internal/usage"
)

// errUsage says that the arguments do not fit each other.
var errUsage = errors.New("wrong usage")

func main() {
	log.SetFlags(0)
	log.SetPrefix("dns-example: ")
	var o options
	o.flags(flag.CommandLine)
	usage.Set("Each NAME or ADDRESS is looked up; with -s they are what is served.",
		"[flags] NAME...", "-x [flags] ADDRESS...", "-s port NAME=ADDRESS...")
	flag.Parse()
	run, err := o.parse(flag.Args())
	if errors.Is(err, errUsage) {
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if err := errors.Join(run(), output.Err()); err != nil {
		log.Fatal(err)
	}
}
