/*
 * A peer with the evhttp of C's libevent.
 *
 * usage: evhttp client PORT STEP...
 *        evhttp queue PORT STEP...
 *        evhttp serve
 *
 * The client makes a request of each STEP: METHOD:PATH:N, where N is the length of
 * the body; with "+" before METHOD it expects 100-continue. It makes each when the
 * one before is answered, or queues all at once, always on one connection, and
 * prints a line for each: the step, then the status and the length and FNV-1a of
 * the body, or "failed".
 *
 * The server prints "port N", and ends with its standard input. It has /hello,
 * /echo, /chunks, which are 100 lines, each when the one before was sent, /later,
 * /close, which ends the connection, and /long, which is 3,000,000 bytes. It takes
 * bodies of up to 8,000,000 bytes.
 *
 * Bodies are bytes that count from 0 to 250 and begin again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

static struct event_base *base;

static void die(const char *what)
{
	printf("failed: %s\n", what);
	fflush(stdout);
	exit(1);
}

static void add_body(struct evbuffer *buf, size_t n)
{
	unsigned char block[251 * 64];
	size_t i, part;
	for (i = 0; i < sizeof(block); i++)
		block[i] = (unsigned char)(i % 251);
	for (; n > 0; n -= part) {
		part = n < sizeof(block) ? n : sizeof(block);
		evbuffer_add(buf, block, part);
	}
}

static unsigned int fnv(struct evbuffer *buf)
{
	unsigned int h = 2166136261u;
	size_t i, n = evbuffer_get_length(buf);
	unsigned char *p = evbuffer_pullup(buf, -1);
	for (i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

/* The client. */

static struct evhttp_connection *conn;
static char **steps;
static int at_once, outstanding;

static void make(char *step);

static void on_done(struct evhttp_request *req, void *arg)
{
	printf("%s ", (char *)arg);
	if (req == NULL || evhttp_request_get_response_code(req) == 0) {
		puts("failed");
	} else {
		struct evbuffer *body = evhttp_request_get_input_buffer(req);
		printf("%d %zu %08x\n", evhttp_request_get_response_code(req), evbuffer_get_length(body), fnv(body));
	}
	fflush(stdout);
	outstanding--;
	if (!at_once && *steps != NULL)
		make(*steps++);
	else if (outstanding == 0)
		event_base_loopexit(base, NULL);
}

static enum evhttp_cmd_type command(const char *name)
{
	if (!strncmp(name, "GET:", 4))
		return EVHTTP_REQ_GET;
	if (!strncmp(name, "HEAD:", 5))
		return EVHTTP_REQ_HEAD;
	if (!strncmp(name, "POST:", 5))
		return EVHTTP_REQ_POST;
	if (!strncmp(name, "PUT:", 4))
		return EVHTTP_REQ_PUT;
	if (!strncmp(name, "DELETE:", 7))
		return EVHTTP_REQ_DELETE;
	die(name);
	return EVHTTP_REQ_GET;
}

static void make(char *step)
{
	int expects = *step == '+';
	char path[256];
	unsigned int n;
	struct evhttp_request *req = evhttp_request_new(on_done, step);
	struct evkeyvalq *header = evhttp_request_get_output_headers(req);
	if (sscanf(step, "%*[^:]:%255[^:]:%u", path, &n) != 2)
		die(step);
	evhttp_add_header(header, "Host", "localhost");
	if (expects)
		evhttp_add_header(header, "Expect", "100-continue");
	add_body(evhttp_request_get_output_buffer(req), n);
	outstanding++;
	if (evhttp_make_request(conn, req, command(step + expects), path) != 0)
		die("request");
}

static void client(int port)
{
	conn = evhttp_connection_base_new(base, NULL, "127.0.0.1", (unsigned short)port);
	if (conn == NULL)
		die("connection");
	evhttp_connection_set_timeout(conn, 15);
	do
		make(*steps++);
	while (at_once && *steps != NULL);
	event_base_dispatch(base);
	evhttp_connection_free(conn);
}

/* The server. */

static void on_hello(struct evhttp_request *req, void *arg)
{
	(void)arg;
	evbuffer_add_printf(evhttp_request_get_output_buffer(req), "Hello, world\n");
	evhttp_send_reply(req, 200, "OK", NULL);
}

static void on_close(struct evhttp_request *req, void *arg)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
	on_hello(req, arg);
}

static void on_echo(struct evhttp_request *req, void *arg)
{
	(void)arg;
	evhttp_send_reply(req, 200, "OK", evhttp_request_get_input_buffer(req));
}

static void on_long(struct evhttp_request *req, void *arg)
{
	(void)arg;
	add_body(evhttp_request_get_output_buffer(req), 3000000);
	evhttp_send_reply(req, 200, "OK", NULL);
}

struct lines {
	struct evhttp_request *req;
	int sent;
};

static void on_sent(struct evhttp_connection *c, void *arg)
{
	struct lines *l = arg;
	struct evbuffer *line;
	(void)c;
	if (l->sent == 100) {
		evhttp_send_reply_end(l->req);
		free(l);
		return;
	}
	line = evbuffer_new();
	evbuffer_add_printf(line, "line %d\n", l->sent++);
	evhttp_send_reply_chunk_with_cb(l->req, line, on_sent, l);
	evbuffer_free(line);
}

static void on_chunks(struct evhttp_request *req, void *arg)
{
	struct lines *l = calloc(1, sizeof(*l));
	(void)arg;
	l->req = req;
	evhttp_send_reply_start(req, 200, "OK");
	on_sent(NULL, l);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	on_hello(arg, NULL);
}

static void on_later(struct evhttp_request *req, void *arg)
{
	struct timeval soon = {0, 1000};
	(void)arg;
	event_base_once(base, -1, EV_TIMEOUT, on_time, req, &soon);
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
	char ignored[64];
	(void)what, (void)arg;
	if (read(fd, ignored, sizeof(ignored)) <= 0)
		event_base_loopexit(base, NULL);
}

static void serve(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct event *end = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, NULL);
	struct evhttp *http = evhttp_new(base);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (bound == NULL || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&sin, &len) != 0 ||
	    end == NULL || event_add(end, NULL) != 0)
		die("server");
	evhttp_set_max_body_size(http, 8000000);
	evhttp_set_cb(http, "/hello", on_hello, NULL);
	evhttp_set_cb(http, "/echo", on_echo, NULL);
	evhttp_set_cb(http, "/long", on_long, NULL);
	evhttp_set_cb(http, "/chunks", on_chunks, NULL);
	evhttp_set_cb(http, "/later", on_later, NULL);
	evhttp_set_cb(http, "/close", on_close, NULL);
	printf("port %d\n", ntohs(sin.sin_port));
	fflush(stdout);
	event_base_dispatch(base);
	evhttp_free(http);
	event_free(end);
}

int main(int argc, char **argv)
{
	base = event_base_new();
	if (base == NULL)
		die("event_base_new");
	if (argc > 3 && (!strcmp(argv[1], "client") || !strcmp(argv[1], "queue"))) {
		at_once = !strcmp(argv[1], "queue");
		steps = argv + 3;
		client(atoi(argv[2]));
	} else if (argc == 2 && !strcmp(argv[1], "serve")) {
		serve();
	} else {
		die("usage");
	}
	event_base_free(base);
	return 0;
}
