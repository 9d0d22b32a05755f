// Package evdns resolves names, on the loop. It is the resolver of libevent's evdns, in
// Go, and has libevent's names; package evdnsserver is the server.
//
// # Lookups
//
// A [Base] is a resolver: it has nameservers, and sends them queries without blocking.
//
//	b, err := evdns.NewBase(base, evdns.InitializeNameservers)
//	...
//	r, err := b.ResolveIPv4("www.example.com", 0, func(a evdns.Answer, err error) {
//		fmt.Println(a.Addrs, err)
//	})
//
// [Base.ResolveIPv6] and [Base.ResolveReverse] are alike, and [Base.Query] looks up
// records of any type and returns the whole message; [Base.QueryWith] takes parameters
// ([QueryConfig]): DO, CD, AD and options of EDNS, the class, a timeout, a nameserver.
// Each callback is called once, by the loop, and never from within the call that began
// the lookup; it may call any method, [Request.Cancel] and [Base.Free] included.
//
// Each lookup ends after at most
//
//	timeout x (attempts + nameservers - 1) x names
//
// where names are those of its search: with the defaults after 15 seconds for one name
// and one nameserver, and 5 seconds more for each further nameserver. That includes the
// time in queues and of connections. The time stands still only while the resolver is
// suspended or the loop does not run; that of a [QueryConfig] never does. GetAddrInfo
// looks up the names of a search one after the other, and has that time for each; when it
// has addresses of one family, it waits getaddrinfo-allow-skew at most for the other. For
// an earlier deadline, a timer calls [Request.Cancel].
//
// [Base.GetAddrInfo] does what getaddrinfo does: both families, services, numeric
// addresses, the hosts file ([Base.LoadHosts]). Without a query it calls back before it
// returns. Results are sorted by RFC 6724. It makes a resolver a bufferevent.Resolver,
// for bufferevent.ConnectHostname, whose dialer interleaves the families.
//
// Errors wrap an [Err], and name their object:
//
//	evdns: lookup www.example.com A at 127.0.0.1:53: no such name
//
// No queries are sent for names with a fixed meaning: localhost and all names below it
// have the loopback addresses, and there are no names below invalid and onion (RFC 6761,
// RFC 7686). A hosts file may define them for GetAddrInfo.
//
// # Nameservers
//
// With [InitializeNameservers], nameservers and options are those of the system.
// Otherwise they come from [Base.ParseResolvConf], [Base.AddNameserver], [Base.SetConfig]
// and [Base.SetOption], which lists the options with their defaults. Without any
// nameserver lookups fail at once ([ErrNoNameservers]). Malformed parts of files are
// skipped, logged and counted ([Base.ConfigStats]).
//
// A name with fewer dots than the option ndots is first looked up in the search domains,
// which are those of the file or come from [Base.AddSearch]; one with more dots is first
// looked up as it is, and one with a dot at the end only so.
//
// Nameservers with about equal round-trip times take turns, and slower ones are used
// rarely. After a timeout, SERVFAIL or a lost connection the query is sent to a nameserver
// that it was not sent to before, then to the others again: as often as the option
// attempts says, and at least once to each nameserver, so that lookups succeed while one
// of them is good. A nameserver that refuses the query, or that is unreachable, is
// excluded for that lookup; when all are, the lookup fails at once.
//
// A nameserver that has timed out once is a suspect: it is probed at once, and not used
// until it answers. After max-timeouts timeouts in a row, a refusal, or when it is
// unreachable, it is down: it is used only where the others have failed, and probed, at
// growing intervals, until it answers.
//
// At most max-inflight requests are in flight at a time; the others wait, first come,
// first served, up to max-waiting. [Base.ClearNameserversAndSuspend] has all of them wait,
// to be sent to other nameservers after [Base.Resume].
//
// # UDP, TCP, TLS
//
// Queries are sent over UDP, all those of an iteration of the loop in few system calls.
// After a truncated answer the query is sent again over TCP, unless [IgnoreTC] or the
// option ignore-tc makes it an error; [UseVC] and use-vc use TCP from the start. Queries
// are pipelined on a connection, which stays open for tcp-idle-timeout. When a connection
// is lost, its queries are sent again, within their attempts; one attempt does not count
// if the connection had answers before. [Base.AddTLSNameserver] adds a nameserver that is
// reached over a stream of any kind, such as TLS by the package evtls.
//
// # Forged answers
//
// An attacker who can send datagrams to the resolver, but cannot see its queries, has to
// guess what is in a query. Ids are random; each query is sent from one of several
// sockets, chosen at random, with ports that the system has chosen and that are replaced
// after 512 queries or 30 seconds; and the letters of the name have random case (the
// option randomize-case). An answer that does not come from the nameserver, or does not
// repeat all of this, is ignored. If only the case differs, as some nameservers change it,
// the query is sent again over TCP. Of an answer only the records of the name itself, or
// of the names that it is an alias of, are used.
//
// # Memory
//
// Answers are cached for their TTL, negative ones too (RFC 2308), up to cache-size. Failed
// lookups are cached for failure-ttl, a second (RFC 9520), until nameservers are added or
// one is up again, but not failures for lack of resources of this host. [NoCache] disables
// both. A request under way takes some 250 bytes.
//
// A question that equals one under way, with the same parameters, is not sent again, with
// NoCache neither: both have the same answer. Each request has its own limit, and can be
// cancelled; the query is abandoned with the last of them.
//
// # Reproducible runs
//
// All times are those of the clock of the event base, and all sockets those of packages
// datagram and bufferevent. Of a [Config], Random replaces the source of random numbers,
// FS the file system and Hostname the name of this host, for programs that run the
// resolver in a simulation: the same seed, clock and network then make the same queries.
// Only the names of services of GetAddrInfo are still looked up in the system's list.
//
// # Goroutines
//
// A resolver belongs to the goroutine that runs the loop of its event base. If hooks of
// evthread are installed, as the package pthreads does, any goroutine may use it; the loop
// still calls the callbacks. A resolver keeps the loop running as long as it has
// nameservers, or, with [DisableWhenInactive], while it has lookups.
//
// # Coming from C
//
// What differs, besides the names:
//
//   - Aliases are followed from the name of the query, and other addresses in the answer
//     are not used. Answer.CanonName is the end of the aliases.
//   - A timeout counts against the nameserver that has timed out; that all attempts of a
//     request have failed does not by itself take a nameserver for down.
//   - When nameservers answer SERVFAIL until there are no more attempts, the error is
//     ErrServerFailed; in C it is a timeout.
//   - The case of the name in an answer must be that of the query; C does not compare it.
//   - Ports change. C sends all queries to a nameserver from one port.
//   - Probes repeat a question that the nameserver has answered, or ask for the root, and
//     are sent only to the nameserver that they test. C asks for google.com.
//   - When a nameserver is unreachable, or a connection is lost, the queries are sent to
//     the next one at once, and end with ErrUnreachable after the last; in C they wait for
//     their timeouts, as they do without a nameserver.
//   - A retry is sent to another nameserver. C does so once after a refusal, and otherwise
//     sends it to the nameserver whose turn it is.
//   - The time of a lookup is limited; in C, waiting does not count.
//   - Equal questions are sent once, and failures are cached for a second.
//   - ErrTooMany: the number of requests that wait is limited.
//   - GetAddrInfo searches domains for both families together, so that all results are of
//     one name; getaddrinfo-allow-skew holds once there are addresses, not after an error,
//     but that the name does not exist holds for both families; the results are sorted;
//     and a lookup that is cancelled does not call back.
//   - A name with a dot at the end is not searched, and ndots stays when the search domains
//     change.
//   - No queries are sent for localhost, nor for names below it, invalid and onion; C sends
//     queries for all names.
//   - Unknown options, and numbers that are malformed, are errors.
//   - After a truncated answer the query is sent to the same nameserver again.
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
