/* Makes requests, one after the other, and prints what has come of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

static const struct step {
	enum evhttp_cmd_type method;
	const char *name, *path;
	size_t body;
} steps[] = {
	{ EVHTTP_REQ_GET, "GET", "/hello", 0 },
	{ EVHTTP_REQ_GET, "GET", "/large", 0 },
	{ EVHTTP_REQ_POST, "POST", "/echo", 100000 },
	{ EVHTTP_REQ_HEAD, "HEAD", "/hello", 0 },
	{ EVHTTP_REQ_GET, "GET", "/flush", 0 },
	{ EVHTTP_REQ_PUT, "PUT", "/echo", 0 },
	{ EVHTTP_REQ_GET, "GET", "/204", 0 },
	{ EVHTTP_REQ_DELETE, "DELETE", "/none", 0 },
	{ EVHTTP_REQ_GET, "GET", "/close", 0 },
	{ EVHTTP_REQ_GET, "GET", "/hello", 0 },
};

static struct event_base *base;
static struct evhttp_connection *conn;
static size_t at;

static void next(void);

static void done(struct evhttp_request *req, void *arg)
{
	const struct step *s = arg;
	printf("%s %s: ", s->name, s->path);
	if (req == NULL)
		printf("failed\n");
	else
		printf("%d %zu bytes\n", evhttp_request_get_response_code(req),
		    evbuffer_get_length(evhttp_request_get_input_buffer(req)));
	next();
}

static void next(void)
{
	const struct step *s = &steps[at++];
	struct evhttp_request *req;
	if (at > sizeof steps / sizeof *steps) {
		event_base_loopbreak(base);
		return;
	}
	req = evhttp_request_new(done, (void *)s);
	evhttp_add_header(evhttp_request_get_output_headers(req), "Host", "c");
	if (s->body > 0) {
		char *data = malloc(s->body);
		memset(data, 'x', s->body);
		evbuffer_add(evhttp_request_get_output_buffer(req), data, s->body);
		free(data);
	}
	if (evhttp_make_request(conn, req, s->method, s->path) != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	base = event_base_new();
	conn = evhttp_connection_base_new(base, NULL, argv[1], (ev_uint16_t)atoi(argv[2]));
	evhttp_connection_set_timeout(conn, 20);
	next();
	event_base_dispatch(base);
	evhttp_connection_free(conn);
	event_base_free(base);
	return 0;
}
