#include <stdlib.h>
#include <time.h>

#include <event2/event_struct.h>

#include "peer.h"

/* Operations of each kind at least; firing waits in between, so it gets
 * fewer. */
#define OPERATIONS 400000
#define FIRINGS 50000
#define FIRING_ROUNDS 50

struct timers {
	struct event_base *base;
	struct event *events;
	struct timeval *timeouts;
	int *order;
	int count;
	int fired;
	struct rng rng;
	int64_t elapsed; /* of the additions in a callback */
};

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct timers *t = arg;

	(void)fd;
	(void)what;
	t->fired++;
}

/* Draws a timeout for each timer, of low up to high microseconds. */
static void
draw_timeouts(struct timers *t, uint64_t low, uint64_t high)
{
	for (int i = 0; i < t->count; i++) {
		uint64_t us = low + rng_next(&t->rng) % (high - low);

		t->timeouts[i].tv_sec = (time_t)(us / 1000000);
		t->timeouts[i].tv_usec = (suseconds_t)(us % 1000000);
	}
}

static int64_t
add_in_sequence(struct timers *t)
{
	int64_t start = now_ns();

	for (int i = 0; i < t->count; i++)
		event_add(&t->events[i], &t->timeouts[i]);
	return now_ns() - start;
}

static int64_t
add_in_order(struct timers *t)
{
	int64_t start = now_ns();

	for (int i = 0; i < t->count; i++)
		event_add(&t->events[t->order[i]], &t->timeouts[i]);
	return now_ns() - start;
}

static int64_t
delete_in_order(struct timers *t)
{
	int64_t start = now_ns();

	for (int i = 0; i < t->count; i++)
		event_del(&t->events[t->order[i]]);
	return now_ns() - start;
}

static void
on_add(evutil_socket_t fd, short what, void *arg)
{
	struct timers *t = arg;

	(void)fd;
	(void)what;
	t->elapsed = add_in_sequence(t);
}

static int64_t
add_in_callback(struct timers *t)
{
	event_base_once(t->base, -1, EV_TIMEOUT, on_add, t, NULL);
	event_base_loop(t->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	return t->elapsed;
}

/* Measures the iteration of the loop that runs all timers. */
static int64_t
fire(struct timers *t)
{
	struct timespec until_due = {0, 20 * 1000 * 1000};
	int64_t start, end;

	draw_timeouts(t, 0, 1000);
	add_in_sequence(t);
	nanosleep(&until_due, NULL);
	t->fired = 0;
	start = now_ns();
	event_base_loop(t->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	end = now_ns();
	if (t->fired != t->count)
		fail("one iteration did not run all timers");
	return end - start;
}

static void
measure_changes(struct timers *t)
{
	const uint64_t second = 1000000;
	int64_t add = 0, again = 0, del = 0, inside = 0;
	int rounds = repetitions(OPERATIONS, t->count);
	double operations = (double)rounds * t->count;

	for (int i = 0; i < rounds; i++) {
		draw_timeouts(t, second, 1000 * second);
		add += add_in_sequence(t);
		draw_timeouts(t, second, 1000 * second);
		rng_order(&t->rng, t->order, t->count);
		again += add_in_order(t);
		rng_order(&t->rng, t->order, t->count);
		del += delete_in_order(t);
		draw_timeouts(t, second, 1000 * second);
		inside += add_in_callback(t);
		delete_in_order(t);
	}
	print_figure("add", (double)add / operations);
	print_figure("re-add", (double)again / operations);
	print_figure("delete", (double)del / operations);
	print_figure("add in a callback", (double)inside / operations);
}

static void
measure_fire(struct timers *t)
{
	int64_t total = 0;
	int rounds = repetitions(FIRINGS, t->count);

	if (rounds > FIRING_ROUNDS)
		rounds = FIRING_ROUNDS;
	for (int i = 0; i < rounds; i++)
		total += fire(t);
	print_figure("fire", (double)total / ((double)rounds * t->count));
}

void
run_timers(int count)
{
	struct timers t = {.base = must_base(), .count = count, .rng = {1}};
	size_t n = (size_t)count;

	t.events = must_alloc(n, sizeof(*t.events));
	t.timeouts = must_alloc(n, sizeof(*t.timeouts));
	t.order = must_alloc(n, sizeof(*t.order));
	for (int i = 0; i < count; i++)
		event_assign(&t.events[i], t.base, -1, 0, on_timer, &t);
	measure_changes(&t);
	measure_fire(&t);
}
