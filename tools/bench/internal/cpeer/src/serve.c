#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "echo.h"
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
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct echo_server *s = arg;
	struct bufferevent *bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)listener;
	(void)addr;
	(void)len;
	if (bev == NULL) {
		close(fd);
		return;
	}
	set_nodelay(fd);
	if (s->limit != NULL)
		bufferevent_set_rate_limit(bev, s->limit);
	if (s->group != NULL)
		bufferevent_add_to_rate_limit_group(bev, s->group);
	start_echo(bev);
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

void
run_serve(int limit, int group_limit)
{
	struct echo_server s = {.base = must_base(), .limit = new_limit(limit)};

	s.group = new_group(s.base, group_limit);
	listen_until_end(s.base, on_accept, &s);
}
