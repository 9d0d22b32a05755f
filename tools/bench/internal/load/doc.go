// Package load is the other end of the servers of the network suites: it opens
// connections, sends, receives and measures, in a process of its own. What each
// function measures is defined in the manual of evbench.
//
// The server is a program that prints the address it listens on as its first
// line, echoes what it receives, or answers, and ends when its standard input does.
// For clients of HTTP the load is their server.
//
// The load must not be what is measured, so it drives epoll by hand, edge
// triggered, with system calls that Go's scheduler does not hear of, and lets
// the kernel drop what comes back where its content is known. Over TLS crypto/tls
// runs on the same loop; new connections are made in goroutines, by the package
// net. It exists on Linux only; elsewhere every function returns
// measure.ErrUnable.
//
// # Files
//
//	server_linux.go       starting a server, and what it uses
//	pool_linux.go         connections, and the epoll descriptor that watches them
//	link_linux.go, secure_linux.go  what a connection carries, in clear and over TLS
//	turns_linux.go        exchanges in which each connection waits for its answer
//	verify_linux.go       whether a server answers what it should
//	echo_linux.go, throughput_linux.go, flow_linux.go, ratelimit_linux.go  loads for echo servers
//	tls_linux.go, handshake_linux.go, flood_linux.go  loads for TLS servers
//	http.go               what a load asks an HTTP server for
//	http_linux.go, httpexchange_linux.go, httpresponse_linux.go  loads for HTTP servers
//	httporigin_linux.go   a load for HTTP clients
//	rpc_linux.go, netrpc_linux.go  loads for servers and clients of RPC
//	dnswire_linux.go      queries and answers of DNS
//	dnsserver_linux.go, dnsperf_linux.go  loads for DNS servers
//	dnsresolver_linux.go  a load for resolvers
//	memory_linux.go       memory of idle connections
//	syscalls_linux.go     system calls a message
//	load_default.go       what takes the place of all the rest on other systems
package load
