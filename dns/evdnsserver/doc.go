// Package evdnsserver answers DNS queries, on the loop, over UDP and TCP. It is the
// server of libevent's evdns, in Go; package evdns is the resolver.
//
// # Servers
//
// [NewUDP] takes requests on a UDP socket, and [NewTCP] on the connections of a
// listener. The callback gets a [Request], adds records, and answers:
//
//	fd, err := datagram.Listen(netip.MustParseAddrPort("127.0.0.1:53"), 0)
//	...
//	server, err := evdnsserver.NewUDP(base, fd, func(r *evdnsserver.Request) {
//		for _, q := range r.Questions {
//			if q.Qtype == dns.TypeA && strings.EqualFold(q.Name, "www.example.org.") {
//				r.AddA(q.Name, time.Hour, address)
//			}
//		}
//		r.Respond(dns.RcodeSuccess)
//	})
//
// Names come in the case that the client has chosen, often at random, and must be
// repeated in it. A nameserver needs both protocols at one address: an answer that
// does not fit into a datagram is truncated, and asked for again over TCP.
//
// [Server.Close] takes no more requests; those that came by UDP can still be
// answered.
//
// # Requests
//
// A request may be kept, and answered from any callback, in any order;
// [Request.Drop] ends it without an answer. [Request.AddReply] adds records of any
// type, [Request.Msg] is the whole query, and [Request.RespondMsg] passes on the
// answer of another server, without what concerns only the exchange with that one,
// which with evdns.Base.Query makes a forwarder.
//
// Every request ends. An answer that cannot be made becomes SERVFAIL, and Respond
// returns why; so does the answer of a callback that panics, and that of a request
// that is not answered for 30 seconds ([Server.SetRequestTimeout]). What cannot be
// sent is logged, at most every [event.DefaultLogPause].
//
// Answers are as long as the client can take: 512 bytes by UDP, or what it
// announces with EDNS, up to 1232 unless [Server.SetMaxUDPSize] was called, and
// 65,535 by TCP. Records that do not fit are left out, and the answer has TC. Names
// are compressed. Clients that speak EDNS get an OPT record, which may be one of the
// user's.
//
// # Malformed requests and limits
//
// What cannot be parsed is answered with FORMERR, other operations than queries
// with NOTIMP, later versions of EDNS with BADVERS, all without a call of the
// callback. Answers are never answered. What a client can cost has limits: open
// requests ([Server.SetMaxRequests]) and their time, connections
// ([Server.SetMaxClients]), the time they may be idle ([Server.SetIdleTimeout]),
// requests in one at a time, and answers that the client does not read. All settings
// are a [Config]; libevent's options set one each.
// [Server.Stats] counts.
//
// # Goroutines
//
// A server belongs to the goroutine that runs the loop of its event base. If hooks
// of evthread are installed, as the package pthreads does, any goroutine may use it
// and its requests; callbacks still come from the loop.
//
// # Coming from C
//
// What is different, besides the names:
//
//   - A server sends no more than 1232 bytes in a datagram unless it is told to; in
//     C there is no limit but the client's.
//   - A server that is closed takes no more requests; in C it goes on until the last
//     one is answered. An answer that is too long loses whole records, where C cuts
//     it off anywhere. What cannot be parsed gets an answer. Connections whose clients
//     have only ended their side get the answers first.
//   - [Request.AddA] makes a record of each address; C makes one of all, which
//     no client understands. What C calls the flag RD is [FlagRA].
//   - [Request.Respond] takes response codes alone. C's further errors, which are
//     those of its resolver, are refused.
//
// # Files
//
//	config.go     Config, its checks and defaults, and the setters of its fields
//	errors.go     the errors that a caller can tell apart
//	forward.go    what is passed on of another server's answer
//	limits.go     defaults, and limits of what a client can cost
//	log.go        log messages
//	pack.go       making the message of an answer
//	parse.go      reading the questions and the EDNS of a request
//	pending.go    requests that wait for their answer, and their timeout
//	request.go    Request: adding records and answering
//	server.go     Server: what UDP and TCP have in common
//	tcp.go        connections
//	udp.go        the datagram socket
package evdnsserver
