/*
 * A peer with the evrpc of C's libevent, of messages that event_rpcgen.py generates from
 * peer.rpc.
 *
 * usage: peer serve OPTION...
 *        peer client PORT NAME CALLS CONNECTIONS TIMEOUT OPTION...
 *
 * The server prints "port N", and ends with its standard input. It has the RPCs Echo, which
 * checks that the request is the message of its number, and answers with that of the next
 * number; Later, which does so after a moment; Never, which is not answered; Incomplete,
 * whose reply lacks everything; Nothing, whose reply may lack everything; and Stop, which
 * ends the process.
 *
 * The client makes all its calls at once, checks replies, and prints how many have ended with
 * which status, as "STATUS*COUNT" in the order of the statuses, and "wrong*COUNT" for
 * replies that are not right.
 *
 * Options are hooks: pause-input and pause-output pause calls for a moment, stop-input and
 * stop-output terminate them, count-input and count-output leave metadata for the other one,
 * and the client prints what it has found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_compat.h>
#include <event2/http.h>
#include <event2/http_compat.h>
#include <event2/rpc.h>
#include <event2/rpc_struct.h>

#include "peer.gen.h"

EVRPC_HEADER(Echo, Everything, Everything)
EVRPC_HEADER(Later, Everything, Everything)
EVRPC_HEADER(Never, Everything, Everything)
EVRPC_HEADER(Incomplete, Everything, Everything)
EVRPC_HEADER(Nothing, Nothing, Nothing)
EVRPC_HEADER(Stop, Everything, Everything)
EVRPC_HEADER(Missing, Everything, Everything)
EVRPC_GENERATE(Echo, Everything, Everything)
EVRPC_GENERATE(Later, Everything, Everything)
EVRPC_GENERATE(Never, Everything, Everything)
EVRPC_GENERATE(Incomplete, Everything, Everything)
EVRPC_GENERATE(Nothing, Nothing, Nothing)
EVRPC_GENERATE(Stop, Everything, Everything)
EVRPC_GENERATE(Missing, Everything, Everything)

static struct event_base *base;
static const struct timeval moment = { 0, 5000 };

static void die(const char *what)
{
	printf("failed: %s\n", what);
	fflush(stdout);
	exit(1);
}

/* fill makes a message the one of a number. The same rules are in everything_test.go. */
static void fill_inner(struct Inner *inner, const char *name, int has, ev_uint32_t n)
{
	EVTAG_ASSIGN(inner, name, name);
	if (has)
		EVTAG_ASSIGN(inner, n, n);
}

static void fill(struct Everything *m, ev_uint32_t n)
{
	ev_uint64_t big = (ev_uint64_t)n * 0x100000001ull;
	ev_uint8_t bytes[300];
	char text[32];
	ev_uint32_t i;
	struct Inner *inner;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (ev_uint8_t)(n * 7 + i);
	snprintf(text, sizeof(text), "text %.*s", (int)(n % 17), "xxxxxxxxxxxxxxxxx");
	EVTAG_ASSIGN(m, number, n);
	EVTAG_ASSIGN(m, big, big);
	EVTAG_ASSIGN(m, text, text);
	EVTAG_ASSIGN(m, key, bytes);
	EVTAG_ASSIGN_WITH_LEN(m, blob, bytes, n % 300);
	if (EVTAG_GET(m, inner, &inner) < 0)
		die("inner");
	fill_inner(inner, "inner", n & 1, n);
	if (n & 1)
		EVTAG_ASSIGN(m, maybe_number, ~n);
	if (n & 2)
		EVTAG_ASSIGN(m, maybe_big, ~big);
	if (n & 4)
		EVTAG_ASSIGN(m, maybe_text, "");
	if (n & 8)
		EVTAG_ASSIGN(m, maybe_key, bytes + 8);
	if (n & 16)
		EVTAG_ASSIGN_WITH_LEN(m, maybe_blob, bytes, n % 5);
	if (n & 32) {
		if (EVTAG_GET(m, maybe_inner, &inner) < 0)
			die("maybe_inner");
		fill_inner(inner, "maybe", 1, 0);
	}
	for (i = 0; i < n % 5; i++)
		EVTAG_ARRAY_ADD_VALUE(m, numbers, n + i);
	for (i = 0; i < (n >> 1) % 5; i++)
		EVTAG_ARRAY_ADD_VALUE(m, bigs, big << i);
	for (i = 0; i < (n >> 2) % 5; i++)
		EVTAG_ARRAY_ADD_VALUE(m, texts, text + i);
	for (i = 0; i < (n >> 3) % 5; i++)
		fill_inner(EVTAG_ARRAY_ADD(m, inners), text + i, i & 1, i);
}

