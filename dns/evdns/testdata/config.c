/*
 * Configures evdns as the lines of standard input say, one operation a line
 * with its arguments separated by tabs, and prints what each has led to.
 * oracle_test.go does the same with this package and compares.
 *
 *	new                    begin with a new resolver
 *	resolv FLAGS FILE      parse a resolv.conf: result and nameservers
 *	hosts FILE             load hosts: result
 *	option NAME VALUE      set an option: result
 *	search DOMAIN          add a search domain
 *	clear                  clear the search domains
 *	ndots N                set ndots
 *	lookup FAMILY NAME     addresses that are known without asking
 *	names NAME             names that are asked for, in order, if none exists
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/util.h>

static struct event_base *base;
static struct evdns_base *dns;
static char server[64]; /* address of a server that knows no name */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* on_request tells that a name was asked for, and that it does not exist. */
static void on_request(struct evdns_server_request *req, void *arg)
{
	(void)arg;
	printf(" %s", req->questions[0]->name);
	evdns_server_request_respond(req, DNS_ERR_NOTEXIST);
}

static void serve(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || getsockname(fd, (struct sockaddr *)&sin, &len))
		die("socket");
	evutil_make_socket_nonblocking(fd);
	if (!evdns_add_server_port_with_base(base, fd, 0, on_request, NULL))
		die("server");
	snprintf(server, sizeof(server), "127.0.0.1:%d", ntohs(sin.sin_port));
}

static void print_addr(const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN];
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;
		evutil_inet_ntop(AF_INET, &sin->sin_addr, text, sizeof(text));
		printf(" %s:%d", text, ntohs(sin->sin_port));
	} else {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
		evutil_inet_ntop(AF_INET6, &sin6->sin6_addr, text, sizeof(text));
		printf(" [%s]:%d", text, ntohs(sin6->sin6_port));
	}
}

static void print_nameservers(void)
{
	int i, n = evdns_base_count_nameservers(dns);
	for (i = 0; i < n; i++) {
		struct sockaddr_storage ss;
		if (evdns_base_get_nameserver_addr(dns, i, (struct sockaddr *)&ss, sizeof(ss)) > 0)
			print_addr((struct sockaddr *)&ss);
	}
}

static void on_addrinfo(int err, struct evutil_addrinfo *list, void *arg)
{
	struct evutil_addrinfo *ai;
	if (err == EVUTIL_EAI_ADDRFAMILY || (!err && !list)) /* 2.2, 2.1 */
		printf(" other family");
	for (ai = list; ai; ai = ai->ai_next)
		print_addr(ai->ai_addr);
	if (list)
		evutil_freeaddrinfo(list);
	*(int *)arg = 1;
}

static void lookup(const char *family, const char *name)
{
	static int known; /* outlives the lookup */
	struct evutil_addrinfo hints;
	struct evdns_getaddrinfo_request *req;
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = !strcmp(family, "4") ? AF_INET : !strcmp(family, "6") ? AF_INET6 : AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	known = 0;
	req = evdns_getaddrinfo(dns, name, "80", &hints, on_addrinfo, &known);
	if (!known)
		printf(" unknown");
	if (req) {
		evdns_getaddrinfo_cancel(req);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

static void on_answer(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	(void)result, (void)type, (void)count, (void)ttl, (void)addresses, (void)arg;
	event_base_loopbreak(base);
}

static void names(const char *name)
{
	evdns_base_clear_nameservers_and_suspend(dns);
	evdns_base_nameserver_ip_add(dns, server);
	evdns_base_set_option(dns, "randomize-case", "0");
	evdns_base_resume(dns);
	if (evdns_base_resolve_ipv4(dns, name, 0, on_answer, NULL))
		event_base_dispatch(base);
}

static void new_resolver(void)
{
	if (dns)
		evdns_base_free(dns, 0);
	dns = evdns_base_new(base, 0);
	if (!dns)
		die("resolver");
}

int main(void)
{
	static char line[1 << 16];
	base = event_base_new();
	serve();
	while (fgets(line, sizeof(line), stdin)) {
		char *op, *a, *b, *rest = line;
		line[strcspn(line, "\n")] = 0;
		op = strsep(&rest, "\t");
		a = rest ? strsep(&rest, "\t") : "";
		b = rest ? rest : "";
		printf("%s", op);
		if (!strcmp(op, "new")) {
			new_resolver();
		} else if (!strcmp(op, "resolv")) {
			printf(" %d", evdns_base_resolv_conf_parse(dns, atoi(a), b));
			print_nameservers();
		} else if (!strcmp(op, "hosts")) {
			printf(" %d", evdns_base_load_hosts(dns, a));
		} else if (!strcmp(op, "option")) {
			printf(" %d", evdns_base_set_option(dns, a, b));
		} else if (!strcmp(op, "search")) {
			evdns_base_search_add(dns, a);
		} else if (!strcmp(op, "clear")) {
			evdns_base_search_clear(dns);
		} else if (!strcmp(op, "ndots")) {
			evdns_base_search_ndots_set(dns, atoi(a));
		} else if (!strcmp(op, "lookup")) {
			lookup(a, b);
		} else if (!strcmp(op, "names")) {
			names(a);
		}
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
