// Package dnstls tests the resolver of evdns over evtls (RFC 7858).
package dnstls
