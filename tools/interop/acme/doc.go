// Package acme tests the HTTP challenges of evcert's ACME on evhttp's server, through
// its adapter for net/http's handlers.
package acme
