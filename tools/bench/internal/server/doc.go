// Package server holds the servers of the network suites: each the plain echo
// that a good user of its library would write, with TCP_NODELAY, for one
// processor. What each of them chooses is said at its function. The DNS servers
// answer every question for an IPv4 address with the same one, those of HTTP have
// the same few bodies.
//
// A server is meant to have a process of its own: it leaves its descriptors and
// goroutines to the end of the process. They exist on Linux only, where the load
// is.
//
// # Files
//
//	server_*.go       the choice of a server
//	listen_linux.go   the socket that they listen on
//	ours_linux.go, event_linux.go  echo on bufferevents, and on raw events, of this library
//	net_linux.go, gnet_linux.go, nbio_linux.go, evio_linux.go, netpoll_*.go  echo on others
//	raw_linux.go      echo by system calls alone
//	tls_linux.go      echo over TLS
//	http_linux.go     what HTTP servers have in common
//	httpours_linux.go, httpnet_linux.go, httpfast_linux.go, httpraw_linux.go  servers of HTTP
//	rpc_linux.go      servers of RPC
//	dns_linux.go      DNS servers
//	dnsours_linux.go  the DNS server of this library
package server
