// Package server holds the servers of the network suites: each the plain echo
// that a good user of its library would write, with TCP_NODELAY, for one
// processor. What each of them chooses is said at its function. The DNS servers
// answer every question for an IPv4 address with the same one.
//
// A server is meant to have a process of its own: it leaves its descriptors and
// goroutines to the end of the process. They exist on Linux only, where the load
// is.
package server
