package simulation_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// checks are what must be true of outcomes.
type checks struct {
	client *resolverClient
}

// answer checks the outcome of ResolveIPv4, ResolveIPv6 and ResolveReverse.
func (k *checks) answer(l *lookup, a evdns.Answer, err error) {
	want := map[lookupKind]evdns.AnswerType{lookupV4: evdns.TypeA, lookupV6: evdns.TypeAAAA, lookupReverse: evdns.TypePTR}[l.kind]
	if a.Type != want {
		l.errorf("type %d, want %d", a.Type, want)
	}
	if err != nil {
		if len(a.Addrs)+len(a.Names) > 0 || a.CanonName != "" {
			l.errorf("answer %v with the error %v", a, err)
		}
		k.failure(l, err)
		return
	}
	if k.special(l) {
		return
	}
	var r *response
	if l.kind == lookupReverse {
		r = k.named(l, a.Names)
	} else {
		r = k.addressed(l, l.types()[0], a.Addrs)
	}
	l.found = map[uint16]int{l.types()[0]: len(a.Addrs) + len(a.Names)}
	k.certain(l, l.found, nil)
	if r == nil {
		return
	}
	r.cached = true
	if l.must != nil && r.serial >= l.serial {
		l.errorf("has asked again, and the answer of %v is valid for %v", l.must.at.Sub(k.client.began), l.must.ttl)
	}
	if a.CanonName != r.canon && l.kind != lookupReverse {
		l.errorf("canonical name %q, want %q", a.CanonName, r.canon)
	}
	k.age(l, r, a.TTL)
}

// special reports whether the name has a meaning of its own.
func (k *checks) special(l *lookup) bool {
	return len(l.names) > 0 && (strings.HasSuffix(l.names[0], "localhost.") || strings.HasSuffix(l.names[0], ".invalid."))
}

// addressed checks addresses, which must be all of one response, and returns that.
func (k *checks) addressed(l *lookup, qtype uint16, addrs []netip.Addr) *response {
	if !k.client.honest {
		return nil
	}
	if len(addrs) == 0 {
		l.errorf("no addresses and no error")
		return nil
	}
	first, _, genuine := serialOf(addrs[0])
	if !genuine {
		l.errorf("forged address %v", addrs[0])
		return nil
	}
	r := k.client.zones.find(first)
	if r == nil {
		l.errorf("address %v of no response", addrs[0])
		return nil
	}
	seen := make(map[int]bool)
	for _, a := range addrs {
		serial, index, genuine := serialOf(a)
		if serial != first || !genuine || seen[index] || index >= r.records || a.Is4() != (qtype == dns.TypeA) {
			l.errorf("addresses %v of the response %+v", addrs, *r)
			return nil
		}
		seen[index] = true
	}
	if len(addrs) != r.records && !r.truncated {
		l.errorf("%d addresses of %d", len(addrs), r.records)
	}
	k.belongs(l, r, qtype)
	return r
}

// named is addressed for names.
func (k *checks) named(l *lookup, names []string) *response {
	if !k.client.honest {
		return nil
	}
	var r *response
	for i, name := range names {
		var serial, index int
		if _, err := fmt.Sscanf(name, "p%d-%d.names.test", &serial, &index); err != nil || index != i {
			l.errorf("name %q at %d", name, i)
			return nil
		}
		if found := k.client.zones.find(serial); found == nil || r != nil && r != found {
			l.errorf("name %q of another response", name)
			return nil
		} else {
			r = found
		}
	}
	if r == nil || r.records != len(names) && !r.truncated {
		l.errorf("names %v", names)
		return nil
	}
	k.belongs(l, r, dns.TypePTR)
	return r
}

// belongs checks that a response is one to what the lookup asks for, and that all names
// before that one in the search have been looked up.
func (k *checks) belongs(l *lookup, r *response, qtype uint16) {
	if !r.positive() && !(r.tcp && r.rcode == 0) {
		l.errorf("answer of the response %+v", *r)
	}
	if r.question.qtype != qtype {
		l.errorf("answer of type %d to a question of type %d", r.question.qtype, qtype)
	}
	for _, name := range l.names {
		if strings.ToLower(name) == r.question.name {
			return
		}
		k.tried(l, question{strings.ToLower(name), qtype})
	}
	l.errorf("answer for %s, want one of %q", r.question.name, l.names)
}

