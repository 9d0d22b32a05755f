package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// tlsOptions are the flags for TLS on either side.
type tlsOptions struct {
	accept, connect bool
	workers         int
	identity        tlsconf.Identity
	verification    tlsconf.Verification
}

func (o *tlsOptions) flags(set *flag.FlagSet) {
	set.BoolVar(&o.accept, "tls", false, "speak TLS with the clients, with a certificate made for the occasion unless there is -cert")
	set.BoolVar(&o.connect, "tls-connect", false, "speak TLS with the target")
	set.IntVar(&o.workers, "workers", 0, "let up to `count` handshakes compute beside the loops; 0 has the loops do it")
	o.identity.Flags(set)
	o.verification.Flags(set)
	o.verification.CAFlag(set, "trust the certificates in this PEM `file` instead of the system's")
}

// needs says which other flag makes sense of one.
var needs = map[string]string{
	"cert": "tls", "key": "tls",
	"ca": "tls-connect", "insecure": "tls-connect", "servername": "tls-connect",
}

func (o *tlsOptions) check(set *flag.FlagSet) error {
	on := map[string]bool{"tls": o.accept, "tls-connect": o.connect}
	var err error
	set.Visit(func(f *flag.Flag) {
		if need := needs[f.Name]; need != "" && !on[need] {
			err = fmt.Errorf("-%s is for -%s", f.Name, need)
		}
		if f.Name == "workers" && !o.accept && !o.connect {
			err = errors.New("-workers is for -tls and -tls-connect")
		}
	})
	if o.workers < 0 {
		err = errors.New("-workers is too small")
	}
	return errors.Join(err, o.identity.Check(), o.verification.Check())
}

// proxy returns the proxy that the flags ask for.
func (o *tlsOptions) proxy(to target) (*proxy, error) {
	p := &proxy{target: to}
	var workers *evtls.Workers
	if o.workers > 0 {
		workers = evtls.NewWorkers(o.workers)
	}
	if o.accept {
		cert, err := o.identity.Certificate()
		if err != nil {
			return nil, err
		}
		p.accepting = &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Workers: workers}
	}
	if o.connect {
		cfg, err := o.verification.Client(to.host)
		if err != nil {
			return nil, err
		}
		p.connecting = &evtls.Config{TLS: cfg, Workers: workers}
	}
	return p, nil
}
