#include <unistd.h>
#include <sys/socket.h>

#include <event2/event_struct.h>

#include "peer.h"

/* Bytes passed at least, over all runs. */
#define BYTES 200000

struct pipes;

struct link {
	struct event event;
	struct pipes *all;
	int index;
	int read_end;
	int write_end;
};

struct pipes {
	struct event_base *base;
	struct link *links;
	int count;
	int to_write; /* bytes that callbacks still have to write */
	int written;
	int read;
};

static void
write_byte(struct pipes *p, int index)
{
	if (write(p->links[index].write_end, "e", 1) != 1)
		fail_call("write");
	p->written++;
}

/* Reads a byte and writes one to the next pipe. */
static void
on_byte(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	struct pipes *p = l->all;
	char byte;

	(void)what;
	if (read(fd, &byte, 1) != 1)
		fail_call("read");
	p->read++;
	if (p->to_write == 0)
		return;
	p->to_write--;
	write_byte(p, (l->index + 1) % p->count);
}

static int64_t
run_once(struct pipes *p, int active, int writes)
{
	int64_t start;

	p->to_write = writes;
	p->written = 0;
	p->read = 0;
	for (int i = 0; i < active; i++)
		write_byte(p, i * (p->count / active));
	start = now_ns();
	do
		event_base_loop(p->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	while (p->read < p->written);
	return now_ns() - start;
}

static void
open_link(struct pipes *p, int index)
{
	struct link *l = &p->links[index];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		unable("socketpair");
	evutil_make_socket_nonblocking(ends[0]);
	evutil_make_socket_nonblocking(ends[1]);
	l->all = p;
	l->index = index;
	l->read_end = ends[0];
	l->write_end = ends[1];
	event_assign(&l->event, p->base, l->read_end, EV_READ | EV_PERSIST, on_byte, l);
	event_add(&l->event, NULL);
}

void
run_pipes(int pipes, int active, int writes)
{
	struct pipes p = {.base = must_base(), .count = pipes};
	int runs = repetitions(BYTES, writes + active);
	int64_t total = 0;

	p.links = must_alloc((size_t)pipes, sizeof(*p.links));
	for (int i = 0; i < pipes; i++)
		open_link(&p, i);
	run_once(&p, active, writes);
	for (int i = 0; i < runs; i++)
		total += run_once(&p, active, writes);
	print_figure("run", (double)total / 1000 / runs);
}