// tried checks that a nameserver has answered that there are no such records.
func (k *checks) tried(l *lookup, q question) {
	for _, t := range k.client.sameAnswer(q) {
		for _, r := range k.client.zones.said[t] {
			if !r.positive() {
				return
			}
		}
	}
	if len(q.name) < 254 && !k.client.dirty {
		l.errorf("%s was not looked up, which comes first", q.name)
	}
}

// sameAnswer returns the questions whose negative answers hold for q as well.
func (c *resolverClient) sameAnswer(q question) []question {
	list := []question{q}
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeTXT} {
		if t != q.qtype {
			list = append(list, question{q.name, t})
		}
	}
	return list
}

// slack is by how much times may differ from what they should be: what the network and
// the loop may take.
func (k *checks) slack() time.Duration { return k.client.transit + 300*time.Millisecond }

// age checks that a response is not older than it may be.
func (k *checks) age(l *lookup, r *response, ttl time.Duration) {
	c := k.client
	now := c.world.Now()
	last := r.used
	if r.used = now; r.shown.IsZero() {
		r.shown = now
	}
	if ttl > r.ttl && !(ttl == 0) {
		l.errorf("TTL %v of a response with %v", ttl, r.ttl)
	}
	since := c.since(r.question, l)
	if !r.at.Before(since) {
		return // it was asked for by this lookup, or one with which it was joined
	}
	if l.noCache {
		l.errorf("a response of %v, without a cache", r.at.Sub(c.began))
	}
	if n := k.cachedSince(last, l.start); n >= c.most.CacheSize && !last.IsZero() {
		l.errorf("a response of %v is in the cache, but %d were after that, and it has room for %d", r.at.Sub(c.began), n, c.most.CacheSize)
	}
	if c.slow || r.tcp {
		return
	}
	if l.kind == lookupAddrInfo { // which has waited for the other family
		now = l.start
	}
	if now.Sub(r.shown) > r.ttl && now.Sub(r.at) > r.ttl+k.slack() {
		l.errorf("a response of %v with the TTL %v, first seen at %v", r.at.Sub(c.began), r.ttl, r.shown.Sub(c.began))
	}
	left := r.ttl - now.Sub(r.at)
	if l.kind == lookupMessage { // where the TTL is one of whole seconds
		left += time.Second
	}
	if ttl > 0 && ttl > left+k.slack() {
		l.errorf("TTL %v, but only %v are left", ttl, left)
	}
}

// cachedSince returns how many questions have had answers between two times that are
// cached.
func (k *checks) cachedSince(t, until time.Time) int {
	questions := make(map[question]bool)
	list := k.client.zones.responses
	for i := len(list) - 1; i >= 0 && list[i].at.After(t); i-- {
		if list[i].cached && list[i].ttl > 0 && list[i].at.Before(until) {
			questions[list[i].question] = true
		}
	}
	return len(questions)
}

// mustHave returns a response for which a lookup must have an answer from the cache, or nil
// if it may ask again.
func (c *resolverClient) mustHave(l *lookup) *response {
	if l.noCache || c.minCache < 1000 || len(l.names) != 1 || l.kind > lookupReverse || c.noAAAA || c.checks.special(l) || !c.honest {
		return nil
	}
	said := c.zones.said[l.questions()[0]]
	if len(said) == 0 {
		return nil
	}
	r := said[len(said)-1]
	if !r.cached || !r.positive() || c.world.Now().Sub(r.at) >= r.ttl {
		return nil
	}
	return r
}

