// Package route finds what a request is for: a [Router] by patterns of paths like
// those of net/http's ServeMux, and [Hosts] by the name of the host. Lookups do
// not allocate. Values are used by the goroutine of their server.
//
// # Files
//
//	router.go    Router and Match: patterns in trees, one a host and method
//	pattern.go   the grammar of patterns, and which of two is more specific
//	hosts.go     Hosts: virtual hosts and aliases
//	errors.go    the errors
package route
