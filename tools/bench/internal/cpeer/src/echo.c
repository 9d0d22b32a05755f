#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "echo.h"
#include "peer.h"

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
 * ended. That a TLS connection has begun is nothing to act on. */
static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (!(what & BEV_EVENT_ERROR) && evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		bufferevent_setcb(bev, NULL, on_drained, on_event, arg);
	else
		bufferevent_free(bev);
}

void
start_echo(struct bufferevent *bev)
{
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

void
set_nodelay(evutil_socket_t fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void
listen_until_end(struct event_base *base, evconnlistener_cb on_accept, void *arg)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct evconnlistener *listener;

	listener = evconnlistener_new_bind(base, on_accept, arg,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN,
	    (struct sockaddr *)&addr, sizeof(addr));
	if (listener == NULL)
		fail_call("evconnlistener_new_bind");
	end_with_stdin(base);
	print_address(evconnlistener_get_fd(listener));
	event_base_dispatch(base);
}
