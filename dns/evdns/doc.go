// Package evdns looks names up, on the loop. It is the resolver of libevent's
// evdns, in Go, and has libevent's name for each thing; package evdnsserver is the
// server.
//
// # Looking up
//
// A [Base] is a resolver: it has nameservers, and asks them without anybody
// waiting.
//
//	b, err := evdns.NewBase(base, evdns.InitializeNameservers)
//	...
//	r, err := b.ResolveIPv4("www.example.com", 0, func(a evdns.Answer, err error) {
//		fmt.Println(a.Addrs, err)
//	})
//
// [Base.ResolveIPv6] and [Base.ResolveReverse] are alike, and [Base.Query] asks
// for records of any type and gives the whole message; [Base.QueryWith] says how to
// ask ([QueryConfig]): with DO, CD, AD or options of EDNS, in another class, in so much
// time, this nameserver. Callbacks are called once,
// by the loop, and never from within the call that began the lookup; they may do
// anything, [Request.Cancel] and [Base.Free] included.
//
// A lookup ends in any case, after at most
//
//	timeout x (attempts + nameservers - 1) x names
//
// where names are those of the search that it may try: with the defaults 15
// seconds for one name and one nameserver, and 5 seconds more for each further
// nameserver. The time that it waits for others to end is included, and whatever
// connections do. This time stands still only while the resolver is suspended or the
// loop does not run; that of a [QueryConfig] never does.
// GetAddrInfo tries one name after the other, and has that time for each; when it
// has addresses of one family, it waits no longer than getaddrinfo-allow-skew for
// the other one. For a deadline of one's own, a timer calls [Request.Cancel].
//
// [Base.GetAddrInfo] does what getaddrinfo does: both families, services, numeric
// addresses, the hosts file ([Base.LoadHosts]). What is known it answers at once,
// before it returns. The best addresses come first (RFC 6724). With it a resolver
// is what bufferevent.ConnectHostname wants.
//
// Errors wrap an [Err], which says what has happened, and name what they are
// about:
//
//	lookup www.example.com A at 127.0.0.1:53: no such name
//
// No nameserver is asked for names with a fixed meaning: localhost and all below it
// are the addresses of loopback, and there are no names below invalid and onion
// (RFC 6761, RFC 7686). A hosts file may say otherwise to GetAddrInfo.
//
// # Nameservers
//
// With [InitializeNameservers], nameservers and options are those of the system.
// Otherwise they come from [Base.ParseResolvConf], [Base.AddNameserver] and
// [Base.SetOption], which lists the options with their defaults. Without any
// nameserver lookups fail at once ([ErrNoNameservers]). What cannot be understood
// in a file is skipped, logged and counted ([Base.ConfigStats]).
//
// A name with fewer dots than the option ndots is first looked up in the search
// domains, which are those of the file or come from [Base.AddSearch]; one with
// more dots is first looked up as it is, and one with a dot at the end only so.
//
// Requests go in turn to all nameservers that answer about equally fast, and
// rarely to slower ones. When there is no answer in time, a failure (SERVFAIL), or
// a connection that breaks, the request goes to a nameserver that it was not sent
// to before, then to the others again. It is sent as often as the option attempts
// says, and in any case once to each nameserver: while one of them is good, lookups
// succeed. One that refuses to answer, or that cannot be reached, is not asked by
// the same request again, and when none is left, the lookup fails at once.
//
// A nameserver that was silent is probed at once, and spared lookups until it
// answers. One that was silent max-timeouts times in a row, that refuses to answer,
// or that cannot be reached, is down: it is asked only where the others have not
// helped, and probed, with longer and longer pauses, until it answers.
//
// At most max-inflight requests are under way at a time; the others wait, first
// come, first served, up to max-waiting. [Base.ClearNameserversAndSuspend] has
// all of them wait, to be sent to other nameservers after [Base.Resume].
//
// # UDP, TCP, TLS
//
// Queries go out over UDP, all that an iteration of the loop brings in few system
// calls. A truncated answer has the query sent again over TCP, unless [IgnoreTC]
// or the option ignore-tc says that it is an error; [UseVC] and use-vc use TCP
// from the start. Connections carry many queries at a time, are kept for
// tcp-idle-timeout, and when one breaks, its queries are sent again, as far as
// their attempts go; one attempt is for free if others were answered.
// [Base.AddTLSNameserver] adds a nameserver that is asked over whatever stream
// one makes, such as TLS by the package evtls.
//
// # Forged answers
//
// Who can send us datagrams, but not see ours, must guess what is in a query. Ids
// are random; each query leaves from one of several sockets, chosen at random,
// with ports that the system has chosen and that are given up after 512 queries
// or 30 seconds; and the letters of the name are written in random case (the
// option randomize-case). An answer that does not come from the nameserver, or does
// not repeat all of this, is ignored, and the right one awaited. If only the case
// differs, as some nameservers change it, the nameserver is asked again over TCP. From an answer counts only what belongs to the name: the
// records of the name itself, or of what it is an alias for.
//
// # Memory
//
// Answers are remembered for as long as they say, also that there is none
// (RFC 2308), up to the number that is the option cache-size. That nameservers had
// no answer, after all attempts, is remembered for failure-ttl, a second (RFC 9520),
// until nameservers are added or one is back; trouble of this host is not.
// [NoCache] does without. A request under way takes some 250 bytes, and nothing
// afterwards.
//
// Questions that are asked while the same one is under way, asked in the same way,
// are not sent, with NoCache neither: all get the answer to the first. Each has its
// own time, and can be cancelled; the query is given up with the last of them.
//
// # Goroutines
//
// A resolver belongs to the goroutine that runs the loop of its event base. If hooks
// of evthread are installed, as the package pthreads does, any goroutine may use it;
// the callbacks still come from the loop. A resolver keeps the loop from
// ending as long as it has nameservers, or, with [DisableWhenInactive], only
// while something is being looked up.
//
// # Coming from C
//
// What is different, besides the names:
//
//   - Aliases are followed from the name that was asked for, and other addresses
//     in the answer are not taken. Answer.CanonName says where they lead.
//   - Silence is counted against the nameserver that was silent, and a request
//     that was given up does not by itself take a nameserver for down.
//   - When nameservers fail to answer (SERVFAIL) until there are no more attempts,
//     the error is ErrServerFailed; in C it is a timeout.
//   - The letters of an answer must have the case of the query; C does not look.
//   - Ports change. C sends everything to a nameserver from one port.
//   - Probes ask what the nameserver has answered before, or else for the root, and
//     only the nameserver that they are about. C asks for google.com.
//   - A nameserver that cannot be reached passes its requests on at once, as does a
//     connection that breaks, and the last one ends them with ErrUnreachable; in C
//     they wait for their timeouts. So they do in C without a nameserver.
//   - A retry goes to another nameserver. C passes on once what was refused, and
//     otherwise sends to whose turn it is.
//   - The time of a lookup has a limit; in C, waiting does not count.
//   - Equal questions are asked once, and failures are not asked again for a second.
//   - ErrTooMany: the waiting have a limit.
//   - GetAddrInfo searches domains for both families together, so that all results
//     are of one name; getaddrinfo-allow-skew holds once there are addresses, not
//     when there is only an error, but that there is no such name goes for both
//     families; the results are sorted; and a lookup that is cancelled calls nothing.
//   - A name with a dot at the end is not searched, and ndots is not forgotten when
//     the search domains change.
//   - Nameservers are not asked for localhost, nor for names below it, invalid and
//     onion; C asks for all names.
//   - Options that do not exist, and numbers that are none, are errors.
//   - A truncated answer is asked for at the nameserver that has sent it.
//
// # Files
//
//	base.go          Base and its parts, its making and freeing
//
//	request.go       Request: its start, states and end
//	requests.go      the requests under way, in the queues of their states
//	queue.go         a queue of requests by deadline
//	share.go         equal questions, sent once
//	query.go         QueryWith
//	special.go       names without queries: localhost, invalid, onion
//	search.go        search domains
//	transmit.go      sending and retrying
//	attempts.go      which nameservers a request was sent to
//	answer.go        handling answers; the cache's part in a lookup
//	casecheck.go     answers that change the case of the name
//	edns.go          which nameservers support EDNS
//	callbacks.go     the queue of callbacks
//	schedule.go      the end of an iteration, and the timer of deadlines
//	keepalive.go     keeping the loop from ending
//
//	nameserver.go    a nameserver: adding, removing, suspending
//	nameservers.go   the list of nameservers, and the choice among them
//	adhoc.go         nameservers that a query names
//	health.go        round-trip times, nameservers that are down, probes
//	channel.go       the requests on a socket or connection, by id
//	udp.go           sockets to nameservers
//	tcp.go           connections to nameservers
//	buffers.go       memory for messages
//
//	cache.go         the cache of answers
//	cachewrite.go    CacheWrite, CacheLookup
//	failures.go      the cache of failed lookups
//	getaddrinfo.go   GetAddrInfo
//	sort.go          the order of addresses (RFC 6724)
//	sortlist.go      resolv.conf's sortlist
//
//	config.go        Config, its checks and defaults
//	options.go       SetOption: the settings by libevent's names
//	limits.go        defaults and limits
//	configfile.go    reading files line by line
//	resolvconf.go    resolv.conf, and the system's configuration
//	hosts.go         hosts files
//
//	errors.go        errors, and their classification
//	errors_*.go      errors of the system, by platform
//	log.go           log messages
package evdns
