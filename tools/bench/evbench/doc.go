// Evbench measures this library beside others, with the same work, in one run.
//
// Usage:
//
//	evbench [-suite names] [-rounds n] [-md file] [-svg file]
//
// It prints a table for each suite: the median of each figure over the rounds,
// its range, and the ratio of the medians, ours divided by the other's. All
// figures are times, so less is better, and a ratio below one says that this
// library is the faster one. -md writes the tables as Markdown, too, and -svg a
// plot of the ratios.
//
// The other side is C libevent. Evbench compiles a C program for it with $CC
// (default cc), and leaves it out, with a line that says so, where the compiler
// or the headers of libevent are missing.
//
// # Method
//
// Each measurement runs in a process of its own. In each round the sides take
// turns, and which one begins changes from round to round. On Linux both sides
// are confined to the same processor, the last one that evbench may use, and
// where two are called for to the last two; elsewhere the system places them.
// Random numbers come from the same generator with the same seed, so that both
// sides see the same timeouts in the same order. Clocks are monotonic. The Go
// side runs with the default settings of the garbage collector; locking is
// enabled on neither side unless stated.
//
// A measurement that the machine has not enough descriptors or processors for
// is left out with a line that says so. The exit status is 0, or 1 if a
// measurement failed, or 2 if evbench was called wrongly.
//
// # Suites
//
// The suites below are those of the event loop; "loop" is all of them, and the
// default.
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
package main
