/* The sides of the DNS suites, done with C libevent's evdns: a program of its
 * own, so that the other workloads do not need libevent_extra. */
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/util.h>

#include "peer.h"

/* What every name resolves to, and for how many seconds that is so. */
#define ADDRESS "192.0.2.1"
#define TTL 300

/* How long outstanding lookups are left alone before memory is looked at. */
#define PAUSE_S 2

/* The largest number of queries under way that evdns allows. */
#define MOST_IN_FLIGHT 65000

/* Answers each question of a request for an address. */
static void
on_request(struct evdns_server_request *request, void *arg)
{
	for (int i = 0; i < request->nquestions; i++) {
		const struct evdns_server_question *q = request->questions[i];

		if (q->type == EVDNS_TYPE_A && q->dns_question_class == EVDNS_CLASS_INET)
			evdns_server_request_add_a_reply(request, q->name, 1, arg, TTL);
	}
	evdns_server_request_respond(request, DNS_ERR_NONE);
}

static void
serve(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct event_base *base = must_base();
	struct in_addr answer;
	evutil_socket_t fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, ADDRESS, &answer);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || evutil_make_socket_nonblocking(fd) != 0)
		fail_call("listen");
	if (evdns_add_server_port_with_base(base, fd, 0, on_request, &answer) == NULL)
		fail("evdns_add_server_port_with_base");
	end_with_stdin(base);
	print_address(fd);
	event_base_dispatch(base);
}

/* Lookups of distinct names, of which a number is under way at any time. */
struct lookups {
	struct event_base *base;
	struct evdns_base *dns;
	int total, started, done;
};

static void on_answer(int result, char type, int count, int ttl, void *addresses, void *arg);

static void
start_next(struct lookups *l)
{
	char name[64];

	snprintf(name, sizeof(name), "host-%d.bench.example", l->started++);
	if (evdns_base_resolve_ipv4(l->dns, name, DNS_QUERY_NO_SEARCH, on_answer, l) == NULL)
		fail("evdns_base_resolve_ipv4");
}

static void
on_answer(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	struct lookups *l = arg;

	(void)ttl;
	(void)addresses;
	if (result == DNS_ERR_SHUTDOWN)
		return;
	if (result != DNS_ERR_NONE || type != DNS_IPv4_A || count != 1)
		fail(evdns_err_to_string(result));
	l->done++;
	if (l->started < l->total)
		start_next(l);
	else if (l->done == l->total)
		event_base_loopexit(l->base, NULL);
}

/* A resolver with one nameserver and no time limits that matter. */
static struct lookups
new_lookups(const char *upstream, int total, int in_flight)
{
	struct lookups l = {.base = must_base(), .total = total};
	char number[16];

	l.dns = evdns_base_new(l.base, 0);
	if (l.dns == NULL || evdns_base_nameserver_ip_add(l.dns, upstream) != 0)
		fail("evdns_base_nameserver_ip_add");
	snprintf(number, sizeof(number), "%d", in_flight);
	if (evdns_base_set_option(l.dns, "max-inflight:", number) != 0 ||
	    evdns_base_set_option(l.dns, "timeout:", "60") != 0)
		fail("evdns_base_set_option");
	return l;
}

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
resolve(const char *upstream, int total, int at_once)
{
	struct lookups l = new_lookups(upstream, total, at_once);
	int64_t began = now_ns(), used = cpu_ns();

	while (l.started < at_once && l.started < total)
		start_next(&l);
	event_base_dispatch(l.base);
	used = cpu_ns() - used;
	began = now_ns() - began;
	if (l.done != total)
		fail("the loop ended before the lookups");
	print_figure("rate", total / (began / 1e6));
	print_figure("CPU", used / 1e3 / total);
}

/* Bytes of memory that this process has resident. */
static double
resident(void)
{
	static const char name[] = "/proc/self/smaps_rollup";
	FILE *file = fopen(name, "r");
	char line[256];
	long kilobytes = -1;

	if (file == NULL)
		fail_call(name);
	while (kilobytes < 0 && fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "Rss: %ld kB", &kilobytes);
	fclose(file);
	if (kilobytes < 0)
		fail("no Rss");
	return kilobytes * 1024.0;
}

/* Bytes that malloc has handed out. */
static double
allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)info.uordblks + (double)info.hblkhd;
}

/* Has lookups outstanding that nobody answers. */
static void
hold(const char *upstream, int total)
{
	struct lookups l = new_lookups(upstream, total, total < MOST_IN_FLIGHT ? total : MOST_IN_FLIGHT);
	const struct timeval pause = {PAUSE_S, 0};
	double rss, heap;

	event_base_loop(l.base, EVLOOP_NONBLOCK);
	rss = resident();
	heap = allocated();
	while (l.started < total)
		start_next(&l);
	event_base_loopexit(l.base, &pause);
	event_base_dispatch(l.base);
	if (l.done != 0)
		fail("a lookup was answered");
	print_figure("RSS", (resident() - rss) / total);
	print_figure("heap", (allocated() - heap) / total);
}

int
main(int argc, char **argv)
{
	const char *workload = argc > 1 ? argv[1] : "";

	raise_descriptor_limit();
	if (!strcmp(workload, "version") && argc == 2)
		printf("%s\n", event_get_version());
	else if (!strcmp(workload, "serve") && argc == 2)
		serve();
	else if (!strcmp(workload, "resolve") && argc == 5)
		resolve(argv[2], atoi(argv[3]), atoi(argv[4]));
	else if (!strcmp(workload, "hold") && argc == 4)
		hold(argv[2], atoi(argv[3]));
	else
		fail("unknown workload");
	return 0;
}
