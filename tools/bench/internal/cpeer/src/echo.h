/* What the servers have in common. */
#ifndef EVBENCH_ECHO_H
#define EVBENCH_ECHO_H

#include <event2/bufferevent.h>
#include <event2/listener.h>

/* Makes a connection echo what it receives, until its end, which frees it. */
void start_echo(struct bufferevent *bev);

/* Has a connection send small segments at once. */
void set_nodelay(evutil_socket_t fd);

/* Listens on a port of the system's choice, prints the address as one line, and
 * runs the loop until the standard input ends. */
void listen_until_end(struct event_base *base, evconnlistener_cb on_accept, void *arg);

#endif