// certain checks an outcome against the zones when nothing goes wrong: how many records
// of each type there are, or the error.
func (k *checks) certain(l *lookup, counts map[uint16]int, err error) {
	c := k.client
	if !c.quiet || k.special(l) || l.known.IsValid() || l.flags&evdns.IgnoreTC != 0 || c.cfg.IgnoreTC || c.noAAAA ||
		l.params.Timeout > 0 || c.mostUnderWay > c.minInflight || c.mayBeTooMany {
		return
	}
	rounds := time.Duration(2 * len(l.names)) // one by TCP for each by UDP, and connecting
	if took := c.world.Now().Sub(l.start); took > 2*rounds*c.transit+500*time.Millisecond {
		l.errorf("has taken %v with %d names", took, len(l.names))
	}
	want := error(evdns.ErrNotExist)
	for _, name := range l.names {
		total := 0
		for _, t := range l.types() {
			n, exists := c.zones.count(question{strings.ToLower(name), t})
			total += n
			if want = evdns.ErrNoData; !exists {
				want = evdns.ErrNotExist
			}
		}
		if total == 0 {
			continue
		}
		if err != nil {
			l.errorf("%v, but %s has %d records", err, name, total)
		}
		for _, t := range l.types() {
			if n, _ := c.zones.count(question{strings.ToLower(name), t}); err == nil && counts[t] != n && l.kind != lookupMessage {
				l.errorf("%d records of the type %d, but %s has %d", counts[t], t, name, n)
			}
		}
		return
	}
	if !errors.Is(err, want) && l.kind != lookupMessage { // whose message may have other records
		l.errorf("%v, want %v", err, want)
	}
}

// message checks the outcome of a Query.
func (k *checks) message(l *lookup, m *dns.Msg, err error) {
	if m != nil && (len(m.Question) != 1 || m.Question[0].Name != dns.Fqdn(l.lookedUp(m)) || m.Question[0].Qtype != l.qtype || !m.Response) {
		l.errorf("message %v", m)
	}
	if err != nil {
		k.failure(l, err)
		return
	}
	if m == nil {
		l.errorf("no message and no error")
		return
	}
	if k.special(l) || !k.client.honest {
		return
	}
	if len(m.Answer) == 0 || m.Rcode != dns.RcodeSuccess {
		l.errorf("no error, but the message %v", m)
	}
	var addrs []netip.Addr
	var names []string
	ttl := time.Duration(1 << 62)
	for _, rr := range m.Answer {
		h := rr.Header()
		ttl = min(ttl, time.Duration(h.Ttl)*time.Second)
		switch rr := rr.(type) {
		case *dns.A:
			if a, _ := netip.AddrFromSlice(rr.A.To4()); h.Rrtype == l.qtype && h.Name != "other."+zoneDomain {
				addrs = append(addrs, a)
			}
		case *dns.AAAA:
			a, _ := netip.AddrFromSlice(rr.AAAA.To16())
			addrs = append(addrs, a)
		case *dns.PTR:
			names = append(names, strings.TrimSuffix(rr.Ptr, "."))
		}
	}
	l.found = map[uint16]int{l.qtype: len(addrs) + len(names)}
	var r *response
	switch {
	case len(addrs) > 0:
		r = k.addressed(l, l.qtype, addrs)
	case len(names) > 0:
		r = k.named(l, names)
	default: // aliases only
		return
	}
	if r != nil {
		k.age(l, r, min(ttl, r.ttl))
	}
}

// lookedUp returns which name of a search a message is about.
func (l *lookup) lookedUp(m *dns.Msg) string {
	for _, name := range l.names {
		if strings.EqualFold(name, m.Question[0].Name) {
			return name
		}
	}
	return ""
}

