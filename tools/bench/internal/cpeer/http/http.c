/* The sides of the HTTP suites, done with C libevent's evhttp: a program of its
 * own, so that the other workloads do not need libevent_extra. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "peer.h"

/* The media type of all bodies. */
#define TYPE "text/plain"

/* Bodies that are shorter are copied, longer ones are referred to. */
#define COPIED 4096

/* How often libevent has allocated memory so far. */
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

/* What a path leads to. */
struct body {
	size_t size;
	char *bytes;
};

static void
on_request(struct evhttp_request *request, void *arg)
{
	const struct body *body = arg;
	struct evbuffer *output = evhttp_request_get_output_buffer(request);

	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", TYPE);
	if (body->size < COPIED)
		evbuffer_add(output, body->bytes, body->size);
	else
		evbuffer_add_reference(output, body->bytes, body->size, NULL, NULL);
	evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

/* Adds the path that is the length of a body. */
static void
add_body(struct evhttp *http, size_t size)
{
	struct body *body = must_alloc(1, sizeof(*body));
	char path[32];

	body->size = size;
	body->bytes = must_alloc(size, 1);
	for (size_t i = 0; i < size; i++)
		body->bytes[i] = (char)('a' + i % 26);
	snprintf(path, sizeof(path), "/%zu", size);
	if (evhttp_set_cb(http, path, on_request, body) != 0)
		fail("evhttp_set_cb");
}

/* A listener whose connections, too, send small segments at once. */
static struct evconnlistener *
must_listen(struct event_base *base)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct evconnlistener *listener = evconnlistener_new_bind(base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN, (struct sockaddr *)&addr, sizeof(addr));
	int on = 1;

	if (listener == NULL)
		fail_call("evconnlistener_new_bind");
	if (setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		fail_call("setsockopt");
	return listener;
}

static void
serve(void)
{
	struct event_base *base = must_base();
	struct evhttp *http = evhttp_new(base);
	struct evconnlistener *listener = must_listen(base);

	if (http == NULL || evhttp_bind_listener(http, listener) == NULL)
		fail("evhttp_bind_listener");
	add_body(http, 12);
	add_body(http, 10000);
	add_body(http, 1000000);
	heed_stdin(base);
	print_address(evconnlistener_get_fd(listener));
	event_base_dispatch(base);
}

/* A connection of the client, on which one request is under way. */
struct asker {
	struct evhttp_connection *conn;
	char host[32];
	char path[32];
	size_t size;
};

static void on_response(struct evhttp_request *request, void *arg);

static void
ask(struct asker *a)
{
	struct evhttp_request *request = evhttp_request_new(on_response, a);

	if (request == NULL)
		fail("evhttp_request_new");
	evhttp_add_header(evhttp_request_get_output_headers(request), "Host", a->host);
	if (evhttp_make_request(a->conn, request, EVHTTP_REQ_GET, a->path) != 0)
		fail("evhttp_make_request");
}

static void
on_response(struct evhttp_request *request, void *arg)
{
	struct asker *a = arg;

	if (request == NULL)
		fail("a request without a response");
	if (evhttp_request_get_response_code(request) != HTTP_OK ||
	    evbuffer_get_length(evhttp_request_get_input_buffer(request)) != a->size)
		fail("a response with another status or length");
	ask(a);
}

/* Asks a server, again and again on each connection. */
static void
ask_all(const char *address, int size, int conns)
{
	struct event_base *base = must_base();
	struct asker *askers = must_alloc((size_t)conns, sizeof(*askers));
	char ip[16];
	unsigned short port;

	if (size < 1 || conns < 1 || sscanf(address, "%15[0-9.]:%hu", ip, &port) != 2)
		fail("an address, a size and a number are needed");
	printf("%s\n", address);
	fflush(stdout);
	heed_stdin(base);
	for (int i = 0; i < conns; i++) {
		struct asker *a = &askers[i];

		a->conn = evhttp_connection_base_new(base, NULL, ip, port);
		if (a->conn == NULL)
			fail("evhttp_connection_base_new");
		a->size = (size_t)size;
		snprintf(a->host, sizeof(a->host), "%s", address);
		snprintf(a->path, sizeof(a->path), "/%d", size);
		ask(a);
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
	else if (!strcmp(workload, "ask") && argc == 5)
		ask_all(argv[2], atoi(argv[3]), atoi(argv[4]));
	else
		fail("unknown workload");
	return 0;
}
