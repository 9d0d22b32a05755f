/* The workloads of the loop suite, done with C libevent, and the server of the
 * network suites. What each of them measures is defined in the manual of
 * evbench; the Go side, in internal/loop and internal/server, does the same work
 * in the same order. */
#ifndef EVBENCH_PEER_H
#define EVBENCH_PEER_H

#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

/* Each workload prints its figures, one a line: name, tab, value. */
void run_timers(int count);
void run_pipes(int pipes, int active, int writes);
void run_activate(int events);
void run_post(int total);

/* Echoes until the standard input ends, after printing its address as one
 * line. Limits are bytes a second in each direction, of a connection and of all
 * together; 0 means none. */
void run_serve(int limit, int group_limit);

/* Raises the limit of open descriptors as far as it goes, as Go's runtime
 * does. */
void raise_descriptor_limit(void);

/* A sequence of pseudo-random numbers, the same on both sides (splitmix64). */
struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *r);

/* A random order of the indices below n. */
void rng_order(struct rng *r, int *order, int n);

/* Nanoseconds of a monotonic clock. */
int64_t now_ns(void);

/* How often work on n objects is done so that times of few objects add up to
 * something that can be measured: total/n, at least once. */
int repetitions(int total, int n);

void print_figure(const char *name, double value);

/* Memory and bases that are certain to exist. */
void *must_alloc(size_t n, size_t size);
struct event_base *must_base(void);

/* Ends the loop when the standard input ends. */
void end_with_stdin(struct event_base *base);

/* Prints the address of an IPv4 socket on the loopback interface, as one line. */
void print_address(evutil_socket_t fd);

/* Each ends the program: the work came out wrong, a call failed, or a call
 * failed because the workload is too large for this machine. */
void fail(const char *what);
void fail_call(const char *call);
void unable(const char *call);

#endif
