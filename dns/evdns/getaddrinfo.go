package evdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/list"
)

var _ bufferevent.Resolver = (*Base)(nil)

// GetAddrInfo finds the ways to reach a service on a node, by the rules of
// evutil.Getaddrinfo, but without waiting. What is known is answered at once, by
// a call of done before GetAddrInfo returns: numeric nodes, no node, errors in
// the arguments, names in hosts files, localhost and the like, and names in the cache. Otherwise the
// nameservers are asked for addresses of both families at the same time, unless
// hints want only one, and done is called by the loop.
//
// Search domains are tried in turn, until one has addresses of either family, or
// nameservers fail. When those of one family are there, the other one has as long
// as getaddrinfo-allow-skew says to follow; when there is no such name for one of
// them, there is none for the other (RFC 8020) unless it follows within 50 ms. The
// results are in the order that the
// option address-order says. The canonical name is that at the end of the aliases,
// or the first on its line in a hosts file.
//
// Names of services are looked up in the system's list of them, which is read
// once; hints may have a resolver to do it. Only for that is it used.
//
// The error wraps an evutil.GAIError, and an Err if nameservers are the reason:
// EAINoName if there is no such name, EAINoData if it has no addresses,
// EAIAddrFamily if a hosts file or CacheWrite knows only those of the other
// family, EAIAgain if there was no answer in time, nameservers failed or could not
// be reached, or there are none, EAIFail otherwise.
//
// The result cancels the lookup; it may be called at any time, any number of
// times. Unlike in libevent, done is then not called any more. Nor is it after
// Free(false) (evdns_getaddrinfo, evdns_getaddrinfo_cancel).
func (b *Base) GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) (cancel func()) {
	l := &lookup{base: b, done: done, node: node, service: service}
	b.lock()
	infos, finished, err := l.start(hints)
	b.unlock()
	if finished {
		done(infos, err)
		return func() {}
	}
	return l.cancel
}

// serviceResolver looks services up without a nameserver: Go's own way reads the
// file that has them, and on Windows the system does.
var serviceResolver = &net.Resolver{PreferGo: runtime.GOOS != "windows"}

// prepare begins a query of addresses.
func prepare(node, service string, hints *evutil.AddrInfoHints) (evutil.AddrInfoQuery, error) {
	var own evutil.AddrInfoHints
	if hints != nil {
		own = *hints
	}
	if own.Resolver == nil {
		own.Resolver = serviceResolver
	}
	return evutil.PrepareAddrInfo(context.Background(), node, service, &own)
}

// A lookup is a call of GetAddrInfo. It is in the base's list of lookups while
// it waits for nameservers.
type lookup struct {
	base          *Base
	links         list.Links[lookup]
	node, service string
	query         evutil.AddrInfoQuery
	name          string   // that is being tried
	rest          []string // to try after that
	families      [2]family
	timer         event.Event // ends the wait for the second family
	cacheOnly     bool        // nothing but the cache is asked
	sequential    bool        // IPv6 is asked for after IPv4
	ended         bool
	done          func([]evutil.AddrInfo, error)
}

// familyTypes are the types of the records of both families.
var familyTypes = [2]uint16{dns.TypeA, dns.TypeAAAA}

// A family is what is known of the addresses of one family.
type family struct {
	request *Request // under way, or nil
	answer  Answer
	err     error // or nil: answer has addresses, or was not asked for
}

// start answers at once if it can. The base is locked.
func (l *lookup) start(hints *evutil.AddrInfoHints) (infos []evutil.AddrInfo, finished bool, err error) {
	b := l.base
	if b.freed {
		return nil, true, l.failure(evutil.EAIFail, ErrFreed)
	}
	l.query, err = prepare(l.node, l.service, hints)
	if err != nil {
		return nil, true, err
	}
	if l.query.Host == "" {
		return l.query.Answer(), true, nil
	}
	if infos, found, err := b.lookupKnown(&l.query); found {
		if err != nil {
			err = l.failure(err, nil)
		}
		return infos, true, err
	}
	l.name, l.rest = b.search.names(l.query.Host, &b.config.Config)
	if l.resolve() {
		infos, err = l.outcome()
		return infos, true, err
	}
	if err := l.timer.AssignTimer(b.event, l.onTimer); err != nil {
		l.end()
		return nil, true, l.failure(evutil.EAIFail, err)
	}
	b.lookups.Push(l)
	return nil, false, nil
}

// lookupKnown looks into hosts and what was put into the cache by hand.
func (b *Base) lookupKnown(q *evutil.AddrInfoQuery) (infos []evutil.AddrInfo, found bool, err error) {
	if host, ok := b.hosts.find(q.Host); ok {
		infos, err := b.results(q, host.addrs, host.canonName)
		return infos, true, err
	}
	if b.flags&NoCache != 0 {
		return nil, false, nil
	}
	return b.lookupWritten(q)
}

