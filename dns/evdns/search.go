package evdns

import (
	"fmt"
	"os"
	"strings"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// search is the list of search domains. The zero value has none.
type search struct {
	domains []string // in the order in which they are tried
}

func (s *search) clear()      { s.domains = nil }
func (s *search) empty() bool { return len(s.domains) == 0 }

// add appends a domain.
func (s *search) add(domain string) error {
	domain, err := searchDomain(domain)
	if err != nil || domain == "" {
		return err
	}
	s.domains = append(s.domains, domain)
	return nil
}

// addFirst prepends a domain.
func (s *search) addFirst(domain string) error {
	domain, err := searchDomain(domain)
	if err != nil || domain == "" {
		return err
	}
	s.domains = append([]string{domain}, s.domains...)
	return nil
}

// searchDomain returns a domain without leading and trailing dots: "" for the root, which
// every search includes.
func searchDomain(s string) (string, error) {
	domain := strings.Trim(s, ".")
	if domain == "" {
		return "", nil
	}
	if err := dnswire.CheckHostname(domain); err != nil {
		return "", err
	}
	return domain, nil
}

// names returns the names to try for name: first, and then the rest in order. A name with
// fewer dots than c.Ndots is itself tried last, others first. A name that ends in a dot,
// or that is special, is not searched. Without search domains names allocates nothing.
func (s *search) names(name string, c *Config) (first string, rest []string) {
	if len(s.domains) == 0 || name == "" || dns.IsFqdn(name) || specialOf(name) != specialNot {
		return name, nil
	}
	all := make([]string, 0, 1+len(s.domains))
	dots := dns.CountLabel(name) - 1
	nameFirst := dots >= max(c.Ndots, 0)
	if nameFirst {
		all = append(all, name)
	}
	for _, domain := range s.domains {
		if len(name)+1+len(domain) <= maxNameLength {
			all = append(all, name+"."+domain)
		}
	}
	if !nameFirst && (dots > 0 || !c.NoTLDQuery || len(all) == 0) {
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

// AddSearch prepends a domain to the search domains: as in libevent, the domain that was
// added last is tried first. Leading and trailing dots are ignored, and so is the root.
// The error wraps ErrName if the domain is not valid (evdns_base_search_add).
func (b *Base) AddSearch(domain string) error {
	b.lock()
	defer b.unlock()
	err := ErrFreed
	if !b.freed {
		err = b.search.addFirst(domain)
	}
	if err != nil {
		return fmt.Errorf("evdns: add search domain %q: %w", domain, err)
	}
	return nil
}

// SetNdots sets Config.Ndots; here 0 is none. The error wraps ErrValue if n is negative
// (evdns_base_search_ndots_set).
func (b *Base) SetNdots(n int) error {
	b.lock()
	defer b.unlock()
	switch {
	case b.freed:
		return fmt.Errorf("evdns: set ndots: %w", ErrFreed)
	case n < 0:
		return fmt.Errorf("evdns: set ndots to %d: %w", n, ErrValue)
	}
	c := b.config.Config
	if c.Ndots = n; n == 0 {
		c.Ndots = -1
	}
	b.apply(c)
	return nil
}

// addHostDomain adds the domain of this host, if its name has one.
func (s *search) addHostDomain(host string) {
	if host == "" {
		var err error
		if host, err = os.Hostname(); err != nil {
			return // a host without a name has no domain
		}
	}
	if _, domain, ok := strings.Cut(host, "."); ok {
		_ = s.add(domain) // a host whose name is not valid has no domain
	}
}
