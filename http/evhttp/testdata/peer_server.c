/* A server of C libevent for tests: it prints its port, and ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

static struct event_base *base;

/* /parts: a body in chunks. */
static void parts(struct evhttp_request *req, void *arg)
{
	struct evbuffer *part = evbuffer_new();
	int i;

	(void)arg;
	evhttp_send_reply_start(req, 200, "Parts");
	for (i = 0; i < 100; i++) {
		evbuffer_add_printf(part, "part %d\n", i);
		evhttp_send_reply_chunk(req, part);
	}
	evhttp_send_reply_end(req);
	evbuffer_free(part);
}

/* /long: a body of 3 MB. */
static void longer(struct evhttp_request *req, void *arg)
{
	struct evbuffer *body = evbuffer_new();
	static char block[30000];
	int i;

	(void)arg;
	memset(block, 'x', sizeof(block));
	for (i = 0; i < 100; i++)
		evbuffer_add(body, block, sizeof(block));
	evhttp_send_reply(req, 200, "OK", body);
	evbuffer_free(body);
}

/* Everything else: what came, once more. */
static void echo(struct evhttp_request *req, void *arg)
{
	struct evbuffer *body = evbuffer_new();
	const char *kind = evhttp_find_header(evhttp_request_get_input_headers(req), "X-Kind");

	(void)arg;
	evbuffer_add_printf(body, "%d %s %s ", (int)evhttp_request_get_command(req),
	    evhttp_request_get_uri(req), kind ? kind : "-");
	evbuffer_add_buffer(body, evhttp_request_get_input_buffer(req));
	if (strcmp(evhttp_request_get_uri(req), "/close") == 0)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
	evhttp_send_reply(req, strcmp(evhttp_request_get_uri(req), "/404") ? 200 : 404, "Echo", body);
	evbuffer_free(body);
}

static void ended(evutil_socket_t fd, short what, void *arg)
{
	char c;

	(void)what;
	(void)arg;
	if (read(fd, &c, 1) <= 0)
		event_base_loopbreak(base);
}

int main(void)
{
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
	struct event *input;
	struct sockaddr_storage sa;
	ev_socklen_t len = sizeof(sa);
	struct event_config *cfg = event_config_new();

	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_avoid_method(cfg, "epoll"); /* the input may be a file */
	base = event_base_new_with_config(cfg);
	http = evhttp_new(base);
	evhttp_set_allowed_methods(http, 0xffff);
	evhttp_set_cb(http, "/parts", parts, NULL);
	evhttp_set_cb(http, "/long", longer, NULL);
	evhttp_set_gencb(http, echo, NULL);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (!bound || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&sa, &len) < 0)
		return 1;
	printf("%d\n", (int)(((unsigned char *)&sa)[2] << 8 | ((unsigned char *)&sa)[3]));
	fflush(stdout);
	input = event_new(base, 0, EV_READ | EV_PERSIST, ended, NULL);
	event_add(input, NULL);
	event_base_dispatch(base);
	event_free(input);
	evhttp_free(http);
	event_base_free(base);
	event_config_free(cfg);
	return 0;
}
