// Package resolver is the resolvers of the DNS suites, each in the way in which a
// good user of its library would look up many names: so many lookups are under
// way at any time, and the end of one begins the next. What is measured is defined
// in the manual of evbench; the C side, in internal/cpeer, does the same.
//
// A resolver is meant to have a process of its own. They exist on Linux only,
// where the upstream is; elsewhere every function returns measure.ErrUnable.
//
// # Files
//
//	resolver_*.go  the choice of a resolver
//	ours_linux.go  the resolver of this library
//	net_linux.go   package net
package resolver
