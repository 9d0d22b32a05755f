/*
 * Answers, with libevent, questions about URIs, queries and escapes: one line
 * each, of an operation, a number and an argument in hexadecimal. Texts in
 * answers are in hexadecimal behind an x; what is missing is a "-".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/queue.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#define MAX 65536

static void put(const char *s, size_t n)
{
	size_t i;

	if (s == NULL) {
		printf(" -");
		return;
	}
	printf(" x");
	for (i = 0; i < n; i++)
		printf("%02x", (unsigned char)s[i]);
}

static void puts_(const char *s)
{
	put(s, s ? strlen(s) : 0);
}

static void uri(unsigned flags, const char *arg)
{
	static char joined[2 * MAX];
	struct evhttp_uri *u = evhttp_uri_parse_with_flags(arg, flags);

	if (u == NULL) {
		printf(" error");
		return;
	}
	puts_(evhttp_uri_get_scheme(u));
	puts_(evhttp_uri_get_userinfo(u));
	puts_(evhttp_uri_get_host(u));
	printf(" %d", evhttp_uri_get_port(u));
	puts_(evhttp_uri_get_path(u));
	puts_(evhttp_uri_get_query(u));
	puts_(evhttp_uri_get_fragment(u));
	puts_(evhttp_uri_join(u, joined, sizeof(joined)));
	evhttp_uri_free(u);
}

static void set(unsigned part, const char *arg)
{
	struct evhttp_uri *u = evhttp_uri_new();
	int r = -2;

	switch (part) {
	case 0: r = evhttp_uri_set_scheme(u, arg); break;
	case 1: r = evhttp_uri_set_userinfo(u, arg); break;
	case 2: r = evhttp_uri_set_host(u, arg); break;
	case 3: r = evhttp_uri_set_path(u, arg); break;
	case 4: r = evhttp_uri_set_query(u, arg); break;
	case 5: r = evhttp_uri_set_fragment(u, arg); break;
	}
	printf(" %s", r == 0 ? "ok" : "error");
	evhttp_uri_free(u);
}

static void query(int whole, const char *arg)
{
	struct evkeyvalq list;
	struct evkeyval *field;
	int r = whole ? evhttp_parse_query(arg, &list) : evhttp_parse_query_str(arg, &list);

	if (r < 0) {
		printf(" error");
		return;
	}
	TAILQ_FOREACH(field, &list, next) {
		puts_(field->key);
		puts_(field->value);
	}
	evhttp_clear_headers(&list);
}

static void answer(const char *op, unsigned n, const char *arg, size_t len)
{
	size_t size = 0;
	char *s = NULL;

	if (strcmp(op, "uri") == 0) {
		uri(n, arg);
		return;
	}
	if (strcmp(op, "set") == 0) {
		set(n, arg);
		return;
	}
	if (strcmp(op, "query") == 0) {
		query(n, arg);
		return;
	}
	if (strcmp(op, "encode") == 0)
		s = evhttp_uriencode(arg, (ev_ssize_t)len, n);
	else if (strcmp(op, "decode") == 0)
		s = evhttp_uridecode(arg, n, &size);
	else if (strcmp(op, "decodewhole") == 0)
		s = evhttp_decode_uri(arg);
	else if (strcmp(op, "html") == 0)
		s = evhttp_htmlescape(arg);
	else
		exit(2);
	put(s, strcmp(op, "decode") == 0 ? size : strlen(s));
	free(s);
}

int main(void)
{
	static char line[2 * MAX + 100], arg[MAX];

	while (fgets(line, sizeof(line), stdin)) {
		char op[20];
		unsigned n, byte;
		int at, used;
		size_t len = 0;

		if (sscanf(line, "%19s %u x%n", op, &n, &at) != 2)
			return 2;
		for (; sscanf(line + at, "%2x%n", &byte, &used) == 1; at += used)
			arg[len++] = (char)byte;
		arg[len] = '\0';
		printf("%s", op);
		answer(op, n, arg, len);
		printf("\n");
	}
	return 0;
}
