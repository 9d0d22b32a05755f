/* Shows what C libevent makes of raw HTTP messages.
 *
 * "oracle requests PATH" serves on a Unix socket; each line of the input is a
 * stream of requests in hexadecimal. For each it prints a line of words: "q" and
 * the fields of a request that reached the callback, "r" and all that the server
 * has sent, "closed" if it has closed the connection.
 *
 * "oracle responses" is a client; each line of the input is a method and a
 * stream that answers it. For each it prints "ok" and the fields of the
 * response, or "error". */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { IDLE_ROUNDS = 20 };

static struct event_base *base;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
put(const void *p, size_t n)
{
	const unsigned char *b = p;
	size_t i;
	putchar(' ');
	putchar('.');
	for (i = 0; i < n; i++)
		printf("%02x", b[i]);
}

static void
put_string(const char *s)
{
	put(s ? s : "", s ? strlen(s) : 0);
}

static void
put_body(struct evhttp_request *req)
{
	struct evbuffer *b = evhttp_request_get_input_buffer(req);
	size_t n = evbuffer_get_length(b);
	put(evbuffer_pullup(b, -1), n);
}

static size_t
unhex(char *s, unsigned char *to)
{
	size_t n = 0;
	unsigned v;
	for (; sscanf(s, "%2x", &v) == 1; s += 2)
		to[n++] = v;
	return n;
}

static const char *
method_name(enum evhttp_cmd_type type)
{
	switch (type) {
	case EVHTTP_REQ_GET: return "GET";
	case EVHTTP_REQ_POST: return "POST";
	case EVHTTP_REQ_HEAD: return "HEAD";
	case EVHTTP_REQ_PUT: return "PUT";
	case EVHTTP_REQ_DELETE: return "DELETE";
	case EVHTTP_REQ_OPTIONS: return "OPTIONS";
	case EVHTTP_REQ_TRACE: return "TRACE";
	case EVHTTP_REQ_CONNECT: return "CONNECT";
	case EVHTTP_REQ_PATCH: return "PATCH";
	default: return "?";
	}
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *host = uri ? evhttp_uri_get_host(uri) : NULL;
	char authority[1024];
	if (host && evhttp_uri_get_port(uri) >= 0) {
		snprintf(authority, sizeof authority, "%s:%d", host, evhttp_uri_get_port(uri));
		host = authority;
	}
	if (!host)
		host = evhttp_find_header(evhttp_request_get_input_headers(req), "Host");
	printf(" q");
	put_string(method_name(evhttp_request_get_command(req)));
	put_string(evhttp_request_get_uri(req));
	printf(" .%02x2e%02x", '0' + req->major, '0' + req->minor);
	put_string(host);
	put_body(req);
	evhttp_send_reply(req, 200, "OK", NULL);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memset(&sun, 0, sizeof sun);
	sun.sun_family = AF_UNIX;
	strncpy(sun.sun_path, path, sizeof sun.sun_path - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0)
		die("connect");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
serve(const char *path, const unsigned char *raw, size_t size)
{
	static unsigned char answer[1 << 20];
	size_t sent = 0, got = 0;
	int fd = connect_to(path), idle = 0, closed = 0;
	while (idle < IDLE_ROUNDS && !closed) {
		ssize_t n = sent < size ? send(fd, raw + sent, size - sent, MSG_NOSIGNAL) : 0;
		idle++;
		if (n > 0) {
			sent += n;
			idle = 0;
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, answer + got, sizeof answer - got, 0);
		if (n > 0) {
			got += n;
			idle = 0;
		}
		closed = n == 0 || (n < 0 && errno != EAGAIN);
	}
	printf(" r");
	put(answer, got);
	printf(closed ? " closed\n" : "\n");
	fflush(stdout);
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
serve_all(const char *path, char *line, unsigned char *raw, size_t size)
{
	struct evhttp *http = evhttp_new(base);
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	memset(&sun, 0, sizeof sun);
	sun.sun_family = AF_UNIX;
	strncpy(sun.sun_path, path, sizeof sun.sun_path - 1);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof sun) < 0 || listen(fd, 8) < 0 ||
	    evhttp_accept_socket(http, fd) < 0)
		die("listen");
	evhttp_set_allowed_methods(http, (EVHTTP_REQ_PATCH << 1) - 1);
	evhttp_set_max_headers_size(http, 64 << 10);
	evhttp_set_gencb(http, on_request, NULL);
	while (fgets(line, size, stdin))
		serve(path, raw, unhex(line, raw));
	evhttp_free(http);
	unlink(path);
}

