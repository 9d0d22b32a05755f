package evdns

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

// CacheWrite writes the addresses and the canonical name of res as the result of
// GetAddrInfo and CacheLookup for name, for ttl. They precede answers of nameservers, and
// replace those that were written before; an empty res only removes these. Search domains
// do not apply, and Resolve methods do not use them. With NoCache only CacheLookup does
// (evdns_cache_write).
func (b *Base) CacheWrite(name string, res []evutil.AddrInfo, ttl time.Duration) {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	var v cached
	for _, info := range res {
		v.answer.Names = append(v.answer.Names, info.Addr.Addr().String())
		if v.answer.CanonName == "" {
			v.answer.CanonName = info.CanonName
		}
	}
	if len(res) > 0 {
		v.answer.TTL = ttl
	}
	b.cache.store(kindWritten, name, anyType, v, b.now())
}

// CacheLookup returns the cached result for a name, by the rules of GetAddrInfo, without
// sending a query. port is that of the results. The error wraps ErrNotCached if nothing is
// cached, and otherwise it is that of GetAddrInfo: it wraps evutil.EAIAddrFamily if only
// addresses of the other family were written, evutil.EAINoName or EAINoData if a negative
// answer is cached (evdns_cache_lookup).
func (b *Base) CacheLookup(name string, hints *evutil.AddrInfoHints, port uint16) ([]evutil.AddrInfo, error) {
	b.lock()
	defer b.unlock()
	l := &lookup{base: b, node: name, service: strconv.Itoa(int(port)), cacheOnly: true}
	if b.freed {
		return nil, l.failure(ErrFreed, nil)
	}
	var err error
	if l.query, err = prepare(l.node, l.service, hints); err != nil {
		return nil, err
	}
	if l.query.Host == "" {
		return nil, l.failure(ErrNotCached, nil)
	}
	if infos, found, err := b.lookupWritten(&l.query); found {
		if err != nil {
			err = l.failure(err, nil)
		}
		return infos, err
	}
	l.name, l.rest = b.search.names(l.query.Host, &b.config.Config)
	l.resolve()
	return l.outcome()
}

// lookupWritten returns what CacheWrite has written, if it has a canonical name where that
// is wanted.
func (b *Base) lookupWritten(q *evutil.AddrInfoQuery) (infos []evutil.AddrInfo, found bool, err error) {
	known, ok := b.cache.lookup(kindWritten, q.Host, anyType, b.now())
	if !ok || q.WantsCanonName() && known.answer.CanonName == "" {
		return nil, false, nil
	}
	addrs := make([]netip.Addr, 0, len(known.answer.Names))
	for _, text := range known.answer.Names {
		if addr, err := netip.ParseAddr(text); err == nil {
			addrs = append(addrs, addr)
		}
	}
	infos, err = b.results(q, addrs, known.answer.CanonName)
	return infos, true, err
}
