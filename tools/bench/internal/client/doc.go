// Package client holds the clients of the suites of HTTP and RPC clients: each in the way
// in which a good user of its library would ask a server for many things, so many
// of them at a time. What is measured is defined in the manual of evbench.
//
// A client is meant to have a process of its own: it leaves its connections and
// goroutines to the end of the process.
//
// # Files
//
//	client.go  what a client is to do, and the choice of one
//	ours.go    the client of this library
//	net.go     net/http
//	fast.go    fasthttp
//	rpc.go     clients of RPC: of this library, and net/rpc
package client
