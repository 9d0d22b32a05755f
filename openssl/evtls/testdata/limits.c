/*
 * What libevent's bufferevent_openssl counts against rate limits.
 *
 * usage: limits VERSION CERTFILE KEYFILE SIZE...
 *
 * A client and a server talk over a pair of sockets, each in a rate limit group of its
 * own that allows everything, and the client with a limit of its own. For each SIZE, the
 * client writes so many bytes at once, and a line says how many bytes its group has
 * counted as written, and that of the server as read, and how much has gone from the
 * client's limit. The last lines are about settings. (How much goes through a limit that is
 * too small is not compared: C encrypts, and sends, a whole chain of its buffer at once.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>

static struct event_base *base;
static int connected;
static size_t arrived;

static void die(const char *what)
{
	fprintf(stderr, "failed: %s\n", what);
	exit(1);
}

static void on_read(struct bufferevent *b, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(b);
	(void)arg;
	arrived += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_event(struct bufferevent *b, short what, void *arg)
{
	(void)b;
	(void)arg;
	if (!(what & BEV_EVENT_CONNECTED))
		die("an event of the other side");
	connected++;
}

static SSL_CTX *new_context(const char *version, const char *cert, const char *key)
{
	int number = strcmp(version, "1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL_CTX_set_min_proto_version(ctx, number);
	SSL_CTX_set_max_proto_version(ctx, number);
	SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256");
	SSL_CTX_set_num_tickets(ctx, 0);
	if (!SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM) ||
	    !SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM))
		die("credentials");
	return ctx;
}

static struct bufferevent *over(int fd, SSL_CTX *ctx, enum bufferevent_ssl_state state)
{
	struct bufferevent *b = bufferevent_openssl_socket_new(base, fd, SSL_new(ctx), state, BEV_OPT_CLOSE_ON_FREE);
	if (!b)
		die("bufferevent");
	bufferevent_setcb(b, on_read, NULL, on_event, NULL);
	bufferevent_enable(b, EV_READ | EV_WRITE);
	return b;
}

static struct bufferevent_rate_limit_group *new_group(struct bufferevent *b)
{
	static const struct timeval tick = {3600, 0};
	struct bufferevent_rate_limit_group *g = bufferevent_rate_limit_group_new(base,
	    ev_token_bucket_cfg_new(1 << 30, 1 << 30, 1 << 30, 1 << 30, &tick));
	if (!g || bufferevent_add_to_rate_limit_group(b, g))
		die("group");
	return g;
}

/* run runs the loop until so much has arrived, and nothing is left to do. */
static void run(size_t until)
{
	int i;
	while (arrived < until)
		event_base_loop(base, EVLOOP_ONCE);
	for (i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

int main(int argc, char **argv)
{
	static const struct timeval tick = {3600, 0};
	static char data[1 << 20];
	struct bufferevent *client, *server;
	struct bufferevent_rate_limit_group *sent, *got;
	ev_uint64_t written, read, unused;
	ev_ssize_t before;
	int fds[2], i, ret;

	if (argc < 4 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		die("usage");
	base = event_base_new();
	event_base_priority_init(base, 3);
	evutil_make_socket_nonblocking(fds[0]);
	evutil_make_socket_nonblocking(fds[1]);
	client = over(fds[0], new_context(argv[1], argv[2], argv[3]), BUFFEREVENT_SSL_CONNECTING);
	server = over(fds[1], new_context(argv[1], argv[2], argv[3]), BUFFEREVENT_SSL_ACCEPTING);
	while (connected < 2)
		event_base_loop(base, EVLOOP_ONCE);
	sent = new_group(client);
	got = new_group(server);
	bufferevent_set_rate_limit(client, ev_token_bucket_cfg_new(1 << 30, 1 << 30, 1 << 30, 1 << 30, &tick));
	bufferevent_write(client, "x", 1); /* so that the handshake is counted */
	run(1);
	for (i = 4; i < argc; i++) {
		size_t size = atoi(argv[i]);
		bufferevent_rate_limit_group_reset_totals(sent);
		bufferevent_rate_limit_group_reset_totals(got);
		before = bufferevent_get_write_limit(client);
		arrived = 0;
		bufferevent_write(client, data, size);
		run(size);
		bufferevent_rate_limit_group_get_totals(sent, &unused, &written);
		bufferevent_rate_limit_group_get_totals(got, &read, &unused);
		printf("%zu bytes: written %llu, read %llu, from the limit %lld\n", size,
		    (unsigned long long)written, (unsigned long long)read,
		    (long long)(before - bufferevent_get_write_limit(client)));
	}

	ret = bufferevent_priority_set(client, 0);
	printf("priority: %d, %d\n", ret, bufferevent_get_priority(client));
	ret = bufferevent_set_max_single_read(client, 500) | bufferevent_set_max_single_write(client, 700);
	printf("single: %d, %d %d\n", ret, (int)bufferevent_get_max_single_read(client),
	    (int)bufferevent_get_max_single_write(client));
	return 0;
}