// addrInfo checks the outcome of GetAddrInfo.
func (k *checks) addrInfo(l *lookup, infos []evutil.AddrInfo, err error) {
	if err != nil {
		if len(infos) > 0 {
			l.errorf("%d results with the error %v", len(infos), err)
		}
		k.failure(l, err)
		return
	}
	if l.known.IsValid() || len(infos) == 0 {
		k.certain(l, nil, err)
	}
	var v4, v6 []netip.Addr
	for _, info := range infos {
		addr := info.Addr.Addr()
		switch {
		case info.Addr.Port() != 80:
			l.errorf("port %d", info.Addr.Port())
		case info.SockType != syscall.SOCK_STREAM: // each address comes for each type of sockets
		case addr.Is4():
			v4 = append(v4, addr)
		default:
			v6 = append(v6, addr)
		}
	}
	if l.known.IsValid() {
		if len(v4)+len(v6) != 1 || append(v4, v6...)[0] != l.known || !l.starting {
			l.errorf("results %v, want %v of the hosts file", infos, l.known)
		}
		return
	}
	if k.special(l) {
		return
	}
	if len(v4)+len(v6) == 0 {
		l.errorf("no results and no error")
	}
	l.found = map[uint16]int{dns.TypeA: len(v4), dns.TypeAAAA: len(v6)}
	if len(v4) < 8 && len(v6) < 8 { // others need TCP, for which there may be no time
		k.certain(l, l.found, nil)
	}
	if len(v4) > 0 {
		if r := k.addressed(l, dns.TypeA, v4); r != nil {
			k.age(l, r, 0)
		}
	}
	if len(v6) > 0 {
		if r := k.addressed(l, dns.TypeAAAA, v6); r != nil {
			k.age(l, r, 0)
		}
	}
}

// failure checks that an error is true.
func (k *checks) failure(l *lookup, err error) {
	c := k.client
	now := c.world.Now()
	took := now.Sub(l.start)
	if limit := c.limitOf(l); !c.slow && took > limit+k.slack() && !errors.Is(err, evdns.ErrCancel) {
		l.errorf("has taken %v, and may %v", took, limit)
	}
	k.certain(l, nil, err)
	if l.must != nil && l.cancelled.IsZero() && !c.freed {
		l.errorf("%v, but the answer of %v is valid for %v", err, l.must.at.Sub(c.began), l.must.ttl)
	}
	switch {
	case errors.Is(err, evdns.ErrCancel):
		if l.cancelled.IsZero() {
			l.errorf("was cancelled by nobody")
		}
	case errors.Is(err, evdns.ErrShutdown), errors.Is(err, evdns.ErrFreed):
		if !c.freed {
			l.errorf("%v, but the resolver is not", err)
		}
	case errors.Is(err, evdns.ErrNotExist), errors.Is(err, evdns.ErrNoData):
		k.absence(l, err)
	case errors.Is(err, evdns.ErrTooMany):
		if !c.mayBeTooMany {
			l.errorf("%v", err)
		}
	case errors.Is(err, evdns.ErrTimeout):
		k.timeout(l, err, took)
		k.reachable(l, err)
	case errors.Is(err, evdns.ErrUnreachable):
		if errors.Is(err, evdns.ErrNoNameservers) {
			if c.emptySince.IsZero() && c.lastEmpty.Before(l.start.Add(-c.failureTTL()-time.Millisecond)) {
				l.errorf("%v, but there were some", err)
			}
			return
		}
		if !c.mayBeUnreachable() {
			l.errorf("%v, but nothing was", err)
		}
		k.reachable(l, err)
	case errors.Is(err, evdns.ErrServerFailed):
		k.coded(l, err, dns.RcodeServerFailure)
		k.reachable(l, err)
	case errors.Is(err, evdns.ErrRefused):
		k.coded(l, err, dns.RcodeRefused)
		k.reachable(l, err)
	case errors.Is(err, evdns.ErrNotImpl):
		k.coded(l, err, dns.RcodeNotImplemented)
		k.reachable(l, err)
	case errors.Is(err, evdns.ErrFormat):
		k.coded(l, err, dns.RcodeFormatError)
	case errors.Is(err, evdns.ErrUnknown):
		k.coded(l, err, dns.RcodeNotZone)
	case errors.Is(err, evdns.ErrTruncated):
		if !k.any(l, func(r *response) bool { return r.truncated || r.malformed || r.cut }) {
			l.errorf("%v, but no answer was", err)
		}
	case errors.Is(err, evutil.EAIAddrFamily), errors.Is(err, evdns.ErrName), errors.Is(err, evutil.EAINoName), errors.Is(err, evutil.EAINoData):
	default:
		l.errorf("fails with %v", err)
	}
}

