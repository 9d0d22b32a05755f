#include <event2/event_struct.h>

#include "peer.h"

/* Activations at least, over all rounds. */
#define ACTIVATIONS 500000

static void
on_active(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	++*(int *)arg;
}

void
run_activate(int events)
{
	struct event_base *base = must_base();
	struct event *e = must_alloc((size_t)events, sizeof(*e));
	int rounds = repetitions(ACTIVATIONS, events);
	int ran = 0;
	int64_t start, end;

	for (int i = 0; i < events; i++)
		event_assign(&e[i], base, -1, 0, on_active, &ran);
	start = now_ns();
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < events; i++)
			event_active(&e[i], EV_READ, 0);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	end = now_ns();
	if (ran != rounds * events)
		fail("an iteration did not run all active events");
	print_figure("activate", (double)(end - start) / ran);
}
