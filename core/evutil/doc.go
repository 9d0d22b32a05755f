// Package evutil has the odds and ends that programs around an event loop
// need: small operations on sockets, numeric addresses, a few C string
// functions with their exact behaviour, clocks, random bytes, and a blocking
// getaddrinfo. It is the counterpart of libevent's event2/util.h, less what Go
// has already: package math has the limits of integers, package fmt formats,
// package time adds and compares.
//
// # Descriptors
//
// Descriptors are plain ints everywhere; on Windows they are SOCKET handles.
// They belong to the caller. None of them may be in the hands of package net
// or os at the same time, which would close them when they are collected.
//
// [Socketpair] and [LoopbackPair] make connected sockets, [NotifyPipe] a
// channel to wake up a loop with [Notify]. All that this package makes is
// non-blocking and close-on-exec; for other sockets there are [SetNonblock]
// and [SetCloseOnExec]. The SetListen functions prepare a listener between
// socket and bind: [SetListenReuseAddr] is for almost every server,
// [SetListenReusePort] for several loops on one port, [SetListenIPv6Only] and
// [SetListenNotIPv6Only] decide whether it takes IPv4, [SetListenDeferred] waits for
// the first data. [SetTCPKeepAlive] finds dead peers. What a system cannot do
// is either harmless to leave out, and then said to do nothing, or an error
// that wraps [errors.ErrUnsupported].
//
// # Errors
//
// Errors name the operation and the descriptor, as in "setsockopt SO_KEEPALIVE
// fd 7: bad file descriptor", and wrap that of the system. Readers and writers
// ask [IsRetriable] whether to wait for the next event; code that connects asks
// [IsConnectRetriable] and [IsConnectRefused], and then [SocketError] for the
// outcome; code that accepts asks [IsAcceptRetriable].
//
// # Addresses
//
// Addresses are values of package net/netip. [ParseSockaddrPort] reads the
// forms that libevent's configuration files use, with or without a port;
// [FormatSockaddrPort] writes them. [ParseAddress] reads what people write for
// places to listen and to connect, such as ":8080", "localhost:http" and
// "unix:/path". [SockaddrToAddrPort] and
// [AddrPortToSockaddr] convert to and from what system calls take. Zones of
// IPv6 addresses are names of interfaces or numbers, and [ScopeID] turns them
// into numbers.
//
// [Getaddrinfo] turns host and service names into addresses by the rules of
// getaddrinfo, with hints, flags and errors of type [GAIError]. It blocks;
// package evdns resolves names in the loop. Resolvers share its rules by way of
// [PrepareAddrInfo], and learn from [SourceAddr], [SystemNameservers] and
// [HostsFile] what the system knows.
//
// # Time and chance
//
// A [MonotonicTimer] measures time that never runs backwards.
// [FormatRFC1123] writes the date of HTTP headers. [SecureRandomBytes] cannot
// fail.
//
// # Concurrency
//
// Functions may be called from any goroutine, except that using a descriptor
// while another goroutine closes it is an error of the caller. A
// MonotonicTimer is for one goroutine at a time.
//
// # Files
//
//	sockets.go       descriptors and options of sockets
//	errors.go        errors, and the form that they have
//	listen.go listen_*.go  options of listeners, by platform
//	keepalive.go keepalive_*.go  TCP keep-alive, by platform
//	socketpair.go    pairs of connected sockets
//	notify.go        channels that wake up a loop
//	errno.go errno_*.go  what errors of sockets mean
//	sockaddr.go      addresses in the form of the system, and zones
//	sockaddr_text.go addresses as text
//	address.go       places to listen and to connect, as people write them
//	sourceaddr.go addrconfig.go  addresses that this machine has
//	getaddrinfo.go addrinfo.go addrinfoquery.go gaierror.go  getaddrinfo
//	nameservers.go nameservers_*.go hostsfile_*.go  what the system knows of names
//	ascii.go strtoll.go date.go  strings and numbers as C has them
//	monotonic.go monotonic_*.go  clocks
//	random.go        random bytes
package evutil
