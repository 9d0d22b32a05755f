/* The sides of the RPC suites, done with C libevent's evrpc. The messages are what
 * event_rpcgen.py writes from greeting.rpc. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_compat.h>
#include <event2/http.h>
#include <event2/http_compat.h>
#include <event2/listener.h>
#include <event2/rpc.h>
#include <event2/rpc_struct.h>

#include "greeting.gen.h"
#include "peer.h"

EVRPC_HEADER(Greet, Greeting, Greeting)
EVRPC_GENERATE(Greet, Greeting, Greeting)

/* How often libevent has allocated memory so far, without the generated code. */
static long allocations;

static void *
count_malloc(size_t size)
{
	allocations++;
	return malloc(size);
}

static void *
count_realloc(void *p, size_t size)
{
	allocations++;
	return realloc(p, size);
}

/* Answers each line with the allocations so far, and ends the loop when the
 * standard input ends. */
static void
on_stdin(evutil_socket_t fd, short what, void *arg)
{
	struct event_base *base = arg;
	char lines[64];
	ssize_t n = read(fd, lines, sizeof(lines));

	(void)what;
	if (n <= 0)
		event_base_loopexit(base, NULL);
	for (ssize_t i = 0; i < n; i++)
		if (lines[i] == '\n')
			printf("%ld\n", allocations);
	fflush(stdout);
}

static void
heed_stdin(struct event_base *base)
{
	struct event *ev = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, base);

	if (ev == NULL || event_add(ev, NULL) != 0)
		fail_call("event_add");
}

static void
on_greet(EVRPC_STRUCT(Greet) *rpc, void *arg)
{
	struct Greeting *request = rpc->request, *reply = rpc->reply;
	char *text;
	ev_uint32_t number;

	(void)arg;
	EVTAG_GET(request, text, &text);
	EVTAG_GET(request, number, &number);
	EVTAG_ASSIGN(reply, text, text);
	EVTAG_ASSIGN(reply, number, number);
	for (int i = 0; i < EVTAG_ARRAY_LEN(request, lines); i++) {
		EVTAG_ARRAY_GET(request, lines, i, &text);
		EVTAG_ARRAY_ADD_VALUE(reply, lines, text);
	}
	EVRPC_REQUEST_DONE(rpc);
}

static void
serve(void)
{
	struct event_base *base = must_base();
	struct evhttp *http = evhttp_new(base);
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct evconnlistener *listener = evconnlistener_new_bind(base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN, (struct sockaddr *)&addr, sizeof(addr));
	struct evrpc_base *rpcs;
	int on = 1;

	if (listener == NULL)
		fail_call("evconnlistener_new_bind");
	if (setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		fail_call("setsockopt");
	if (http == NULL || evhttp_bind_listener(http, listener) == NULL)
		fail("evhttp_bind_listener");
	if ((rpcs = evrpc_init(http)) == NULL)
		fail("evrpc_init");
	EVRPC_REGISTER(rpcs, Greet, Greeting, Greeting, on_greet, NULL);
	heed_stdin(base);
	print_address(evconnlistener_get_fd(listener));
	event_base_dispatch(base);
}

/* The client, whose pool has a connection for each call that is under way. */
static struct evrpc_pool *pool;
static int lines;

static void on_reply(struct evrpc_status *status, struct Greeting *request, struct Greeting *reply, void *arg);

static void
call(struct Greeting *request, struct Greeting *reply)
{
	if (EVRPC_MAKE_REQUEST(Greet, pool, request, reply, on_reply, NULL) != 0)
		fail("EVRPC_MAKE_REQUEST");
}

static void
on_reply(struct evrpc_status *status, struct Greeting *request, struct Greeting *reply, void *arg)
{
	ev_uint32_t number;

	(void)arg;
	if (status->error != EVRPC_STATUS_ERR_NONE)
		fail("a call has failed");
	EVTAG_GET(reply, number, &number);
	if (number != 1000000 || EVTAG_ARRAY_LEN(reply, lines) != lines)
		fail("another reply");
	Greeting_clear(reply);
	call(request, reply);
}

static void
call_all(const char *address, int conns)
{
	/* The connections of a pool have no base of their own when they are made. */
	struct event_base *base = event_init();
	char ip[16];
	unsigned short port;

	if (lines < 1 || conns < 1 || sscanf(address, "%15[0-9.]:%hu", ip, &port) != 2)
		fail("an address, a number of lines and one of connections are needed");
	printf("%s\n", address);
	fflush(stdout);
	heed_stdin(base);
	pool = evrpc_pool_new(base);
	for (int i = 0; i < conns; i++)
		evrpc_pool_add_connection(pool, evhttp_connection_new(ip, port));
	for (int i = 0; i < conns; i++) {
		struct Greeting *request = Greeting_new();

		EVTAG_ASSIGN(request, text, "Hello, world");
		EVTAG_ASSIGN(request, number, 1000000);
		for (int j = 0; j < lines; j++)
			EVTAG_ARRAY_ADD_VALUE(request, lines, "all along the watchtower");
		call(request, Greeting_new());
	}
	event_base_dispatch(base);
}

int
main(int argc, char **argv)
{
	const char *workload = argc > 1 ? argv[1] : "";

	event_set_mem_functions(count_malloc, count_realloc, free);
	raise_descriptor_limit();
	if (!strcmp(workload, "version") && argc == 2)
		printf("%s\n", event_get_version());
	else if (!strcmp(workload, "serve") && argc == 2)
		serve();
	else if (!strcmp(workload, "call") && argc == 5) {
		lines = atoi(argv[3]);
		call_all(argv[2], atoi(argv[4]));
	} else
		fail("unknown workload");
	return 0;
}