/* same reports whether a message is the one of a number. */
static int same(struct Everything *m, ev_uint32_t n)
{
	struct Everything *want = Everything_new();
	struct evbuffer *a = evbuffer_new(), *b = evbuffer_new();
	int equal;

	fill(want, n);
	Everything_marshal(a, m);
	Everything_marshal(b, want);
	equal = evbuffer_get_length(a) == evbuffer_get_length(b) &&
	    !memcmp(evbuffer_pullup(a, -1), evbuffer_pullup(b, -1), evbuffer_get_length(a));
	evbuffer_free(a);
	evbuffer_free(b);
	Everything_free(want);
	return equal;
}

/* Hooks. */

static int found;

struct pause {
	void *vbase, *ctx;
};

static void resume(evutil_socket_t fd, short what, void *arg)
{
	struct pause *p = arg;
	evrpc_resume_request(p->vbase, p->ctx, EVRPC_CONTINUE);
	free(p);
}

static int pausing(void *ctx, struct evhttp_request *req, struct evbuffer *body, void *vbase)
{
	struct pause *p = malloc(sizeof(*p));
	p->vbase = vbase;
	p->ctx = ctx;
	event_base_once(base, -1, EV_TIMEOUT, resume, p, &moment);
	return EVRPC_PAUSE;
}

static int stopping(void *ctx, struct evhttp_request *req, struct evbuffer *body, void *arg)
{
	return EVRPC_TERMINATE;
}

static int counting(void *ctx, struct evhttp_request *req, struct evbuffer *body, void *arg)
{
	void *data;
	size_t size;
	if (evrpc_hook_find_meta(ctx, "key", &data, &size) == 0) {
		if (size == 5 && !memcmp(data, "value", 5) && evrpc_hook_get_connection(ctx))
			found++;
		return EVRPC_CONTINUE;
	}
	evrpc_hook_add_meta(ctx, "key", "value", 5);
	return EVRPC_CONTINUE;
}

static void add_hooks(void *vbase, char **options)
{
	for (; *options; options++) {
		const char *dash = strchr(*options, '-');
		enum EVRPC_HOOK_TYPE type;
		if (!dash)
			die(*options);
		type = strcmp(dash, "-input") ? EVRPC_OUTPUT : EVRPC_INPUT;
		switch (**options) {
		case 'p':
			evrpc_add_hook(vbase, type, pausing, vbase);
			break;
		case 's':
			evrpc_add_hook(vbase, type, stopping, NULL);
			break;
		default:
			evrpc_add_hook(vbase, type, counting, NULL);
		}
	}
}

/* The server. */

static void answer(struct Everything *request, struct Everything *reply)
{
	ev_uint32_t n;
	if (EVTAG_GET(request, number, &n) < 0 || !same(request, n))
		die("another request");
	fill(reply, n + 1);
}

static void on_echo(EVRPC_STRUCT(Echo) *rpc, void *arg)
{
	answer(rpc->request, rpc->reply);
	EVRPC_REQUEST_DONE(rpc);
}

static void later(evutil_socket_t fd, short what, void *arg)
{
	EVRPC_STRUCT(Later) *rpc = arg;
	EVRPC_REQUEST_DONE(rpc);
}

static void on_later(EVRPC_STRUCT(Later) *rpc, void *arg)
{
	answer(rpc->request, rpc->reply);
	event_base_once(base, -1, EV_TIMEOUT, later, rpc, &moment);
}

static void on_never(EVRPC_STRUCT(Never) *rpc, void *arg)
{
	printf("never\n");
	fflush(stdout);
}

static void on_incomplete(EVRPC_STRUCT(Incomplete) *rpc, void *arg) { EVRPC_REQUEST_DONE(rpc); }
static void on_nothing(EVRPC_STRUCT(Nothing) *rpc, void *arg) { EVRPC_REQUEST_DONE(rpc); }
static void on_stop(EVRPC_STRUCT(Stop) *rpc, void *arg) { _exit(0); }

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
	char c;
	if (read(fd, &c, 1) <= 0)
		exit(0);
}