// results makes results of all addresses of a host whose addresses are known.
func (b *Base) results(q *evutil.AddrInfoQuery, addrs []netip.Addr, canonName string) ([]evutil.AddrInfo, error) {
	infos, err := q.Results(b.arrange(addrs), canonName)
	if err != nil {
		err = evutil.EAIAddrFamily
	}
	return infos, err
}

// resolve looks up the name, or the next ones as long as it is known that they have
// no addresses, and returns true if there is nothing to wait for.
func (l *lookup) resolve() bool {
	for {
		l.families = [2]family{}
		l.sequential = l.base.config.SingleRequest && l.query.WantsIPv4() && l.query.WantsIPv6()
		if l.query.WantsIPv4() {
			l.resolveFamily(0)
		}
		if l.query.WantsIPv6() && (!l.sequential || l.families[0].request == nil) {
			l.resolveFamily(1)
		}
		if l.waiting() {
			return false
		}
		if !l.nextName() {
			return true
		}
	}
}

// nextName goes on to the next name if nameservers work, and have none of the
// addresses of this one.
func (l *lookup) nextName() bool {
	if len(l.rest) == 0 || l.succeeded() || !continuesSearch(l.families[0].err) || !continuesSearch(l.families[1].err) {
		return false
	}
	l.name, l.rest = l.rest[0], l.rest[1:]
	return true
}

// resolveFamily finds out about the addresses of a family: from the cache, or else it has
// a nameserver asked.
func (l *lookup) resolveFamily(i int) {
	b, f := l.base, &l.families[i]
	if kind := specialOf(l.name); kind != specialNot {
		f.answer, f.err = kind.answer(familyTypes[i])
		return
	}
	if i == 1 && b.config.NoAAAA && l.query.WantsIPv4() {
		return // which says whether the name exists
	}
	qtype, resolve := familyTypes[i], (*Base).ResolveIPv4
	if i == 1 {
		resolve = (*Base).ResolveIPv6
	}
	if known, ok := b.cache.get(l.name, qtype, b.now()); ok {
		f.answer, f.err = known.answer, known.err
		b.order.bySortlist(f.answer.Addrs)
		return
	}
	if l.cacheOnly {
		f.err = ErrNotCached
		return
	}
	f.request, f.err = resolve(b, l.name, NoSearch, func(a Answer, err error) { l.onAnswer(i, a, err) })
}

// resolveSecond asks for IPv6 addresses when the answer about those of IPv4 is there, if one
// is asked for after the other. If there is no such name, that goes for both.
func (l *lookup) resolveSecond(answered int) {
	if l.sequential && answered == 0 && !errors.Is(l.families[0].err, ErrNotExist) {
		l.resolveFamily(1)
	}
}

func (l *lookup) waiting() bool {
	return l.families[0].request != nil || l.families[1].request != nil
}

func (l *lookup) succeeded() bool {
	return len(l.families[0].answer.Addrs) > 0 || len(l.families[1].answer.Addrs) > 0
}

// onAnswer takes the answer about a family. The loop calls it.
func (l *lookup) onAnswer(i int, a Answer, err error) {
	l.base.lock()
	if l.ended {
		l.base.unlock()
		return
	}
	f := &l.families[i]
	f.request, f.answer, f.err = nil, a, err
	l.resolveSecond(i)
	if !l.waiting() {
		l.mergeErrors()
		l.proceed()
		return
	}
	// Addresses are not to be held back for long, nor is that there is no such
	// name, which goes for both families. Another error says nothing about the
	// other family, which then has the time that requests have.
	switch {
	case l.succeeded():
		_ = l.timer.AddTimeout(l.base.config.AllowSkew) // it was assigned
	case errors.Is(err, ErrNotExist):
		_ = l.timer.AddTimeout(notExistSkew) // it was assigned
	}
	l.base.unlock()
}

// notExistSkew is how long the other family is awaited when there is no such name
// for the first one (RFC 8020). Some nameservers say so though there are addresses
// of the other family (RFC 4074, section 4.2). Tests have others.
var notExistSkew = 50 * time.Millisecond

// onTimer gives up waiting for the second family, unless its answer is there and
// about to be delivered.
func (l *lookup) onTimer(*event.Event, event.What) {
	l.base.lock()
	for i := range l.families {
		if r := l.families[i].request; r != nil && r.ended() {
			l.base.unlock()
			return
		}
	}
	if l.ended {
		l.base.unlock()
		return
	}
	l.cancelRequests()
	l.proceed()
}

