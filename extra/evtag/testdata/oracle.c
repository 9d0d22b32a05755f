/* Encodes and decodes records with libevent, as oracle_test.go asks for. All numbers
 * in requests and replies are little-endian.
 *
 * A request: kind u8, tag u32, fixed u32, a u64, b u64, length u32, data, length u32,
 * input. The kind says what to encode of tag, a, b and data; fixed is the length that
 * evtag_unmarshal_fixed is to expect. The input is what all functions are to decode.
 *
 * A reply: what was encoded, then what each function has made of the input; each is
 * length u32, bytes. A function's bytes are none if it has failed, or else how many
 * bytes of input it has left, and what it has returned. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <event2/buffer.h>
#include <event2/tag.h>

/* The library exports these without declaring them in a public header. */
int evtag_decode_int(ev_uint32_t *, struct evbuffer *);
int evtag_decode_int64(ev_uint64_t *, struct evbuffer *);

/* A request of this kind has nothing else in it: all replies so far are to be sent. */
#define FLUSH 255

static struct evbuffer *buf, *out;
static unsigned char *input;
static size_t input_len, input_cap;
static unsigned char *reply;
static size_t reply_len, reply_cap;

static void must(int ok)
{
	if (!ok) {
		perror("oracle");
		exit(1);
	}
}

static int get(void *p, size_t n) { return n == 0 || fread(p, n, 1, stdin) == 1; }

static uint64_t number(int bytes)
{
	unsigned char p[8];
	uint64_t v = 0;
	must(get(p, bytes));
	for (int i = bytes; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static void put(const void *p, size_t n)
{
	while (reply_len + n > reply_cap) {
		reply_cap = reply_cap * 2 + 64;
		reply = realloc(reply, reply_cap);
		must(reply != NULL);
	}
	if (n)
		memcpy(reply + reply_len, p, n);
	reply_len += n;
}

static void put_number(uint64_t v, int bytes)
{
	unsigned char p[8];
	for (int i = 0; i < bytes; i++)
		p[i] = v >> 8 * i;
	put(p, bytes);
}

static void send_reply(void)
{
	unsigned char p[4] = {reply_len, reply_len >> 8, reply_len >> 16, reply_len >> 24};
	must(fwrite(p, 4, 1, stdout) == 1);
	must(reply_len == 0 || fwrite(reply, reply_len, 1, stdout) == 1);
	reply_len = 0;
}

static void empty(struct evbuffer *b) { evbuffer_drain(b, evbuffer_get_length(b)); }

static void refill(void)
{
	empty(buf);
	empty(out);
	evbuffer_add(buf, input, input_len);
}

static void left(void) { put_number(evbuffer_get_length(buf), 4); }

static void put_buffer(struct evbuffer *b)
{
	size_t n = evbuffer_get_length(b);
	put(evbuffer_pullup(b, -1), n);
}

static void encode(int kind, uint32_t tag, uint64_t a, uint64_t b, char *data, size_t len)
{
	struct timeval tv = {a, b};
	empty(buf);
	empty(out);
	switch (kind) {
	case 0: break;
	case 1: evtag_marshal(buf, tag, data, len); break;
	case 2: evbuffer_add(out, data, len); evtag_marshal_buffer(buf, tag, out); break;
	case 3: evtag_marshal_int(buf, tag, a); break;
	case 4: evtag_marshal_int64(buf, tag, a); break;
	case 5: evtag_marshal_string(buf, tag, data); break;
	case 6: evtag_marshal_timeval(buf, tag, &tv); break;
	case 7: evtag_encode_int(buf, a); break;
	case 8: evtag_encode_int64(buf, a); break;
	}
	put_buffer(buf);
	send_reply();
}

static void decode(uint32_t tag, uint32_t fixed)
{
	ev_uint32_t v, got;
	ev_uint64_t v64;
	struct timeval tv;
	char *s;
	int n;

	refill();
	if (evtag_unmarshal_int(buf, tag, &v) >= 0) { left(); put_number(v, 4); }
	send_reply();
	refill();
	if (evtag_unmarshal_int64(buf, tag, &v64) >= 0) { left(); put_number(v64, 8); }
	send_reply();
	refill();
	if (evtag_unmarshal_timeval(buf, tag, &tv) >= 0) {
		left(); put_number(tv.tv_sec, 4); put_number(tv.tv_usec, 4);
	}
	send_reply();
	refill();
	if (evtag_unmarshal_string(buf, tag, &s) >= 0) { left(); put(s, strlen(s)); free(s); }
	send_reply();
	refill();
	s = malloc(fixed + 1);
	must(s != NULL);
	if (evtag_unmarshal_fixed(buf, tag, s, fixed) >= 0) { left(); put(s, fixed); }
	free(s);
	send_reply();
	refill();
	if ((n = evtag_unmarshal_header(buf, &got)) >= 0) { left(); put_number(got, 4); put_number(n, 4); }
	send_reply();
	refill();
	if (evtag_unmarshal(buf, &got, out) >= 0) { left(); put_number(got, 4); put_buffer(out); }
	send_reply();
	refill();
	if (evtag_consume(buf) >= 0) left();
	send_reply();
	refill();
	if ((n = evtag_peek(buf, &got)) >= 0) { left(); put_number(got, 4); put_number(n, 4); }
	send_reply();
	refill();
	if (evtag_peek_length(buf, &v) >= 0) { left(); put_number(v, 4); }
	send_reply();
	refill();
	if (evtag_payload_length(buf, &v) >= 0) { left(); put_number(v, 4); }
	send_reply();
	refill();
	if (evtag_decode_int(&v, buf) >= 0) { left(); put_number(v, 4); }
	send_reply();
	refill();
	if (evtag_decode_int64(&v64, buf) >= 0) { left(); put_number(v64, 8); }
	send_reply();
}

int main(void)
{
	char *data = NULL;
	int kind;

	evtag_init();
	buf = evbuffer_new();
	out = evbuffer_new();
	must(buf != NULL && out != NULL);
	while ((kind = getchar()) != EOF) {
		if (kind == FLUSH) {
			must(fflush(stdout) == 0);
			continue;
		}
		uint32_t tag = number(4), fixed = number(4);
		uint64_t a = number(8), b = number(8);
		size_t len = number(4);
		data = realloc(data, len + 1);
		must(data != NULL && get(data, len));
		data[len] = 0;
		input_len = number(4);
		if (input_len >= input_cap) {
			input_cap = input_len + 1;
			input = realloc(input, input_cap);
		}
		must(input != NULL && get(input, input_len));
		encode(kind, tag, a, b, data, len);
		decode(tag, fixed);
	}
	return 0;
}