static void
on_response(struct evhttp_request *req, void *arg)
{
	*(int *)arg = 1;
	if (!req || evhttp_request_get_response_code(req) == 0) {
		printf(" error");
		return;
	}
	printf(" ok .%02x2e%02x", '0' + req->major, '0' + req->minor);
	printf(" %d", evhttp_request_get_response_code(req));
	put_string(evhttp_request_get_response_code_line(req));
	put_body(req);
}

static int
accept_request(int listener)
{
	char buf[4096];
	int fd;
	while ((fd = accept(listener, NULL, NULL)) < 0) {
		if (errno != EAGAIN)
			die("accept");
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (recv(fd, buf, sizeof buf, 0) < 0) {
		if (errno != EAGAIN)
			die("recv");
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	fcntl(fd, F_SETFL, 0);
	return fd;
}

static void
fetch(int listener, int port, const char *method, const unsigned char *raw, size_t size)
{
	int done = 0, fd;
	enum evhttp_cmd_type type = strcmp(method, "HEAD") == 0 ? EVHTTP_REQ_HEAD :
	    strcmp(method, "CONNECT") == 0 ? EVHTTP_REQ_CONNECT : EVHTTP_REQ_GET;
	struct evhttp_connection *conn = evhttp_connection_base_new(base, NULL, "127.0.0.1", port);
	struct evhttp_request *req = evhttp_request_new(on_response, &done);
	evhttp_connection_set_max_headers_size(conn, 64 << 10);
	evhttp_add_header(evhttp_request_get_output_headers(req), "Host", "a");
	if (evhttp_make_request(conn, req, type, type == EVHTTP_REQ_CONNECT ? "a:80" : "/") < 0)
		die("request");
	fd = accept_request(listener);
	if (send(fd, raw, size, MSG_NOSIGNAL) < 0)
		die("send");
	shutdown(fd, SHUT_WR);
	while (!done)
		event_base_loop(base, EVLOOP_ONCE);
	printf("\n");
	fflush(stdout);
	evhttp_connection_free(conn);
	close(fd);
}

static void
fetch_all(char *line, unsigned char *raw, size_t size)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	memset(&sin, 0, sizeof sin);
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&sin, sizeof sin) < 0 ||
	    listen(listener, 8) < 0 || getsockname(listener, (struct sockaddr *)&sin, &len) < 0)
		die("listen");
	while (fgets(line, size, stdin)) {
		char *stream = strchr(line, ' ');
		*stream++ = '\0';
		fetch(listener, ntohs(sin.sin_port), line, raw, unhex(stream, raw));
	}
	close(listener);
}

static void
quiet(int severity, const char *text)
{
}

int
main(int argc, char **argv)
{
	enum { SIZE = 4 << 20 };
	char *line = malloc(SIZE);
	unsigned char *raw = malloc(SIZE);
	event_set_log_callback(quiet);
	base = event_base_new();
	if (!line || !raw || !base)
		die("start");
	if (argc == 3 && strcmp(argv[1], "requests") == 0)
		serve_all(argv[2], line, raw, SIZE);
	else if (argc == 2 && strcmp(argv[1], "responses") == 0)
		fetch_all(line, raw, SIZE);
	else if (argc == 2 && strcmp(argv[1], "version") == 0)
		printf("%s\n", event_get_version());
	else
		return 2;
	event_base_free(base);
	free(line);
	free(raw);
	return 0;
}