// mergeErrors has an error that is no answer not count beside one that is: if there
// is no such name, it does not matter that the other family was not heard of.
func (l *lookup) mergeErrors() {
	v4, v6 := &l.families[0], &l.families[1]
	switch {
	case errors.Is(v4.err, ErrNotExist) && isNoAnswer(v6.err):
		v6.err = nil
	case errors.Is(v6.err, ErrNotExist) && isNoAnswer(v4.err):
		v4.err = nil
	}
}

// proceed goes on to the next name, if nobody is asked and there are no addresses
// yet, or ends the lookup. It unlocks the base.
func (l *lookup) proceed() {
	_ = l.timer.DelNoBlock() // it was assigned
	if l.nextName() && !l.resolve() {
		l.base.unlock()
		return
	}
	l.finish()
}

// finish ends the lookup with what is known, and unlocks the base.
func (l *lookup) finish() {
	infos, err := l.outcome()
	l.end()
	l.base.unlock()
	l.done(infos, err)
}

// cancel ends the lookup without calling its callback.
func (l *lookup) cancel() {
	l.base.lock()
	l.end()
	l.base.unlock()
}

// end lets go of everything.
func (l *lookup) end() {
	if l.ended {
		return
	}
	l.ended = true
	if l.base.lookups.Contains(l) {
		l.base.lookups.Remove(l)
	}
	if l.timer.Initialized() {
		_ = l.timer.DelNoBlock() // it was assigned
	}
	l.cancelRequests()
}

// cancelRequests has no answer awaited any more.
func (l *lookup) cancelRequests() {
	for i := range l.families {
		if r := l.families[i].request; r != nil {
			l.families[i].request = nil
			l.base.abort(r)
		}
	}
}

// outcome returns the results of the addresses that are there, or why there are
// none.
func (l *lookup) outcome() ([]evutil.AddrInfo, error) {
	v4, v6 := &l.families[0], &l.families[1]
	if !l.succeeded() {
		reason, cause := reasonOf(v4.err, v6.err)
		return nil, l.failure(reason, cause)
	}
	addrs := make([]netip.Addr, 0, len(v4.answer.Addrs)+len(v6.answer.Addrs))
	addrs = append(append(addrs, v4.answer.Addrs...), v6.answer.Addrs...)
	canonName := strings.TrimSuffix(l.name, ".")
	for _, f := range l.families {
		if len(f.answer.Addrs) > 0 && f.answer.CanonName != "" {
			canonName = f.answer.CanonName
		}
	}
	infos, err := l.query.Results(l.base.arrange(addrs), canonName)
	if err != nil {
		return nil, l.failure(err, nil)
	}
	return infos, nil
}

// failure is the error of a lookup: what went wrong in getaddrinfo's terms, and
// the cause, or nil.
func (l *lookup) failure(reason, cause error) error {
	if cause == nil {
		return fmt.Errorf("evdns: getaddrinfo node %q service %q: %w", l.node, l.service, reason)
	}
	return fmt.Errorf("evdns: getaddrinfo node %q service %q: %w: %w", l.node, l.service, reason, cause)
}

// continuesSearch reports whether after err, if any, it makes sense to try another
// name: a nameserver has said something, or the name was none to look up.
func continuesSearch(err error) bool {
	return !isNoAnswer(err) && !isAny(err, ErrShutdown, ErrCancel, ErrFreed, ErrTooMany, ErrNotCached)
}

// reasonOf returns the one of the errors of the two families that says more:
// that a later attempt may succeed, before that none will, and both before what
// is known for sure. Without any there was no data.
func reasonOf(v4, v6 error) (evutil.GAIError, error) {
	rank := func(err error) int {
		switch reason := gaiError(err); reason {
		case evutil.EAIAgain:
			return 3
		case evutil.EAIFail:
			return 2
		case evutil.EAINoData:
			return 1
		}
		return 0
	}
	switch {
	case v4 == nil:
		return gaiError(v6), v6
	case v6 == nil || rank(v4) >= rank(v6):
		return gaiError(v4), v4
	}
	return gaiError(v6), v6
}

// gaiError says what went wrong in getaddrinfo's terms.
func gaiError(err error) evutil.GAIError {
	switch {
	case err == nil, errors.Is(err, ErrNoData):
		return evutil.EAINoData
	case errors.Is(err, ErrNotExist), errors.Is(err, ErrName):
		return evutil.EAINoName
	case isNoAnswer(err), errors.Is(err, ErrTooMany):
		return evutil.EAIAgain
	}
	return evutil.EAIFail
}

// lookups is a list of lookups.
type lookups = list.List[lookup, lookupLinks]

type lookupLinks struct{}

// Of implements list.Linker.
func (lookupLinks) Of(l *lookup) *list.Links[lookup] { return &l.links }

// endLookups ends all lookups without calling their callbacks, as Free(false) does.
func (b *Base) endLookups() {
	for b.lookups.First() != nil {
		b.lookups.First().end()
	}
}
