package simulation_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// lookupKind is which method a lookup calls.
type lookupKind int

const (
	lookupV4 lookupKind = iota
	lookupV6
	lookupReverse
	lookupMessage
	lookupAddrInfo
)

// A lookup is one call of a resolver, with what was true when it began.
type lookup struct {
	client  *resolverClient
	kind    lookupKind
	name    string
	flags   evdns.QueryFlags
	qtype   uint16 // of a message
	params  evdns.QueryConfig
	names   []string   // that may be looked up, in this order, with a dot at the end
	known   netip.Addr // what the hosts file has, or zero
	must    *response  // of which the answer, or that of another one, is cached; nil if that is not certain
	serial  int        // of the next response
	start   time.Time
	noCache bool

	request   *evdns.Request
	cancel    func()
	cancelled time.Time
	starting  bool // the method has not returned
	silent    bool // nothing is to be called any more
	calls     int
	aliases   int // calls of CNAMECallback
	ended     bool
	positive  bool
	found     map[uint16]int // how many records of each type it has found
	err       error
	then      func() // what its callback does
}

// types returns the types that the lookup asks for.
func (l *lookup) types() []uint16 {
	switch l.kind {
	case lookupV4:
		return []uint16{dns.TypeA}
	case lookupV6:
		if l.client.noAAAA {
			return []uint16{dns.TypeAAAA, dns.TypeA}
		}
		return []uint16{dns.TypeAAAA}
	case lookupReverse:
		return []uint16{dns.TypePTR}
	case lookupMessage:
		return []uint16{l.qtype}
	}
	return []uint16{dns.TypeA, dns.TypeAAAA}
}

// questions returns what may be asked for it.
func (l *lookup) questions() (list []question) {
	for _, name := range l.names {
		for _, t := range l.types() {
			list = append(list, question{strings.ToLower(name), t})
		}
	}
	return list
}

// begin calls the method. It runs on the loop of the client.
func (l *lookup) begin() {
	c := l.client
	c.lookups = append(c.lookups, l)
	c.world.Note("lookup %d of %s, flags %#x: %q", l.kind, l.name, l.flags, l.names)
	l.start = c.world.Now()
	l.known = c.hostsAddr(l.name)
	l.noCache = c.flags&evdns.NoCache != 0 || c.cfg.CacheSize < 0
	l.must, l.serial = c.mustHave(l), len(c.zones.responses)
	c.open(l)
	if c.steady != nil {
		c.steady.begun(l)
	}
	l.starting = true
	var err error
	switch l.kind {
	case lookupV4:
		l.request, err = c.base.ResolveIPv4(l.name, l.flags, l.onAnswer)
	case lookupV6:
		l.request, err = c.base.ResolveIPv6(l.name, l.flags, l.onAnswer)
	case lookupReverse:
		l.request, err = c.base.ResolveReverse(netip.MustParseAddr(l.name), l.flags, l.onAnswer)
	case lookupMessage:
		l.request, err = c.base.QueryWith(l.name, l.qtype, l.params, l.onMessage)
	case lookupAddrInfo:
		l.cancel = c.base.GetAddrInfo(l.name, "80", nil, l.onAddrInfo)
	}
	l.starting = false
	if err != nil {
		if !errors.Is(err, evdns.ErrTooMany) || !c.mayBeTooMany {
			l.errorf("has failed at once: %v", err)
		}
		l.end(err)
	}
}

func (l *lookup) errorf(format string, args ...any) {
	l.client.world.T().Helper()
	l.client.world.T().Errorf("%v: %s", l, fmt.Sprintf(format, args...))
}

func (l *lookup) String() string {
	return fmt.Sprintf("lookup %d of %s, begun at %v", l.kind, l.name, l.start.Sub(l.client.began))
}

// called counts a call of the callback, and reports whether it may be one.
func (l *lookup) called(err error) bool {
	l.client.world.Note("answer: %s: %v", l.name, err)
	switch {
	case l.starting && l.kind != lookupAddrInfo:
		l.errorf("has called back before it returned")
	case l.calls > 0:
		l.errorf("has called back again, with %v", err)
	case l.silent:
		l.errorf("has called back after its end, with %v", err)
	}
	l.calls++
	return l.calls == 1
}

// end notes that the lookup has ended.
func (l *lookup) end(err error) {
	if l.ended {
		return
	}
	l.ended, l.err = true, err
	l.client.close(l)
	if l.client.steady != nil {
		l.client.steady.ended(l)
	}
	if l.then != nil {
		l.then()
	}
}

func (l *lookup) onAnswer(a evdns.Answer, err error) {
	if l.calls == 1 && l.flags&evdns.CNAMECallback != 0 && a.Type == evdns.TypeCNAME {
		l.aliases++
		if err != nil || len(a.Names) != 1 || !l.positive || l.aliases > 1 {
			l.errorf("alias %v: %v", a, err)
		}
		return
	}
	if !l.called(err) {
		return
	}
	l.positive = err == nil
	l.client.checks.answer(l, a, err)
	l.end(err)
}

func (l *lookup) onMessage(m *dns.Msg, err error) {
	if !l.called(err) {
		return
	}
	l.positive = err == nil
	l.client.checks.message(l, m, err)
	l.end(err)
}

func (l *lookup) onAddrInfo(infos []evutil.AddrInfo, err error) {
	if !l.called(err) {
		return
	}
	l.positive = err == nil
	l.client.checks.addrInfo(l, infos, err)
	l.end(err)
}

// giveUp cancels the lookup.
func (l *lookup) giveUp() {
	if l.ended {
		return
	}
	if l.cancelled.IsZero() {
		l.cancelled = l.client.world.Now()
	}
	if l.kind == lookupAddrInfo {
		if l.cancel != nil {
			l.cancel()
			l.silent = true
			l.end(evdns.ErrCancel)
		}
		return
	}
	if l.request != nil {
		l.request.Cancel()
	}
}
