package evdns

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// search is the list of search domains. A copy of it, taken when a request
// starts, does not change any more. The zero value has no domains.
type search struct {
	domains []string // the first to try first; a new slice whenever it changes
	extra   int      // ndots is so much more than its default

	noTLDQuery bool // names without a dot are looked up in domains only
}

func (s *search) ndots() int     { return s.extra + defaultNdots }
func (s *search) setNdots(n int) { s.extra = n - defaultNdots }
func (s *search) clear()         { s.domains = nil }

// add puts a domain at the end.
func (s *search) add(domain string) error {
	domain, err := searchDomain(domain)
	if err != nil || domain == "" {
		return err
	}
	s.domains = append(slices.Clip(s.domains), domain)
	return nil
}

// addFirst puts a domain at the start.
func (s *search) addFirst(domain string) error {
	domain, err := searchDomain(domain)
	if err != nil || domain == "" {
		return err
	}
	s.domains = append([]string{domain}, s.domains...)
	return nil
}

// searchDomain returns a domain without the dots around it. The root is no
// domain to search: it is tried in any case.
func searchDomain(s string) (string, error) {
	domain := strings.Trim(s, ".")
	if domain == "" {
		return "", nil
	}
	if err := dnswire.CheckHostname(domain); err != nil {
		return "", fmt.Errorf("%q: %w", s, err)
	}
	return domain, nil
}

// names returns the names to try for name: first, and then the rest in order. A
// name with fewer dots than ndots is itself tried last, others first. A name
// that ends in a dot has its domain already, and so has localhost. Without search domains it
// allocates nothing.
func (s *search) names(name string) (first string, rest []string) {
	if len(s.domains) == 0 || name == "" || dns.IsFqdn(name) || specialOf(name) != specialNot {
		return name, nil
	}
	all := make([]string, 0, 1+len(s.domains))
	dots := dns.CountLabel(name) - 1
	nameFirst := dots >= s.ndots()
	if nameFirst {
		all = append(all, name)
	}
	for _, domain := range s.domains {
		if len(name)+1+len(domain) <= maxNameLength {
			all = append(all, name+"."+domain)
		}
	}
	if !nameFirst && (dots > 0 || !s.noTLDQuery || len(all) == 0) {
		all = append(all, name)
	}
	return all[0], all[1:]
}

// ClearSearch empties the list of search domains. Unlike in libevent, ndots
// stays what it is (evdns_base_search_clear).
func (b *Base) ClearSearch() {
	b.lock()
	b.search.clear()
	b.unlock()
}

// AddSearch puts a domain at the head of the search domains: as in libevent,
// the last that was added is the first that is tried. Dots around it are
// ignored, and so is the root. The error wraps ErrName if it is no domain
// (evdns_base_search_add).
func (b *Base) AddSearch(domain string) error {
	b.lock()
	defer b.unlock()
	err := ErrFreed
	if !b.freed {
		err = b.search.addFirst(domain)
	}
	if err != nil {
		return fmt.Errorf("evdns: add search domain: %w", err)
	}
	return nil
}

// SetNdots says how many dots a name must have to be looked up as it is before
// the search domains are tried, 1 from the start. The error wraps ErrValue if n
// is negative (evdns_base_search_ndots_set).
func (b *Base) SetNdots(n int) error {
	b.lock()
	defer b.unlock()
	switch {
	case b.freed:
		return fmt.Errorf("evdns: set ndots: %w", ErrFreed)
	case n < 0:
		return fmt.Errorf("evdns: set ndots to %d: %w", n, ErrValue)
	}
	c := b.config
	if c.Ndots = n; n == 0 {
		c.Ndots = -1
	}
	b.apply(c)
	return nil
}

// hostname returns the name of this host. Tests have others.
var hostname = os.Hostname

// addHostDomain adds the domain of this host, if its name has one.
func (s *search) addHostDomain() {
	host, err := hostname()
	if err != nil {
		return
	}
	if _, domain, ok := strings.Cut(host, "."); ok {
		_ = s.add(domain) // a host with a strange name has no domain
	}
}
