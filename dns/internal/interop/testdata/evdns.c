/*
 * A peer with the evdns of C's libevent.
 *
 * usage: evdns resolve ADDRESS QUESTION...
 *        evdns serve
 *
 * The resolver asks the nameserver at ADDRESS all QUESTIONs at once: KIND:NAME,
 * where KIND is a, aaaa, ptr, ptr6 or addrinfo. It prints a line for each, when
 * there is an answer: the question, then the addresses or names and "ttl N", or
 * "error N".
 *
 * The server prints "port N", answers over UDP what is in its zone, and ends with
 * its standard input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/util.h>

static struct event_base *base;
static int outstanding;

static void die(const char *what)
{
	printf("failed: %s\n", what);
	fflush(stdout);
	exit(1);
}

/* answered ends the loop after the last answer. */
static void answered(void)
{
	putchar('\n');
	fflush(stdout);
	if (--outstanding == 0)
		event_base_loopexit(base, NULL);
}

static void on_answer(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	char text[INET6_ADDRSTRLEN];
	int i;
	printf("%s", (const char *)arg);
	if (result != DNS_ERR_NONE)
		printf(" error %d", result);
	for (i = 0; result == DNS_ERR_NONE && i < count; i++) {
		if (type == DNS_IPv4_A)
			printf(" %s", inet_ntop(AF_INET, (char *)addresses + 4 * i, text, sizeof(text)));
		else if (type == DNS_IPv6_AAAA)
			printf(" %s", inet_ntop(AF_INET6, (char *)addresses + 16 * i, text, sizeof(text)));
		else
			printf(" %s", ((char **)addresses)[i]);
	}
	if (result == DNS_ERR_NONE)
		printf(" ttl %d", ttl);
	answered();
}

static void on_addrinfo(int result, struct evutil_addrinfo *all, void *arg)
{
	struct evutil_addrinfo *ai;
	char text[INET6_ADDRSTRLEN];
	printf("%s", (const char *)arg);
	if (result != 0)
		printf(" error %d", result);
	for (ai = all; ai != NULL; ai = ai->ai_next) {
		const void *addr = &((struct sockaddr_in *)ai->ai_addr)->sin_addr;
		if (ai->ai_family == AF_INET6)
			addr = &((struct sockaddr_in6 *)ai->ai_addr)->sin6_addr;
		printf(" %s", inet_ntop(ai->ai_family, addr, text, sizeof(text)));
	}
	if (all != NULL)
		evutil_freeaddrinfo(all);
	answered();
}

static void ask(struct evdns_base *dns, char *question)
{
	const char *name = strchr(question, ':') + 1;
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct in6_addr addr;
	int ok;
	outstanding++;
	if (!strncmp(question, "a:", 2)) {
		ok = evdns_base_resolve_ipv4(dns, name, DNS_QUERY_NO_SEARCH, on_answer, question) != NULL;
	} else if (!strncmp(question, "aaaa:", 5)) {
		ok = evdns_base_resolve_ipv6(dns, name, DNS_QUERY_NO_SEARCH, on_answer, question) != NULL;
	} else if (!strncmp(question, "ptr:", 4)) {
		ok = inet_pton(AF_INET, name, &addr) == 1 &&
		    evdns_base_resolve_reverse(dns, (struct in_addr *)&addr, 0, on_answer, question) != NULL;
	} else if (!strncmp(question, "ptr6:", 5)) {
		ok = inet_pton(AF_INET6, name, &addr) == 1 &&
		    evdns_base_resolve_reverse_ipv6(dns, &addr, 0, on_answer, question) != NULL;
	} else {
		evdns_getaddrinfo(dns, name, NULL, &hints, on_addrinfo, question);
		ok = 1;
	}
	if (!ok)
		die(question);
}

static void resolve(char **args)
{
	struct evdns_base *dns = evdns_base_new(base, 0);
	if (dns == NULL || evdns_base_nameserver_ip_add(dns, args[0]) != 0)
		die(args[0]);
	while (*++args != NULL)
		ask(dns, *args);
	if (outstanding > 0)
		event_base_dispatch(base);
	evdns_base_free(dns, 0);
}

static const struct record {
	const char *name;
	int type;
	const char *data;
} zone[] = {
	{"www.example.org", EVDNS_TYPE_A, "192.0.2.10"},
	{"www.example.org", EVDNS_TYPE_A, "192.0.2.11"},
	{"www.example.org", EVDNS_TYPE_AAAA, "2001:db8::10"},
	{"four.example.org", EVDNS_TYPE_A, "192.0.2.40"},
	{"alias.example.org", EVDNS_TYPE_CNAME, "www.example.org"},
	{"10.2.0.192.in-addr.arpa", EVDNS_TYPE_PTR, "www.example.org"},
	{NULL, 0, NULL},
};

#define TTL 1234

/* add adds what the zone has for a name, and follows an alias. It returns whether
 * there is anything of the name. */
static int add(struct evdns_server_request *req, const char *name, int type)
{
	const struct record *r;
	unsigned char addr[16];
	int found = 0;
	for (r = zone; r->name != NULL; r++) {
		if (strcasecmp(r->name, name))
			continue;
		found = 1;
		if (r->type == EVDNS_TYPE_CNAME) {
			evdns_server_request_add_cname_reply(req, name, r->data, TTL);
			add(req, r->data, type);
		} else if (r->type != type) {
			continue;
		} else if (type == EVDNS_TYPE_A) {
			inet_pton(AF_INET, r->data, addr);
			evdns_server_request_add_a_reply(req, name, 1, addr, TTL);
		} else if (type == EVDNS_TYPE_AAAA) {
			inet_pton(AF_INET6, r->data, addr);
			evdns_server_request_add_aaaa_reply(req, name, 1, addr, TTL);
		} else if (type == EVDNS_TYPE_PTR) {
			evdns_server_request_add_ptr_reply(req, NULL, name, r->data, TTL);
		}
	}
	return found;
}

static void on_request(struct evdns_server_request *req, void *arg)
{
	int i, found = 0;
	(void)arg;
	for (i = 0; i < req->nquestions; i++)
		found |= add(req, req->questions[i]->name, req->questions[i]->type);
	evdns_server_request_set_flags(req, EVDNS_FLAGS_AA);
	evdns_server_request_respond(req, found ? DNS_ERR_NONE : DNS_ERR_NOTEXIST);
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
	char ignored[64];
	(void)what, (void)arg;
	if (read(fd, ignored, sizeof(ignored)) <= 0)
		event_base_loopexit(base, NULL);
}

static void serve(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	evutil_socket_t fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct event *end = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, NULL);
	struct evdns_server_port *port;
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0 || evutil_make_socket_nonblocking(fd) != 0)
		die("socket");
	port = evdns_add_server_port_with_base(base, fd, 0, on_request, NULL);
	if (port == NULL || end == NULL || event_add(end, NULL) != 0)
		die("server port");
	printf("port %d\n", ntohs(sin.sin_port));
	fflush(stdout);
	event_base_dispatch(base);
	evdns_close_server_port(port);
	event_free(end);
}

int main(int argc, char **argv)
{
	base = event_base_new();
	if (base == NULL)
		die("event_base_new");
	if (argc > 2 && !strcmp(argv[1], "resolve"))
		resolve(argv + 2);
	else if (argc == 2 && !strcmp(argv[1], "serve"))
		serve();
	else
		die("usage");
	event_base_free(base);
	return 0;
}
