#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "peer.h"

/* A second has this many ticks of the token buckets, of which they hold so
 * many, so that a late tick is no loss. */
#define TICKS 100
#define BURST 10

/* What each member of a group may always read, in bytes a tick. */
#define MIN_SHARE 1500

struct echo_server {
	struct event_base *base;
	struct ev_token_bucket_cfg *limit; /* of a connection, or NULL */
	struct bufferevent_rate_limit_group *group; /* or NULL */
};

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)arg;
	bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

static void
on_drained(struct bufferevent *bev, void *arg)
{
	(void)arg;
	bufferevent_free(bev);
}

/* Ends a connection, after what is left to write if only the peer's sending has
 * ended. */
static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	if (!(what & BEV_EVENT_ERROR) && evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		bufferevent_setcb(bev, NULL, on_drained, on_event, arg);
	else
		bufferevent_free(bev);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct echo_server *s = arg;
	struct bufferevent *bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	int on = 1;

	(void)listener;
	(void)addr;
	(void)len;
	if (bev == NULL) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (s->limit != NULL)
		bufferevent_set_rate_limit(bev, s->limit);
	if (s->group != NULL)
		bufferevent_add_to_rate_limit_group(bev, s->group);
	bufferevent_setcb(bev, on_read, NULL, on_event, s);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* Ends the loop when the standard input ends. */
static void
on_stdin(evutil_socket_t fd, short what, void *arg)
{
	struct echo_server *s = arg;
	char ignored[64];

	(void)what;
	if (read(fd, ignored, sizeof(ignored)) <= 0)
		event_base_loopexit(s->base, NULL);
}

/* A bucket that gets so many bytes a second, in both directions. Without a
 * limit it is NULL. */
static struct ev_token_bucket_cfg *
new_limit(int bytes)
{
	const struct timeval tick = {0, 1000000 / TICKS};
	struct ev_token_bucket_cfg *limit;
	size_t rate = (size_t)(bytes / TICKS);

	if (bytes == 0)
		return NULL;
	limit = ev_token_bucket_cfg_new(rate, BURST * rate, rate, BURST * rate, &tick);
	if (limit == NULL)
		fail("ev_token_bucket_cfg_new");
	return limit;
}

static struct bufferevent_rate_limit_group *
new_group(struct event_base *base, int bytes)
{
	struct ev_token_bucket_cfg *limit = new_limit(bytes);
	struct bufferevent_rate_limit_group *group;

	if (limit == NULL)
		return NULL;
	group = bufferevent_rate_limit_group_new(base, limit);
	if (group == NULL)
		fail("bufferevent_rate_limit_group_new");
	bufferevent_rate_limit_group_set_min_share(group, MIN_SHARE);
	return group;
}

static void
print_address(struct evconnlistener *listener)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&addr, &len) != 0)
		fail_call("getsockname");
	printf("127.0.0.1:%d\n", ntohs(addr.sin_port));
	fflush(stdout);
}

void
run_serve(int limit, int group_limit)
{
	struct echo_server s = {.base = must_base(), .limit = new_limit(limit)};
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct evconnlistener *listener;
	struct event *end;

	s.group = new_group(s.base, group_limit);
	listener = evconnlistener_new_bind(s.base, on_accept, &s,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN,
	    (struct sockaddr *)&addr, sizeof(addr));
	if (listener == NULL)
		fail_call("evconnlistener_new_bind");
	end = event_new(s.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, &s);
	if (end == NULL || event_add(end, NULL) != 0)
		fail_call("event_add");
	print_address(listener);
	event_base_dispatch(s.base);
}