// any reports whether a response to what the lookup asks for, of any name, is so.
func (k *checks) any(l *lookup, is func(*response) bool) bool {
	if !k.client.honest {
		return true
	}
	for _, q := range l.questions() {
		for _, r := range k.client.zones.said[q] {
			if is(r) {
				return true
			}
		}
	}
	return false
}

// coded checks that a nameserver has answered with a response code.
func (k *checks) coded(l *lookup, err error, rcode int) {
	if !k.any(l, func(r *response) bool { return r.rcode == rcode }) {
		l.errorf("%v, which no nameserver has said", err)
	}
}

// absence checks that the last name of the search does not exist or has no such records,
// as a nameserver has said when that was still valid.
func (k *checks) absence(l *lookup, err error) {
	c := k.client
	if k.special(l) || !c.honest || len(l.names) == 0 {
		return
	}
	now := c.world.Now()
	if c.noAAAA && l.kind == lookupV6 && k.any(l, (*response).positive) {
		return // there are addresses of the other family, for which was asked instead
	}
	name := strings.ToLower(l.names[len(l.names)-1])
	var found bool
	for _, t := range c.sameAnswer(question{name, l.types()[0]}) {
		for _, r := range c.zones.said[t] {
			asked := false
			for _, own := range l.types() {
				asked = asked || own == t.qtype
			}
			switch {
			case r.notExist(), r.noData() && asked:
			default:
				continue
			}
			fresh := !r.at.Before(c.since(t, l)) || !r.at.Before(l.start)
			if fresh || c.slow || !l.noCache && now.Sub(r.at) <= r.ttl+k.slack() {
				found = true
			}
		}
	}
	if !found {
		l.errorf("%v, which no nameserver has said of %s in time", err, name)
	}
}

// timeout checks that time has passed when a lookup has timed out.
func (k *checks) timeout(l *lookup, err error, took time.Duration) {
	c := k.client
	switch {
	case l.params.Timeout > 0 && took >= l.params.Timeout:
		return
	case strings.HasSuffix(err.Error(), ": connection is idle"):
		return // another query on the connection has timed out
	}
	now := c.world.Now()
	for _, q := range l.questions() {
		f := c.flights[q]
		if now.Sub(f.since)+time.Millisecond >= c.minTimeout || l.start.Sub(f.failed) <= c.failureTTL()+k.slack() {
			return
		}
	}
	l.errorf("has timed out after %v, with the timeout %v", took, c.minTimeout)
}

// reachable checks that a lookup that has failed for want of an answer had no nameserver
// from which it could have one.
func (k *checks) reachable(l *lookup, err error) {
	c := k.client
	if !c.calm || c.steady != nil || l.params.Nameserver.IsValid() || l.params.Timeout > 0 || !l.cancelled.IsZero() {
		return
	}
	since := l.start.Add(-c.limit(1) - c.failureTTL() - k.slack())
	if c.changed.After(since) || c.mostUnderWay > c.minInflight {
		return
	}
	for _, q := range l.questions() {
		if !c.zones.fits(q) || c.zones.whim(q) != whimNone {
			return
		}
	}
	for _, s := range c.servers {
		if s.isGood(since) && !s.mood.truncate && !s.mood.fold && s.mood.delay <= c.minTimeout/4 && c.has(s) && !s.streams && l.flags&evdns.UseVC == 0 && !c.cfg.UseVC {
			l.errorf("%v, but %s would have answered", err, s.host.Name())
		}
	}
}

// fits reports whether the answer fits into any datagram, now and in the past.
func (z *zones) fits(q question) bool {
	for _, r := range z.said[q] {
		if r.truncated || r.tcp {
			return false
		}
	}
	n := z.names[q.name]
	for n != nil && n.alias != "" {
		n = z.names[n.alias]
	}
	return n == nil || n.v4 < 8 && n.v6 < 8
}
