// Evbench measures this library beside others, with the same work, in one run.
//
// Usage:
//
//	evbench [-suite names] [-sides names] [-rounds n] [-time d] [-md file] [-svg file]
//	evbench -count [-rounds n] [-md file] OLD NEW
//	evbench -compare [-width w] [-most n] [-seed n] [-time d] [-md file] OLD NEW
//
// It prints a table, or several, for each suite: the median of each figure over
// the rounds, its range, and the ratio of the medians, that of the first side,
// which is ours unless -sides leaves it out, divided by that of the other. A
// table says whether less or more is better. Tables of times are of the kind
// where less is, so that a ratio below one says that the first side is the faster
// one; of rates, more is better. Figures that only explain others have no ratios.
// With two sides a figure is a line, with more it is up to three: medians, ranges
// and ratios.
//
// -suite chooses suites, -sides whom to measure: ours, raw, c, gnet, netpoll,
// evio, nbio, fasthttp, net or miekg; where a suite compares two things of our own,
// both are measured always. -time is the length of a measurement whose length is free
// (default 1 s). -md writes the tables as Markdown, too, and -svg a plot of the
// ratios.
//
// C libevent is measured by a C program that evbench compiles with $CC (default
// cc), and leaves out, with a line that says so, where the compiler or the
// headers of libevent are missing. Another one is the server that speaks TLS, and
// needs the headers of OpenSSL, too; a third one is the DNS server and resolver.
//
// # Two versions of this library
//
// OLD and NEW are checkouts of the repository, or revisions of the one that
// evbench is called in, which it checks out for the time. Both are measured by the
// same program, that of this evbench, built with the library of either; only where
// a library has other names than that program uses, the checkout's own does the
// work, and the report says so. They need the folder of this module, or one below,
// as the current one. Ratios are those of the new version to the old one.
//
// -count does fixed pieces of work with both and counts. A piece is a number of
// connections that are all ready at once, for a number of rounds, with the garbage
// collector off; another process is the other end, and gives the word for each
// round. What comes before the rounds that count, the connections, handshakes and
// some rounds, does not count. A unit is a message, a request, a query, a lookup,
// or an operation on a timer.
//
//   - instructions in user mode: those of the process, as valgrind's callgrind
//     counts them, with preemption by signals off. It counts neither the kernel's
//     nor how long an instruction takes.
//   - system calls: those of all threads, counted by strace, in another run,
//     without the two (of a resolver, four) by which the process is told of a
//     round.
//   - allocations, bytes allocated: on Go's heap.
//
// Each is counted in two runs of each version, or -rounds; the report says how far
// two runs of one version were apart in instructions. It needs Linux, valgrind and
// strace.
//
// -compare measures processor time instead, as the suites do: rounds in which each
// version has a turn, and lots are drawn which comes first, so that a machine whose
// speed drifts does no harm. The figure is the median of the rounds' ratios with
// an interval of 95 % (that of the sign test, which takes no distribution for
// granted). Rounds are added until the interval is no wider than -width, or there
// are -most of them: then the verdict is "undecided", unless the interval lies to
// one side of 1. "Not worse" means that it contains 1. The first result of a comparison counts: who repeats one until it pleases reports all.
//
// # Method
//
// Each measurement runs in a process of its own. In each round the sides take
// turns, and which one begins changes from round to round. On Linux all sides
// are confined to the same processor, the last one that evbench may use, and
// where two are called for to the last two; elsewhere the system places them.
// Random numbers come from the same generator with the same seed, so that both
// sides see the same timeouts in the same order. Clocks are monotonic. The Go
// sides run with the default settings of the garbage collector; locking is
// enabled on neither side unless stated.
//
// A measurement that the machine has not enough descriptors or processors for
// is left out with a line that says so, and so is a side that fails in a case;
// the others remain. The exit status is 0, or 1 if a measurement failed, or 2 if
// evbench was called wrongly.
//
// # Suites of the event loop
//
// "loop" is all of these, and the default.
//
// timers: n timers (event_assign, Event.Assign on a slice of events) exist
// before the clock starts, and so do the random timeouts and orders. Times are
// nanoseconds an operation, and outside of callbacks unless said otherwise, so
// that each addition reads the time. The figures are measured one after the
// other, all but "fire" repeatedly until there were 400,000 operations of each
// kind, "fire" until there were 50,000 or 50 repetitions.
//
//   - add: event_add of each timer, in the order of memory, with timeouts of 1
//     to 1000 s; none of them is pending before. The first repetition includes
//     the growth of the heap.
//   - re-add: event_add of each timer, all of them pending, in random order,
//     with new timeouts of the same range.
//   - delete: event_del of each timer, all of them pending, in random order.
//   - add in a callback: like add, from a callback (that of event_base_once without
//     a timeout), where both sides know the time; the
//     heap has grown before.
//   - fire: all timers are added with timeouts of 0 to 1 ms, and all become due
//     during a sleep of 20 ms. What counts is one call of
//     event_base_loop(EVLOOP_ONCE|EVLOOP_NONBLOCK), which runs all of the
//     callbacks, divided by n. A callback counts itself.
//
// pipes: the work of libevent's own bench.c. Each of n pairs of Unix stream
// sockets has a persistent read event. A run begins with a byte in each of a
// pipes, equally far apart; each callback reads a byte and, until w more bytes
// have been written, writes one to the next pipe. "run" is the time in
// microseconds from the first event_base_loop(EVLOOP_ONCE|EVLOOP_NONBLOCK),
// repeated as often as it takes, until all a+w bytes were read. It is the mean
// of as many runs as it takes to pass 200,000 bytes, after one that does not
// count.
//
// activate: n events without descriptor or timeout. A round activates each
// (event_active) and calls event_base_loop(EVLOOP_ONCE|EVLOOP_NONBLOCK), which
// runs all callbacks; "activate" is the time of all rounds divided by the
// number of activations, of which there are 500,000 or a few less. With n = 1
// it is mostly the cost of an iteration.
//
// post: what other threads (goroutines) cause in a loop, on one processor and
// on two. C libevent needs locking for it (evthread_use_pthreads); ours does
// not. Times are in nanoseconds.
//
//   - activate: a producer activates the events of a ring of 1024 one after the
//     other, 500,000 times, while the loop runs, and yields its processor
//     (sched_yield, runtime.Gosched) while 1024 callbacks are outstanding. What
//     counts is the time from the start of the producer to the end of the loop,
//     divided by the number of callbacks.
//   - post: the same with a function that is run once by the loop:
//     event_base_once without a timeout, Base.Post.
//   - round trip: two loops, each in a thread of its own, with nothing else to
//     do; the callback of one activates the event of the other, and so on, in
//     turns. What counts is the time from one callback of the first loop to the
//     next, over 50,000 turns, after 100 that do not count.
//
// idle: what an idle loop does to the rest of a Go program that has one
// processor (GOMAXPROCS=1). A goroutine sets a timer to 1 ms and measures how
// late it wakes, in microseconds, 1000 times; "median" and "99th percentile" are
// those of the lateness. The sides are a process with an idle loop in another
// goroutine and a process without. There is no C side.
//
// wait: an echo server on raw events of ours whose loop waits by parking its
// goroutine, and one that blocks a thread (Config.Flags with LockThread). Load
// and figures are those of echo with messages of 64 bytes: server CPU, median
// and 99.9th percentile, in microseconds.
//
// # Suites of servers
//
// "net" is all of these. They need Linux and two processors: one is the
// server's, with one event loop and GOMAXPROCS=1, the other the load's. The load
// is the same program for all sides. It drives epoll by hand, edge triggered,
// and has one read and one write a message, like the servers; it does not copy
// what it receives. Before anything is measured, each connection exchanges one
// message whose content is checked. Connections are TCP over the loopback
// interface, with TCP_NODELAY on both ends. "Server CPU" is the time, in user
// mode and in the kernel, that all threads of the server's process used while
// the clock ran (that of clock_getcpuclockid). Part of what the kernel does to
// deliver a message it does in the sender's time, on all sides alike.
//
// Each server is the plain echo that a good user of the library would write:
//
//   - ours: bufferevents that move their input to their output, and a listener.
//   - raw epoll: a loop in Go that does nothing but system calls, level
//     triggered: one read of up to 64 kB and one write an event. It is the
//     ceiling.
//   - C libevent: evconnlistener, bufferevents, evbuffers moved as in ours.
//   - gnet: Next and Write in OnTraffic, one event loop.
//   - netpoll: Next, WriteBinary, Flush and Release in OnRequest, one poller,
//     and its own pool of goroutines, which is the default. Left out where
//     netpoll does not compile (anything but amd64 and arm64).
//   - evio: Data returns its input, with ReuseInputBuffer, one loop. Evio has no
//     way to set TCP_NODELAY.
//   - nbio: Write in OnData, one poller, level triggered, which is the default.
//   - net: a goroutine a connection with a buffer of 4 kB; in throughput,
//     io.Copy from the connection to itself.
//
// echo: messages of 64 and of 4096 bytes are exchanged on 1, 100 and 1000
// connections. One message is under way on each: the load sends the next one
// when the whole of the last has come back. The clock starts after 200 ms and
// runs for the measuring time.
//
//   - thousand messages/s: messages that came back, divided by the time.
//   - server CPU: divided by their number, in microseconds.
//   - median and 99.9th percentile of the latency: from just before a message is
//     sent to just after its last byte was received, in microseconds. With more
//     than one connection it is mostly the time that the others take.
//   - server's and load's processor busy: the CPU time of either process,
//     divided by the time, in percent. Where the load is busier than the server,
//     it was the load that limited the rate: then compare server CPU. With one
//     connection neither is busy all the time, and the rate is the latency's
//     inverse.
//
// throughput: one connection on which the load sends 10^9 bytes, 64 kB a call at
// most, and the server echoes them; at most 1 MiB are under way, so that a server
// without back-pressure needs no more memory than others. The clock runs from the
// first byte sent to the last one received.
//
//   - GB/s: 1 divided by the time. A byte counts once, though it goes both ways.
//   - server CPU: in milliseconds, for the whole.
//   - the processors' being busy, as in echo.
//
// memory: 15,000 connections exchange a message of 64 bytes each, a hundred at a
// time, and then are idle for 2 s. "B a connection" is by how much the memory
// that the server has resident (Rss in /proc/PID/smaps_rollup, which leaves out
// what the kernel holds for a socket) has grown, divided by the connections,
// since 100 such connections before them were idle for 2 s. Both ends need some
// 15,200 descriptors.
//
// ratelimit: a server with a token bucket a connection, one for all connections
// together, or both; of ours and of C. A bucket limits reading and writing, each
// to the rate; it has 100 ticks a second and holds those of ten. A group's
// minimum share is 1500 bytes a tick. The load sends as much as it can on each
// connection, with at most 1 MiB under way, and counts what comes back for five
// times the measuring time, after a second that does not count.
//
//   - rate: bytes that came back on all connections, divided by the time, in
//     percent of what the limits allow.
//   - slowest and fastest: the same of single connections, in percent of an
//     equal share.
//   - server CPU: in microseconds, for 10^6 bytes that came back.
//
// syscalls: the system calls of a server while 20,000 messages of 64 bytes are
// exchanged on 100 connections, all of them complete, after 1000 that do not
// count, divided by the number of messages. They are counted with strace -c -f,
// which must be installed and may attach to the server. Calls that make less
// than 0.005 a message are counted together. What Go's runtime does by the clock,
// such as nanosleep, comes out high: strace makes everything else slow.
//
// # Suites of HTTP
//
// "http" is all of these: servers and clients of HTTP/1.1, in clear. They need Linux
// and two processors, as the suites of servers do, and server CPU and the
// processors' being busy are what they are there.
//
// All servers have the same bodies, of 12, 10,000 and 1,000,000 bytes, each at the
// path that is its length, and send the same header: Date, Content-Type and
// Content-Length, in an order of their own, and Connection where it is closed. They
// differ in nothing else but that C libevent and net/http look at more of a request
// than fasthttp does, and the raw server at next to nothing.
//
//   - raw epoll: a loop in Go, level triggered, with one read an event and one write
//     for all of the requests that it has read, whose responses are made once a
//     second. It looks for the path, the end of the head and "Connection: close". It
//     is the ceiling.
//   - C libevent: evhttp with a callback a path (evhttp_set_cb), on a listener whose
//     connections inherit TCP_NODELAY. Bodies from 4096 bytes on are referred to,
//     shorter ones are copied.
//   - fasthttp: its defaults but for the field Server, which it is told to leave out.
//     Bodies are not copied (SetBodyRaw).
//   - net/http: its defaults and a ServeMux. Handlers set Content-Length.
//
// The load is that of echo, with requests that have a Host field only. Before
// anything is measured the whole of one response on each connection is compared with
// what it must be; then status and Content-Length of every response are, and its
// bytes are counted. What a read of 64 kB leaves of a body is not copied.
//
// http-server: "hello" is the body of 12 bytes. One request is under way on each
// connection, or, pipelined, 16 are sent at once, and the next ones when all the
// responses have come. "Each on a new connection" has "Connection: close" in each
// request, and makes a new connection when the server has closed the last one.
//
//   - thousand requests/s: responses divided by the time.
//   - server CPU: divided by their number, in microseconds.
//   - median, 99th and 99.9th percentile of the latency: from just before the
//     request is sent, or the sixteen are, or the connection is made, to just after
//     the last byte of the response was received, in microseconds.
//   - allocations: objects that the server has allocated on Go's heap, or calls of
//     malloc and realloc by C libevent itself, divided by the responses. Both ends
//     have nothing to do when they are counted.
//   - the processors' being busy, as in echo.
//
// http-memory: memory, with connections that have each had a response of 12 bytes.
//
// http-syscalls: syscalls, for each of 20,000 responses of 12 bytes on 100
// connections that are kept, and on new ones.
//
// http-client: clients against one server, which is the raw one but that it has one
// response, made beforehand, and that it is in the process of the load. A client
// has 1 or 100 requests under way, each on a connection that it keeps; it checks
// status and length of each response, and a client that opens more connections is
// left out. The clock starts after 200 ms and runs for the measuring time.
//
//   - raw epoll: the load of http-server.
//   - C libevent: an evhttp_connection a request under way, with a Host field added.
//   - fasthttp: a HostClient, a goroutine a request under way, requests and responses
//     from its pools, without the field User-Agent.
//   - net/http: a Client whose Transport keeps as many connections, a goroutine a
//     request under way, without Accept-Encoding.
//   - thousand requests/s, client CPU, allocations: as in http-server, of the client.
//   - the processors' being busy: the client's, and that of the server (origin).
//
// # Suites of RPC
//
// "rpc" is all of these: servers and clients of libevent's evrpc, ours and C's, whose
// messages both generators write from internal/greeting/greeting.rpc; and of net/rpc, with
// the same fields, for orientation. They need Linux and two processors, as the suites of
// servers do. The C side needs event_rpcgen.py, which is a part of libevent's sources:
// .ci/rpcgen fetches it, and LIBEVENT_RPCGEN says where it is.
//
// A message has a string of 12 bytes, a number, and an array of strings of 24 bytes, of
// which there is one in a small message. A server answers with a copy of the request's
// fields. The load is that of http-server; the first reply on each connection is compared
// with the request, of the others the status and the length are. Servers and clients of
// net/rpc, whose protocol is its own, have net/rpc at the other end.
//
// rpc-server and rpc-client: the figures are those of http-server and http-client, for each
// call. Clients check the number and how many strings there are.
//
//   - ours: Register with a handler that calls Done; a pool, whose calls are started
//     again in their callbacks.
//   - C libevent: EVRPC_REGISTER with a callback that calls EVRPC_REQUEST_DONE, on a
//     listener whose connections inherit TCP_NODELAY; a pool, and EVRPC_MAKE_REQUEST with
//     the same messages. What the generated code allocates itself is not counted.
//   - net/rpc: a Server and a Client for each connection, with a goroutine each.
//
// # Suites of servers that speak TLS
//
// "tls" is all of these. What is said of the suites of servers holds for them,
// but what the load receives it decrypts.
//
// The load is the same for all sides: connections of crypto/tls that are driven
// by epoll, with one read and one write a message. They offer TLS 1.3 only, the
// cipher suite TLS_AES_128_GCM_SHA256 first, and X25519 to exchange keys; a side
// that takes anything else is left out. (Left alone, crypto/tls prefers
// X25519MLKEM768 where the other end knows it, which costs more: tls-handshake
// has a case for it.) For each measurement the load makes a key on P-256 and a
// certificate that it signs itself. It checks the server's signature, but not who
// has signed the certificate.
//
// The load has a good deal of the same work to do as the server, and may be as
// busy: what can be compared then is server CPU.
//
//   - ours: TLS bufferevents (evtls) that move their input to their output, and a
//     listener.
//   - C libevent: bufferevent_openssl, with evconnlistener and evbuffers moved as
//     in ours. It sends one session ticket, as crypto/tls does (OpenSSL would send
//     two), and gives back buffers of idle connections (SSL_MODE_RELEASE_BUFFERS).
//   - net, crypto/tls: a goroutine a connection with a buffer of 4 kB; in
//     tls-throughput, io.Copy from the connection to itself.
//
// All servers use the defaults of their TLS library otherwise.
//
// tls-echo: echo, with messages of 64 bytes on 100 connections, which are TLS
// connections before the clock starts. The figures are those of echo.
//
// tls-handshake: eight clients make one connection after the other: they connect,
// do the handshake, exchange a byte, which makes sure that the server has finished
// it, too, and end the connection with a close_notify alert, which all but C's
// server, which just closes, answer. The clock starts after 200 ms and runs for the
// measuring time.
//
//   - full: no session is resumed, though the clients are willing, so that servers
//     send tickets.
//   - resumed: each client resumes the session of its last connection, with a new
//     exchange of keys.
//   - X25519MLKEM768: full, with the hybrid exchange that crypto/tls prefers by
//     default. OpenSSL knows it from 3.5 on.
//   - handshakes/s: connections that were completed, divided by the time.
//   - server CPU: divided by their number, in microseconds, for all that is said
//     above.
//   - the processors' being busy, as in echo.
//
// tls-throughput: throughput, over one TLS connection. The load's records have
// 16 kB. The figures are those of throughput.
//
// tls-memory: memory, with 5000 TLS connections.
//
// tls-flood: what new connections do to others. 64 bytes are exchanged on 100
// connections as in tls-echo, first for the measuring time without anything else,
// then for as long again during a flood: another process has 50 new connections on
// their way at any time, each of which does what one of tls-handshake does, in
// full. The flood has the load's processor, but only when the load does not need
// it (SCHED_IDLE). How strong it is depends on how soon the server answers it: a
// server that puts the flood off has a weaker one, and shorter latencies. 200 ms
// before each time do not count.
//
//   - quiet, flooded: the 99th percentile of the latency of the 100 connections'
//     messages, in microseconds; and one divided by the other.
//   - thousand messages/s: those of the 100 connections.
//   - handshakes/s of the flood: its connections that were completed, divided by
//     the time.
//
// "ours, workers" is ours with one worker (evtls.Config.Workers) that does the
// costly part of handshakes beside the loop. In tls-flood the server has one
// processor, as everywhere; in tls-flood-2 it has two (GOMAXPROCS=2), and the load
// a third. C libevent has one thread, and is measured in the first only.
//
// # Suites of DNS
//
// "dns" is all of these. They need Linux and two processors: one is that of the
// server or resolver that is measured, with one event loop and GOMAXPROCS=1, the
// other that of the other end. Everything is UDP over the loopback interface, and
// every name has one IPv4 address.
//
// dns-server: servers that answer questions for the addresses of 1000 names, in
// turns, with 100 queries outstanding at any time, from one socket (client) or
// from 20: the kernel has less to do if responses to one client can go together
// (UDP_SEGMENT), which ours lets them where it can. Each response
// adds the address to the question of its query by the library's own means. All
// servers have queries for 200 ms, and their responses are checked, before the
// clock starts.
//
//   - ours: a UDP server of evdnsserver.
//   - C libevent: evdns_add_server_port_with_base.
//   - miekg/dns: a dns.Server, whose handler runs in a goroutine for each query.
//   - dnsperf: the load is dnsperf with one thread for sending and one for
//     receiving, for the measuring time, in whole seconds. It makes a system call a
//     message, and often is what limits the rate: then compare server CPU. It must
//     be installed, and a side that loses more than one query in a thousand is left
//     out.
//   - batches: the load sends the next queries, with sendmmsg, when it has received
//     the responses that there are, with recvmmsg, and checks each of them.
//   - thousand queries/s: responses divided by the time.
//   - server CPU: as in the suites of servers, divided by the responses, in
//     microseconds.
//   - the processors' being busy, as in echo.
//
// dns-resolver: a resolver looks up the IPv4 addresses of 100,000 names, no two of
// them alike, of which one is under way at any time, or 100. The end of a lookup
// begins the next one. The nameserver, which is the same for all, receives and sends
// in batches, up to 64 at a time (recvmmsg, sendmmsg), and answers with what it got
// and an address. The resolvers check that there is an answer; no search list
// applies. The clock starts when the resolver has been set up.
//
//   - ours: ResolveIPv4, with everything as it is by default (the cache, too, which
//     takes up what is found), but as many queries in flight as there are lookups;
//     and the same with NoCache, as C libevent has no cache.
//   - C libevent: evdns_base_resolve_ipv4, with max-inflight likewise.
//   - net.Resolver: LookupNetIP with PreferGo, in as many goroutines as there are
//     lookups under way.
//   - thousand lookups/s: lookups divided by the time.
//   - resolver CPU: the time, in user mode and in the kernel, that the resolver's
//     process used meanwhile, divided by the lookups, in microseconds.
//   - upstream's processor busy: how busy the nameserver's processor was, in percent.
//
// dns-memory: a resolver begins 100,000 lookups of distinct names, none of which is
// ever answered, and is left alone for 2 s. As many queries are in flight as the
// library allows, the other lookups wait: C libevent has 65,000 in flight at most.
// net.Resolver needs a descriptor and a port for each, which do not suffice.
//
//   - RSS: by how much the memory that the process has resident has grown since
//     before the first lookup, divided by the lookups.
//   - heap: the same of what malloc has handed out (mallinfo2), or of what is
//     reachable on Go's heap (HeapAlloc after a collection).
//
// # Files
//
//	main.go     flags, and the choice of suites
//	suites.go   what suites, cases and sides are
//	netsuites.go, tlssuites.go, httpsuites.go, rpcsuites.go, dnssuites.go  the suites, by protocol
//	runner.go   rounds of cases in child processes
//	child.go    what a child process does
//	samples.go  the figures of a side, round by round
//	count.go    instructions and system calls of two versions
//	compare.go  two versions of this program in turns
package main
