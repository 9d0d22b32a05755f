package main

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"syscall"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/examples/internal/output"
)

// errFailed says that there was a lookup without success, whose reason was printed.
var errFailed = errors.New("not all was found")

// lookups are all that the program shall look up.
type lookups struct {
	servers  nameservers
	begin    []func() error // begin a lookup each
	resolver *evdns.Base
	failed   int
}

// run looks everything up. The resolver is inactive, and the loop ends, when the
// last lookup has ended.
func (l *lookups) run() error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	if l.resolver, err = l.servers.resolver(base); err != nil {
		return err
	}
	defer l.resolver.Free(false)
	for _, begin := range l.begin {
		if err := begin(); err != nil {
			l.fail(err)
		}
	}
	if err := base.Dispatch(); err != nil {
		return err
	}
	if l.failed > 0 {
		return fmt.Errorf("%d of %d lookups: %w", l.failed, len(l.begin), errFailed)
	}
	return nil
}

func (l *lookups) fail(err error) {
	l.failed++
	log.Print(err)
}

func (l *lookups) addAddresses(names []string) {
	for _, name := range names {
		l.begin = append(l.begin, func() error { return l.addresses(name) })
	}
}

func (l *lookups) addReverse(addrs []string) error {
	for _, arg := range addrs {
		addr, err := netip.ParseAddr(arg)
		if err != nil {
			return err
		}
		l.begin = append(l.begin, func() error { return l.reverse(addr) })
	}
	return nil
}

func (l *lookups) addRecords(names []string, kind string) error {
	qtype, err := parseType(kind)
	if err != nil {
		return err
	}
	for _, name := range names {
		l.begin = append(l.begin, func() error { return l.records(name, qtype) })
	}
	return nil
}

// addresses looks up the addresses of a name, in the order in which a client should
// try them.
func (l *lookups) addresses(name string) error {
	hints := &evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM}
	l.resolver.GetAddrInfo(name, "", hints, func(found []evutil.AddrInfo, err error) {
		if err != nil {
			l.fail(err)
		}
		for _, info := range found {
			output.Println(name, info.Addr.Addr())
		}
	})
	return nil
}

// reverse looks up the names of an address.
func (l *lookups) reverse(addr netip.Addr) error {
	_, err := l.resolver.ResolveReverse(addr, 0, func(answer evdns.Answer, err error) {
		if err != nil {
			l.fail(err)
		}
		for _, name := range answer.Names {
			output.Println(addr, name)
		}
	})
	return err
}

// records looks up records of any type, and prints them as zone files have them.
func (l *lookups) records(name string, qtype uint16) error {
	_, err := l.resolver.Query(name, qtype, 0, func(m *dns.Msg, err error) {
		if err != nil {
			l.fail(err)
			return
		}
		for _, rr := range m.Answer {
			output.Println(rr)
		}
	})
	return err
}
