#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

/* The exit status of a workload that cannot be run on this machine. */
#define STATUS_UNABLE 3

void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rng_order(struct rng *r, int *order, int n)
{
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0; i--) {
		int j = (int)(rng_next(r) % (uint64_t)(i + 1));
		int swapped = order[i];

		order[i] = order[j];
		order[j] = swapped;
	}
}

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int
repetitions(int total, int n)
{
	return total > n ? total / n : 1;
}

void
print_figure(const char *name, double value)
{
	printf("%s\t%.3f\n", name, value);
}

void *
must_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		fail_call("calloc");
	return p;
}

struct event_base *
must_base(void)
{
	struct event_base *base = event_base_new();

	if (base == NULL)
		fail_call("event_base_new");
	return base;
}

static void
on_stdin(evutil_socket_t fd, short what, void *arg)
{
	struct event_base *base = arg;
	char ignored[64];

	(void)what;
	if (read(fd, ignored, sizeof(ignored)) <= 0)
		event_base_loopexit(base, NULL);
}

void
end_with_stdin(struct event_base *base)
{
	struct event *end = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, base);

	if (end == NULL || event_add(end, NULL) != 0)
		fail_call("event_add");
}

void
print_address(evutil_socket_t fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0)
		fail_call("getsockname");
	printf("127.0.0.1:%d\n", ntohs(addr.sin_port));
	fflush(stdout);
}

void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

void
fail_call(const char *call)
{
	perror(call);
	exit(1);
}

void
unable(const char *call)
{
	perror(call);
	exit(STATUS_UNABLE);
}
