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

// GetAddrInfo resolves a node and a service to addresses, by the rules of
// evutil.Getaddrinfo, without blocking. It calls done before it returns if no query is
// needed: for numeric nodes, no node, errors in the arguments, names in hosts files,
// special names such as localhost, and cached names. Otherwise it sends queries for both
// families at the same time, unless hints want only one, and the loop calls done.
//
// Search domains are tried in turn, until one has addresses of either family, or
// nameservers fail. When the addresses of one family have arrived, GetAddrInfo waits
// Config.AllowSkew for the other; when the name does not exist for one family, it waits
// 50 ms for the other, as the name then does not exist for either (RFC 8020). Results are
// in the order of Config.Order: they are sorted, but the families are not interleaved. The
// canonical name is that at the end of the aliases, or the first on its line in a hosts
// file.
//
// Names of services are looked up in the system's list of them, which is read once, or by
// the resolver of hints, which is not used for anything else.
//
// The error wraps an evutil.GAIError, and an Err if nameservers are the reason:
// EAINoName if there is no such name, EAINoData if it has no addresses,
// EAIAddrFamily if a hosts file or CacheWrite has only those of the other family,
// EAIAgain for timeouts, failed, unreachable or missing nameservers, EAIFail otherwise.
//
// The result cancels the lookup; it may be called at any time, any number of times.
// Unlike in libevent, done is then not called any more. Nor is it after Free(false)
// (evdns_getaddrinfo, evdns_getaddrinfo_cancel).
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

// serviceResolver looks services up without a query: Go's resolver reads the file of
// services, and on Windows the system does.
var serviceResolver = &net.Resolver{PreferGo: runtime.GOOS != "windows"}

// prepare checks the arguments of a lookup.
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

// A lookup is a call of GetAddrInfo. It is in Base.lookups while it waits for answers.
type lookup struct {
	base          *Base
	links         list.Links[lookup]
	node, service string
	query         evutil.AddrInfoQuery
	name          string   // that is looked up now
	rest          []string // of the search, after name
	families      [2]family
	timer         event.Event // ends the wait for the second family
	cacheOnly     bool        // without queries
	sequential    bool        // IPv6 after IPv4
	ended         bool
	done          func([]evutil.AddrInfo, error)
}

// familyTypes are the record types of both families.
var familyTypes = [2]uint16{dns.TypeA, dns.TypeAAAA}

// A family is the lookup of the addresses of one family.
type family struct {
	request *Request // in flight, or nil
	answer  Answer
	err     error // or nil: answer has addresses, or the family is not wanted
}

// start starts the lookup, and returns its result if no query is needed. The base is
// locked.
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

// lookupKnown looks a name up in hosts files and what CacheWrite has written.
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

// results returns the results for all addresses of a host.
func (b *Base) results(q *evutil.AddrInfoQuery, addrs []netip.Addr, canonName string) ([]evutil.AddrInfo, error) {
	infos, err := q.Results(b.arrange(addrs), canonName)
	if err != nil {
		err = evutil.EAIAddrFamily
	}
	return infos, err
}

// resolve looks up the name, and the next ones as long as negative answers are cached. It
// returns true if there is no answer to wait for.
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

// nextName proceeds to the next name of the search, if nameservers have answered that this
// one has no addresses.
func (l *lookup) nextName() bool {
	if len(l.rest) == 0 || l.succeeded() || !continuesSearch(l.families[0].err) || !continuesSearch(l.families[1].err) {
		return false
	}
	l.name, l.rest = l.rest[0], l.rest[1:]
	return true
}

// resolveFamily looks up the addresses of a family, in the cache or by a request.
func (l *lookup) resolveFamily(i int) {
	b, f := l.base, &l.families[i]
	if kind := specialOf(l.name); kind != specialNot {
		f.answer, f.err = kind.answer(familyTypes[i])
		return
	}
	if i == 1 && b.config.NoAAAA && l.query.WantsIPv4() {
		return // the lookup of IPv4 finds whether the name exists
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

// resolveSecond starts the lookup of IPv6 addresses when that of IPv4 has ended, if they
// are sequential and the name may exist.
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

// onAnswer handles the answer for a family. The loop calls it.
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
	// Addresses are not delayed for long, nor is the absence of the name, which holds for
	// both families. Any other error says nothing about the other family, for which the
	// limit of its request holds.
	switch {
	case l.succeeded():
		_ = l.timer.AddTimeout(l.base.config.AllowSkew) // fails only if it was not assigned
	case errors.Is(err, ErrNotExist):
		_ = l.timer.AddTimeout(notExistSkew) // fails only if it was not assigned
	}
	l.base.unlock()
}

// notExistSkew is how long the lookup of the other family may take when the name does not
// exist for the first one (RFC 8020). Some nameservers say so for names that have
// addresses of the other family (RFC 4074, section 4.2). Tests change it.
var notExistSkew = 50 * time.Millisecond

// onTimer ends the wait for the second family, unless its callback is queued.
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

// mergeErrors drops the error of a family without an answer if the name does not exist for
// the other one, which holds for both.
func (l *lookup) mergeErrors() {
	v4, v6 := &l.families[0], &l.families[1]
	switch {
	case errors.Is(v4.err, ErrNotExist) && isNoAnswer(v6.err):
		v6.err = nil
	case errors.Is(v6.err, ErrNotExist) && isNoAnswer(v4.err):
		v4.err = nil
	}
}

// proceed looks up the next name of the search, or ends the lookup. It unlocks the base.
func (l *lookup) proceed() {
	_ = l.timer.DelNoBlock() // fails only if it was not assigned
	if l.nextName() && !l.resolve() {
		l.base.unlock()
		return
	}
	l.finish()
}

// finish ends the lookup with its outcome, and unlocks the base.
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

// end ends the lookup without calling its callback.
func (l *lookup) end() {
	if l.ended {
		return
	}
	l.ended = true
	if l.base.lookups.Contains(l) {
		l.base.lookups.Remove(l)
	}
	if l.timer.Initialized() {
		_ = l.timer.DelNoBlock() // fails only if it was not assigned
	}
	l.cancelRequests()
}

// cancelRequests ends the requests that are in flight.
func (l *lookup) cancelRequests() {
	for i := range l.families {
		if r := l.families[i].request; r != nil {
			l.families[i].request = nil
			l.base.abort(r)
		}
	}
}

// outcome returns the results, or the error if there are no addresses.
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

// failure returns the error of a lookup: reason in the terms of getaddrinfo, and the
// cause, or nil.
func (l *lookup) failure(reason, cause error) error {
	if cause == nil {
		return fmt.Errorf("evdns: getaddrinfo node %q service %q: %w", l.node, l.service, reason)
	}
	return fmt.Errorf("evdns: getaddrinfo node %q service %q: %w: %w", l.node, l.service, reason, cause)
}

// continuesSearch reports whether a search continues after err: a nameserver has answered,
// or the name was not valid.
func continuesSearch(err error) bool {
	return !isNoAnswer(err) && !isAny(err, ErrShutdown, ErrCancel, ErrFreed, ErrTooMany, ErrNotCached)
}

// reasonOf returns the more significant error of the two families: one that may be
// temporary, then one that is not, then a negative answer. Without any it is that there
// is no data.
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

// gaiError returns the error of getaddrinfo for an error of a lookup.
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
