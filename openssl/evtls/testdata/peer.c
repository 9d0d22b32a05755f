/*
 * A peer with a bufferevent_openssl of C's libevent, for one connection:
 *
 * usage: peer client SHAPE VERSION CAFILE PORT BYTES END
 *        peer server SHAPE VERSION CERTFILE KEYFILE END
 *
 * SHAPE is socket or filter, VERSION 1.2 or 1.3. The client sends BYTES and
 * checks that they come back, unless BYTES is 0. The server sends back what it
 * gets. END says what happens then: wait (for the other side to end), notify
 * (the stream is ended with close_notify) or cut (the socket is closed without).
 * The server does it when the other side has sent "end". What happens is printed,
 * a line each.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static struct event_base *base;
static SSL_CTX *ctx;
static struct bufferevent *under; /* with the shape filter */
static struct bufferevent *bev;
static int filter, client;
static const char *end;
static size_t to_send, received;

static void say(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void die(const char *what)
{
	say("failed: %s", what);
	ERR_print_errors_fp(stdout);
	exit(1);
}

/* pattern is the byte at a place of the data. */
static unsigned char pattern(size_t i)
{
	return (unsigned char)((i * 2654435761u) >> 13);
}

/* finish ends our stream, in the way that was asked for. */
static void finish(void)
{
	if (!strcmp(end, "wait"))
		return;
	if (!strcmp(end, "notify"))
		SSL_shutdown(bufferevent_openssl_get_ssl(bev));
	event_base_loopexit(base, NULL);
}

static void fill(void)
{
	size_t i;
	unsigned char *data = malloc(to_send);
	for (i = 0; i < to_send; i++)
		data[i] = pattern(i);
	bufferevent_write(bev, data, to_send);
	free(data);
}

static void check(struct evbuffer *input)
{
	unsigned char data[4096];
	int i, n;
	while ((n = evbuffer_remove(input, data, sizeof(data))) > 0)
		for (i = 0; i < n; i++, received++)
			if (data[i] != pattern(received))
				die("other data has come back");
	if (received == to_send) {
		say("all came back");
		finish();
	}
}

static void on_read(struct bufferevent *b, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(b);
	(void)arg;
	if (client) {
		check(input);
		return;
	}
	if (evbuffer_get_length(input) == 3 && !memcmp(evbuffer_pullup(input, 3), "end", 3)) {
		evbuffer_drain(input, 3);
		finish();
		return;
	}
	bufferevent_write_buffer(b, input);
}

static void on_event(struct bufferevent *b, short what, void *arg)
{
	unsigned long err;
	char text[256];
	(void)arg;
	if (what & BEV_EVENT_CONNECTED) {
		say("connected %s", SSL_get_version(bufferevent_openssl_get_ssl(b)));
		if (client && to_send == 0)
			finish();
		return;
	}
	say("event%s%s%s%s", what & BEV_EVENT_READING ? " reading" : "",
	    what & BEV_EVENT_WRITING ? " writing" : "", what & BEV_EVENT_EOF ? " eof" : "",
	    what & BEV_EVENT_ERROR ? " error" : "");
	while ((err = bufferevent_get_openssl_error(b)) != 0) {
		ERR_error_string_n(err, text, sizeof(text));
		say("because %s", text);
	}
	event_base_loopexit(base, NULL);
}

/* open makes the bufferevent. */
static void open_bufferevent(evutil_socket_t fd)
{
	SSL *ssl = SSL_new(ctx);
	enum bufferevent_ssl_state state = client ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING;
	if (client) {
		SSL_set_tlsext_host_name(ssl, "localhost");
		SSL_set1_host(ssl, "localhost");
	}
	if (filter) {
		under = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
		bev = bufferevent_openssl_filter_new(base, under, ssl, state, BEV_OPT_CLOSE_ON_FREE);
	} else {
		bev = bufferevent_openssl_socket_new(base, fd, ssl, state, BEV_OPT_CLOSE_ON_FREE);
	}
	if (bev == NULL)
		die("bufferevent");
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	(void)sa, (void)len, (void)arg;
	evconnlistener_disable(l);
	open_bufferevent(fd);
}

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in sin;
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	return sin;
}

static void new_context(const char *version)
{
	int number = strcmp(version, "1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;
	ctx = SSL_CTX_new(TLS_method());
	SSL_CTX_set_min_proto_version(ctx, number);
	SSL_CTX_set_max_proto_version(ctx, number);
}

static void begin_client(char **argv)
{
	struct sockaddr_in to = loopback(atoi(argv[1]));
	if (!SSL_CTX_load_verify_locations(ctx, argv[0], NULL))
		die("authority");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	to_send = strtoul(argv[2], NULL, 10);
	end = argv[3];
	open_bufferevent(-1);
	fill();
	if (bufferevent_socket_connect(filter ? under : bev, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
}

static struct evconnlistener *begin_server(char **argv)
{
	struct sockaddr_in at = loopback(0);
	socklen_t len = sizeof(at);
	struct evconnlistener *l;
	if (SSL_CTX_use_certificate_chain_file(ctx, argv[0]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[1], SSL_FILETYPE_PEM) != 1)
		die("certificate");
	end = argv[2];
	l = evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, -1,
	    (struct sockaddr *)&at, sizeof(at));
	if (l == NULL || getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&at, &len) != 0)
		die("listen");
	say("port %d", ntohs(at.sin_port));
	return l;
}

int main(int argc, char **argv)
{
	struct evconnlistener *l = NULL;
	if (argc < 7)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	client = !strcmp(argv[1], "client");
	if (argc != (client ? 8 : 7))
		return 2;
	filter = !strcmp(argv[2], "filter");
	base = event_base_new();
	new_context(argv[3]);
	if (client)
		begin_client(argv + 4);
	else
		l = begin_server(argv + 4);
	event_base_dispatch(base);
	/* What finish has put below a filter has to go out. */
	while (under != NULL && !strcmp(end, "notify") &&
	    evbuffer_get_length(bufferevent_get_output(under)) > 0)
		event_base_loop(base, EVLOOP_ONCE);
	bufferevent_free(bev);
	if (l != NULL)
		evconnlistener_free(l);
	event_base_loop(base, EVLOOP_NONBLOCK); /* sockets are closed in here */
	event_base_free(base);
	SSL_CTX_free(ctx);
	say("done");
	return 0;
}
