package dnstest

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// Record returns a resource record from its text.
func Record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	OK(t, err)
	return rr
}

// Addr returns an address from its text.
func Addr(s string) netip.Addr { return netip.MustParseAddr(s) }
