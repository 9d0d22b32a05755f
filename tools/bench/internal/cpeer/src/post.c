#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <event2/event_struct.h>
#include <event2/thread.h>

#include "peer.h"

/* Callbacks that the producer may have outstanding. */
#define WINDOW 1024

/* Round trips before the clock starts. */
#define WARMUP 100

/* A producer in one thread and a loop in another. */
struct stream {
	struct event_base *base;
	struct event events[WINDOW];
	int total;
	atomic_int done;
};

/* Returns when fewer than WINDOW of the started callbacks are outstanding. */
static void
wait_for_room(struct stream *s, int started)
{
	while (started - atomic_load(&s->done) >= WINDOW)
		sched_yield();
}

static void
on_item(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (atomic_fetch_add(&s->done, 1) + 1 == s->total)
		event_base_loopbreak(s->base);
}

static void *
produce_activations(void *arg)
{
	struct stream *s = arg;

	for (int i = 0; i < s->total; i++) {
		wait_for_room(s, i);
		event_active(&s->events[i % WINDOW], EV_READ, 0);
	}
	return NULL;
}

static void *
produce_posts(void *arg)
{
	struct stream *s = arg;

	for (int i = 0; i < s->total; i++) {
		wait_for_room(s, i);
		if (event_base_once(s->base, -1, EV_TIMEOUT, on_item, s, NULL) != 0)
			fail_call("event_base_once");
	}
	return NULL;
}

static pthread_t
must_thread(void *(*function)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, arg) != 0)
		fail_call("pthread_create");
	return thread;
}

static void
measure_stream(const char *name, int total, void *(*produce)(void *))
{
	struct stream *s = must_alloc(1, sizeof(*s));
	pthread_t producer;
	int64_t start;

	s->base = must_base();
	s->total = total;
	for (int i = 0; i < WINDOW; i++)
		event_assign(&s->events[i], s->base, -1, 0, on_item, s);
	start = now_ns();
	producer = must_thread(produce, s);
	event_base_loop(s->base, EVLOOP_NO_EXIT_ON_EMPTY);
	print_figure(name, (double)(now_ns() - start) / total);
	pthread_join(producer, NULL);
}

/* Two loops that activate each other's event by turns. */
struct player {
	struct event_base *base;
	struct event event;
	struct player *other;
	int turns; /* turns that are left; only the first player counts */
	int64_t start;
	int64_t end;
	int total;
};

static void
on_return(evutil_socket_t fd, short what, void *arg)
{
	struct player *p = arg;

	(void)fd;
	(void)what;
	if (p->turns == p->total)
		p->start = now_ns();
	if (p->turns-- > 0) {
		event_active(&p->other->event, EV_READ, 0);
		return;
	}
	p->end = now_ns();
	event_base_loopbreak(p->other->base);
	event_base_loopbreak(p->base);
}

static void
on_serve(evutil_socket_t fd, short what, void *arg)
{
	struct player *p = arg;

	(void)fd;
	(void)what;
	event_active(&p->other->event, EV_READ, 0);
}

static void *
play(void *arg)
{
	struct player *p = arg;

	event_base_loop(p->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static void
measure_round_trip(int total)
{
	struct player first = {.base = must_base(), .total = total, .turns = total + WARMUP};
	struct player second = {.base = must_base()};
	pthread_t thread;

	first.other = &second;
	second.other = &first;
	event_assign(&first.event, first.base, -1, 0, on_return, &first);
	event_assign(&second.event, second.base, -1, 0, on_serve, &second);
	thread = must_thread(play, &second);
	event_active(&second.event, EV_READ, 0);
	play(&first);
	pthread_join(thread, NULL);
	print_figure("round trip", (double)(first.end - first.start) / total);
}

void
run_post(int total)
{
	if (evthread_use_pthreads() != 0)
		fail("evthread_use_pthreads");
	measure_stream("activate", total, produce_activations);
	measure_stream("post", total, produce_posts);
	measure_round_trip(total / 10);
}