static int serve(char **options)
{
	struct evhttp *http = evhttp_new(base);
	struct evhttp_bound_socket *bound;
	struct evrpc_base *rpcs;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (!(bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0)))
		die("bind");
	rpcs = evrpc_init(http);
	EVRPC_REGISTER(rpcs, Echo, Everything, Everything, on_echo, NULL);
	EVRPC_REGISTER(rpcs, Later, Everything, Everything, on_later, NULL);
	EVRPC_REGISTER(rpcs, Never, Everything, Everything, on_never, NULL);
	EVRPC_REGISTER(rpcs, Incomplete, Everything, Everything, on_incomplete, NULL);
	EVRPC_REGISTER(rpcs, Nothing, Nothing, Nothing, on_nothing, NULL);
	EVRPC_REGISTER(rpcs, Stop, Everything, Everything, on_stop, NULL);
	add_hooks(rpcs, options);
	event_add(event_new(base, 0, EV_READ | EV_PERSIST, on_stdin, NULL), NULL);
	getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&sin, &len);
	printf("port %d\n", ntohs(sin.sin_port));
	fflush(stdout);
	return event_base_dispatch(base);
}

/* The client. */

static int statuses[6], wrong, left;

static void ended(struct evrpc_status *status)
{
	statuses[status->error]++;
	if (--left == 0)
		event_base_loopexit(base, NULL);
}

static void on_reply(struct evrpc_status *status, struct Everything *request, struct Everything *reply, void *arg)
{
	ev_uint32_t n;
	if (status->error == EVRPC_STATUS_ERR_NONE) {
		EVTAG_GET(request, number, &n);
		wrong += !same(reply, n + 1);
	}
	ended(status);
	Everything_free(request);
	Everything_free(reply);
}

static void on_nothing_reply(struct evrpc_status *status, struct Nothing *request, struct Nothing *reply, void *arg)
{
	ended(status);
	Nothing_free(request);
	Nothing_free(reply);
}

static void call(struct evrpc_pool *pool, const char *name, ev_uint32_t n)
{
	struct Everything *request = Everything_new(), *reply = Everything_new();
	fill(request, n);
	if (!strcmp(name, "Echo"))
		EVRPC_MAKE_REQUEST(Echo, pool, request, reply, on_reply, NULL);
	else if (!strcmp(name, "Later"))
		EVRPC_MAKE_REQUEST(Later, pool, request, reply, on_reply, NULL);
	else if (!strcmp(name, "Never"))
		EVRPC_MAKE_REQUEST(Never, pool, request, reply, on_reply, NULL);
	else if (!strcmp(name, "Incomplete"))
		EVRPC_MAKE_REQUEST(Incomplete, pool, request, reply, on_reply, NULL);
	else if (!strcmp(name, "Stop"))
		EVRPC_MAKE_REQUEST(Stop, pool, request, reply, on_reply, NULL);
	else if (!strcmp(name, "Missing"))
		EVRPC_MAKE_REQUEST(Missing, pool, request, reply, on_reply, NULL);
	else {
		struct Nothing *q = Nothing_new();
		EVTAG_ASSIGN(q, n, n);
		EVRPC_MAKE_REQUEST(Nothing, pool, q, Nothing_new(), on_nothing_reply, NULL);
	}
}

static int client(char **args)
{
	struct evrpc_pool *pool = evrpc_pool_new(base);
	int port = atoi(args[0]), calls = atoi(args[2]), conns = atoi(args[3]), i;

	evrpc_pool_set_timeout(pool, atoi(args[4]));
	for (i = 0; i < conns; i++)
		evrpc_pool_add_connection(pool, evhttp_connection_new("127.0.0.1", port));
	add_hooks(pool, args + 5);
	left = calls;
	for (i = 0; i < calls; i++)
		call(pool, args[1], i);
	event_base_dispatch(base);
	for (i = 0; i < 6; i++)
		if (statuses[i])
			printf("%d*%d\n", i, statuses[i]);
	if (wrong)
		printf("wrong*%d\n", wrong);
	if (found)
		printf("found*%d\n", found);
	return 0;
}

int main(int argc, char **argv)
{
	if (!(base = event_init())) /* connections without a base need the current one */
		die("base");
	if (argc > 1 && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	if (argc > 6 && !strcmp(argv[1], "client"))
		return client(argv + 2);
	die("usage");
	return 1;
}
