/*
 * Decodes and encodes messages by the code that event_rpcgen.py has generated, for the tests
 * to compare with.
 *
 * A request is the number of a message's type in a byte, the length of its encoding in four
 * bytes, the lowest first, and the encoding. The answer is the length of what the decoded
 * message is encoded to, in four bytes, and that, or 0xffffffff if it was refused. A request
 * with type 'b' asks how long it takes to encode, and to decode, a message of type 0: the
 * answer has nanoseconds, twice in four bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "messages.gen.h"
#include "messages_part.gen.h"

static void no_log(int severity, const char *text) {}

static unsigned get32(const unsigned char *p) {
	return p[0] | p[1] << 8 | p[2] << 16 | (unsigned)p[3] << 24;
}

static void put32(unsigned v) {
	unsigned char p[4] = {v, v >> 8, v >> 16, v >> 24};
	fwrite(p, 1, sizeof(p), stdout);
}

#define RECODE(type) do {					\
	struct type *m = type##_new();				\
	refused = type##_unmarshal(m, in);			\
	if (!refused)						\
		type##_marshal(out, m);				\
	type##_free(m);						\
} while (0)

static void answer(int type, struct evbuffer *in) {
	struct evbuffer *out = evbuffer_new();
	int refused = -1;

	switch (type) {
	case 0: RECODE(everything); break;
	case 1: RECODE(node); break;
	case 2: RECODE(nothing); break;
	case 3: RECODE(part); break;
	}
	if (refused) {
		put32(0xffffffff);
	} else {
		size_t n = evbuffer_get_length(out);
		put32(n);
		fwrite(evbuffer_pullup(out, -1), 1, n, stdout);
	}
	evbuffer_free(out);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void measure(const void *p, size_t n) {
	enum { rounds = 100000 };
	struct evbuffer *b = evbuffer_new();
	struct everything *m = everything_new();
	double start;
	int i;

	evbuffer_add(b, p, n);
	if (everything_unmarshal(m, b))
		exit(3);
	start = now();
	for (i = 0; i < rounds; i++) {
		everything_marshal(b, m);
		evbuffer_drain(b, n);
	}
	put32((now() - start) / rounds);
	everything_free(m);
	start = now();
	for (i = 0; i < rounds; i++) {
		m = everything_new();
		evbuffer_add(b, p, n);
		everything_unmarshal(m, b);
		everything_free(m);
	}
	put32((now() - start) / rounds);
	evbuffer_free(b);
}

int main(void) {
	unsigned char head[5];

	event_set_log_callback(no_log);
	while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
		size_t n = get32(head + 1);
		unsigned char *p = malloc(n + 1);
		struct evbuffer *in = evbuffer_new();

		if (fread(p, 1, n, stdin) != n)
			return 2;
		if (head[0] == 'b') {
			measure(p, n);
		} else {
			evbuffer_add(in, p, n);
			answer(head[0], in);
		}
		evbuffer_free(in);
		free(p);
		fflush(stdout);
	}
	return 0;
}
