package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
)

// options are the flags.
type options struct {
	reverse bool
	kind    string // of records, or empty
	port    int    // to serve at, or -1
	servers nameservers
}

// nameservers say whom to ask. Without any, the system's configuration does.
type nameservers struct {
	conf     string // a file like resolv.conf, or empty
	overTLS  string // an address, or empty
	identity tlsconf.Verification
}

func (o *options) flags(set *flag.FlagSet) {
	set.BoolVar(&o.reverse, "x", false, "look up the names of addresses")
	set.StringVar(&o.kind, "t", "", "look up records of this `type`, such as MX")
	set.IntVar(&o.port, "s", -1, "serve at this `port` of 127.0.0.1, over UDP and TCP; 0 is one that is free")
	set.StringVar(&o.servers.conf, "c", "", "read nameservers and options from this `file`, not from the system's")
	set.StringVar(&o.servers.overTLS, "tls", "", "ask the nameserver at this `address`, with a port or 853, over TLS")
	o.servers.identity.Flags(set)
	o.servers.identity.CAFlag(set, "trust the certificates in this PEM `file`, for -tls; empty is those that the system trusts")
}

// parse returns what the program is to do.
func (o *options) parse(args []string) (run func() error, err error) {
	if len(args) == 0 || o.port > math.MaxUint16 {
		return nil, errUsage
	}
	if o.port >= 0 {
		return o.serve(args)
	}
	if err := o.servers.check(); err != nil {
		return nil, err
	}
	l := &lookups{servers: o.servers}
	switch {
	case o.reverse && o.kind != "":
		return nil, errUsage
	case o.reverse:
		err = l.addReverse(args)
	case o.kind != "":
		err = l.addRecords(args, o.kind)
	default:
		l.addAddresses(args)
	}
	return l.run, err
}

// serve returns what serves a zone.
func (o *options) serve(args []string) (run func() error, err error) {
	if o.reverse || o.kind != "" || o.servers != (nameservers{}) {
		return nil, errUsage
	}
	z, err := parseZone(args)
	if err != nil {
		return nil, err
	}
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(o.port))
	return func() error { return serve(addr, z) }, nil
}

func (s *nameservers) check() error {
	if s.overTLS == "" {
		if s.identity != (tlsconf.Verification{}) {
			return errors.New("-servername, -insecure and -ca are for -tls")
		}
		return nil
	}
	if s.conf != "" {
		return errors.New("-tls and -c exclude each other")
	}
	if _, err := s.tlsAddr(); err != nil {
		return err
	}
	return s.identity.Check()
}

// tlsAddr returns the address of the nameserver that is asked over TLS. Port 0 is
// that of DNS over TLS.
func (s *nameservers) tlsAddr() (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(s.overTLS); err == nil {
		return netip.AddrPortFrom(addr, 0), nil
	}
	return netip.ParseAddrPort(s.overTLS)
}

// parseType returns the number of a type of records.
func parseType(kind string) (uint16, error) {
	qtype, ok := dns.StringToType[strings.ToUpper(kind)]
	if !ok {
		return 0, fmt.Errorf("unknown type %q", kind)
	}
	return qtype, nil
}
