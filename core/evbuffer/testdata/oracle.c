/*
 * Runs the evbuffer operations that it reads from standard input, one a line,
 * and prints what each has done: its result, the cleanups and callbacks it has
 * run, and the length and a hash of the content of every buffer.
 * oracle_test.go does the same with this package and compares.
 *
 * usage: oracle FILE, the file that file segments are made of.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

enum { BUFFERS = 4, CALLBACKS = 64, MAX_DATA = 1 << 20 };

struct callback {
	int id, live, nodefer;
	struct evbuffer *buffer;
	struct evbuffer_cb_entry *entry;
	struct evbuffer_cb_info last;
};

static struct event_base *base;
static struct evbuffer *buffers[BUFFERS];
static struct callback callbacks[CALLBACKS];
static int ncallbacks;
static int next_cleanup;
static int file;
static int pair[2];

/* What one operation has made happen, to be printed after its result. */
static char log_text[1 << 16];
static size_t log_len;
static int cleanups[4096];
static int ncleanups;
static int sum_up; /* print callbacks of one operation as one */
static size_t sum_orig[CALLBACKS], sum_added[CALLBACKS], sum_deleted[CALLBACKS];
static int summed[CALLBACKS];

static void note(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	log_len += vsnprintf(log_text + log_len, sizeof(log_text) - log_len, format, ap);
	va_end(ap);
}

static void on_change(struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct callback *c = arg;
	(void)b;
	/* Callbacks that are not deferred, on a buffer that defers, are told of
	 * the same changes again when data moves to it, or none is added. */
	if (c->nodefer && memcmp(&c->last, info, sizeof(*info)) == 0)
		return;
	c->last = *info;
	if (sum_up) {
		if (!summed[c->id]++)
			sum_orig[c->id] = info->orig_size;
		if (sum_orig[c->id] == info->orig_size) /* it adds up itself */
			sum_added[c->id] = sum_deleted[c->id] = 0;
		sum_added[c->id] += info->n_added;
		sum_deleted[c->id] += info->n_deleted;
		return;
	}
	note(" c%d:%zu+%zu-%zu", c->id, info->orig_size, info->n_added, info->n_deleted);
}

static void forget_last(void)
{
	for (int i = 0; i < ncallbacks; i++)
		memset(&callbacks[i].last, 0, sizeof(callbacks[i].last));
}

static void begin_sum(void)
{
	sum_up = 1;
	memset(summed, 0, sizeof(summed));
	memset(sum_added, 0, sizeof(sum_added));
	memset(sum_deleted, 0, sizeof(sum_deleted));
}

/* Callbacks run the latest first, and have the numbers in which they came. */
static void end_sum(void)
{
	sum_up = 0;
	for (int i = CALLBACKS - 1; i >= 0; i--)
		if (summed[i])
			note(" c%d:%zu+%zu-%zu", i, sum_orig[i], sum_added[i], sum_deleted[i]);
}

static void on_cleanup(const void *data, size_t n, void *arg)
{
	(void)n;
	cleanups[ncleanups++] = (int)(intptr_t)arg;
	free((void *)data);
}

static void on_segment_cleanup(const struct evbuffer_file_segment *s, int flags, void *arg)
{
	(void)s;
	(void)flags;
	cleanups[ncleanups++] = (int)(intptr_t)arg;
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* generate makes the n bytes that belong to a seed. */
static char *generate(unsigned seed, size_t n)
{
	static const char alphabet[16] = "ab\r\n\0cdefghijk\r\n";
	char *p = malloc(n + 1);
	uint32_t x = seed;
	for (size_t i = 0; i < n; i++) {
		x = x * 1103515245u + 12345u;
		p[i] = alphabet[(x >> 16) % 16];
	}
	p[n] = 0;
	return p;
}

static uint64_t hash(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return h;
}

#define HASH_START 14695981039346656037u

static uint64_t content_hash(struct evbuffer *b)
{
	uint64_t h = HASH_START;
	int n = evbuffer_peek(b, -1, NULL, NULL, 0);
	struct evbuffer_iovec *v = calloc(n + 1, sizeof(*v));
	n = evbuffer_peek(b, -1, NULL, v, n);
	for (int i = 0; i < n; i++)
		h = hash(h, v[i].iov_base, v[i].iov_len);
	free(v);
	return h;
}

static int first_callback(struct evbuffer *b)
{
	for (int i = 0; i < ncallbacks; i++)
		if (callbacks[i].live && callbacks[i].buffer == b)
			return i;
	return -1;
}

static void reset(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	for (int i = 0; i < BUFFERS; i++) {
		int c;
		while (buffers[i] && (c = first_callback(buffers[i])) >= 0) {
			evbuffer_remove_cb_entry(buffers[i], callbacks[c].entry);
			callbacks[c].live = 0;
		}
		if (buffers[i]) {
			evbuffer_unfreeze(buffers[i], 1);
			evbuffer_drain(buffers[i], evbuffer_get_length(buffers[i]));
			evbuffer_free(buffers[i]);
		}
		buffers[i] = evbuffer_new();
	}
	qsort(cleanups, ncleanups, sizeof(cleanups[0]), compare_ints);
	ncallbacks = 0;
	next_cleanup = 0;
}

static long reserve_and_commit(struct evbuffer *b, unsigned seed, long size, int nvec, long fill)
{
	struct evbuffer_iovec v[2];
	int n = evbuffer_reserve_space(b, size, v, nvec);
	if (n < 0)
		return -1;
	char *data = generate(seed, fill);
	long done = 0;
	for (int i = 0; i < n; i++) {
		size_t part = v[i].iov_len;
		if ((long)part > fill - done)
			part = fill - done;
		memcpy(v[i].iov_base, data + done, part);
		v[i].iov_len = part;
		done += part;
	}
	free(data);
	return evbuffer_commit_space(b, v, n);
}

static long peek(struct evbuffer *b, long n, long pos)
{
	struct evbuffer_ptr p;
	if (evbuffer_ptr_set(b, &p, pos, EVBUFFER_PTR_SET) < 0)
		return -1;
	int need = evbuffer_peek(b, n, &p, NULL, 0);
	struct evbuffer_iovec *v = calloc(need + 1, sizeof(*v));
	need = evbuffer_peek(b, n, &p, v, need);
	uint64_t h = HASH_START;
	long seen = 0;
	for (int i = 0; i < need && seen < n; i++) {
		size_t part = v[i].iov_len;
		if ((long)part > n - seen)
			part = n - seen;
		h = hash(h, v[i].iov_base, part);
		seen += part;
	}
	free(v);
	note(" #%016llx", (unsigned long long)h);
	return seen;
}

static long add_segment(struct evbuffer *b, long *a)
{
	struct evbuffer_file_segment *s;
	int id = next_cleanup++;
	s = evbuffer_file_segment_new(file, a[1], a[2], EVBUF_FS_DISABLE_SENDFILE | (unsigned)a[5]);
	if (!s)
		return -2;
	evbuffer_file_segment_add_cleanup_cb(s, on_segment_cleanup, (void *)(intptr_t)id);
	if (evbuffer_add_file_segment(b, s, a[3], a[4]) < 0)
		return -1; /* this has freed s */
	evbuffer_file_segment_free(s);
	return 0;
}

/* run carries out one operation and returns its result. */
static long run(const char *op, long *a)
{
	struct evbuffer *b = buffers[a[0] & (BUFFERS - 1)], *c = buffers[a[1] & (BUFFERS - 1)];
	struct evbuffer_ptr p, q;
	long r = 0;
	size_t n;
	char *data;

#define IS(name) (strcmp(op, name) == 0)
	if (IS("reset")) {
		reset();
	} else if (IS("add")) {
		data = generate(a[1], a[2]);
		r = evbuffer_add(b, data, a[2]);
		free(data);
	} else if (IS("prepend")) {
		data = generate(a[1], a[2]);
		r = evbuffer_prepend(b, data, a[2]);
		free(data);
	} else if (IS("addbuffer")) {
		r = evbuffer_add_buffer(b, c);
	} else if (IS("prependbuffer")) {
		r = evbuffer_prepend_buffer(b, c);
	} else if (IS("addbufferref")) {
		r = evbuffer_add_buffer_reference(b, c);
	} else if (IS("removebuffer")) {
		r = evbuffer_remove_buffer(b, c, a[2]);
	} else if (IS("drain")) {
		r = evbuffer_drain(b, a[1]);
	} else if (IS("remove") || IS("copyout") || IS("copyfrom")) {
		data = malloc(a[1] + 1);
		if (IS("remove")) {
			r = evbuffer_remove(b, data, a[1]);
		} else if (IS("copyout")) {
			r = evbuffer_copyout(b, data, a[1]);
		} else if (evbuffer_ptr_set(b, &p, a[2], EVBUFFER_PTR_SET) < 0) {
			r = -2;
		} else {
			r = evbuffer_copyout_from(b, &p, data, a[1]);
		}
		if (r > 0)
			note(" #%016llx", (unsigned long long)hash(HASH_START, data, r));
		free(data);
	} else if (IS("pullup")) {
		data = (char *)evbuffer_pullup(b, a[1]);
		r = data ? 1 : 0;
		n = a[1] < 0 ? evbuffer_get_length(b) : (size_t)a[1];
		if (data)
			note(" #%016llx", (unsigned long long)hash(HASH_START, data, n));
	} else if (IS("search")) {
		int set = a[3] < 0 ? 0 : evbuffer_ptr_set(b, &p, a[3], EVBUFFER_PTR_SET);
		data = generate(a[1], a[2]);
		if (set < 0) {
			r = -2;
		} else {
			p = evbuffer_search(b, data, a[2], a[3] < 0 ? NULL : &p);
			r = p.pos;
		}
		free(data);
	} else if (IS("searchrange")) {
		data = generate(a[1], a[2]);
		if (evbuffer_ptr_set(b, &p, a[3], EVBUFFER_PTR_SET) < 0 ||
		    evbuffer_ptr_set(b, &q, a[4], EVBUFFER_PTR_SET) < 0) {
			r = -2;
		} else {
			p = evbuffer_search_range(b, data, a[2], &p, &q);
			r = p.pos;
		}
		free(data);
	} else if (IS("searcheol")) {
		if (a[2] >= 0 && evbuffer_ptr_set(b, &p, a[2], EVBUFFER_PTR_SET) < 0) {
			r = -2;
		} else {
			p = evbuffer_search_eol(b, a[2] < 0 ? NULL : &p, &n, (enum evbuffer_eol_style)a[1]);
			r = p.pos;
			note(" eol %zu", n);
		}
	} else if (IS("readln")) {
		begin_sum();
		data = evbuffer_readln(b, &n, (enum evbuffer_eol_style)a[1]);
		end_sum();
		r = data ? (long)n : -1;
		if (data)
			note(" #%016llx", (unsigned long long)hash(HASH_START, data, n));
		free(data);
	} else if (IS("ptr")) {
		r = evbuffer_ptr_set(b, &p, a[1], EVBUFFER_PTR_SET);
		note(" %ld", (long)p.pos);
		if (r == 0) {
			r = evbuffer_ptr_set(b, &p, a[2], EVBUFFER_PTR_ADD);
			note(" %ld", (long)p.pos);
		}
	} else if (IS("peek")) {
		r = peek(b, a[1], a[2]);
	} else if (IS("reserve")) {
		r = reserve_and_commit(b, a[1], a[2], a[3], a[4]);
	} else if (IS("badcommit")) {
		char elsewhere[16];
		struct evbuffer_iovec v = { elsewhere, sizeof(elsewhere) };
		r = evbuffer_commit_space(b, &v, 1);
	} else if (IS("expand")) {
		r = evbuffer_expand(b, a[1]);
	} else if (IS("reference")) {
		data = generate(a[1], a[2]);
		r = evbuffer_add_reference(b, data, a[2], on_cleanup, (void *)(intptr_t)next_cleanup++);
		if (r < 0)
			free(data);
	} else if (IS("segment")) {
		r = add_segment(b, a);
	} else if (IS("iovec")) {
		struct evbuffer_iovec v[3];
		for (int i = 0; i < 3; i++) {
			v[i].iov_base = generate(a[1] + i, a[2 + i]);
			v[i].iov_len = a[2 + i];
		}
		begin_sum();
		r = evbuffer_add_iovec(b, v, 3);
		end_sum();
		for (int i = 0; i < 3; i++)
			free(v[i].iov_base);
	} else if (IS("printf")) {
		data = generate(a[1], a[2]);
		for (long i = 0; i < a[2]; i++)
			if (!data[i])
				data[i] = '0';
		r = evbuffer_add_printf(b, "%05ld <%s> %x", a[1], data, (unsigned)a[2]);
		free(data);
	} else if (IS("freeze")) {
		r = evbuffer_freeze(b, a[1]);
	} else if (IS("unfreeze")) {
		r = evbuffer_unfreeze(b, a[1]);
	} else if (IS("callback")) {
		struct callback *cb = &callbacks[ncallbacks];
		cb->id = ncallbacks++;
		cb->live = 1;
		cb->nodefer = a[1];
		cb->buffer = b;
		memset(&cb->last, 0, sizeof(cb->last));
		cb->entry = evbuffer_add_cb(b, on_change, cb);
		if (a[1])
			evbuffer_cb_set_flags(b, cb->entry, 2); /* EVBUFFER_CB_NODEFER */
	} else if (IS("removecallback")) {
		struct callback *cb = &callbacks[a[0]];
		r = evbuffer_remove_cb_entry(cb->buffer, cb->entry);
		cb->live = 0;
	} else if (IS("enable") || IS("disable")) {
		struct callback *cb = &callbacks[a[0]];
		r = IS("enable") ? evbuffer_cb_set_flags(cb->buffer, cb->entry, EVBUFFER_CB_ENABLED)
				 : evbuffer_cb_clear_flags(cb->buffer, cb->entry, EVBUFFER_CB_ENABLED);
	} else if (IS("defer")) {
		r = evbuffer_defer_callbacks(b, base);
	} else if (IS("loop")) {
		forget_last();
		event_base_loop(base, EVLOOP_NONBLOCK);
	} else if (IS("transfer")) {
		/* What is written is read into another buffer at once, or lost. */
		char lost[4096];
		r = evbuffer_write_atmost(b, pair[0], a[2]);
		if (r > 0)
			note(" read %d", evbuffer_read(c, pair[1], (int)a[2]));
		while (recv(pair[1], lost, sizeof(lost), MSG_DONTWAIT) > 0)
			;
	} else {
		fprintf(stderr, "unknown operation %s\n", op);
		exit(2);
	}
	return r;
}

int main(int argc, char **argv)
{
	char line[256], op[32];
	long number = 0;

	if (argc != 2 || (file = open(argv[1], O_RDONLY)) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || !(base = event_base_new())) {
		perror("oracle");
		return 2;
	}
	reset();
	while (fgets(line, sizeof(line), stdin)) {
		long a[6] = { 0 };
		sscanf(line, "%31s %ld %ld %ld %ld %ld %ld", op, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]);
		log_len = 0;
		log_text[0] = 0;
		ncleanups = 0;
		long r = run(op, a);
		line[strcspn(line, "\n")] = 0;
		printf("%ld %s = %ld%s", ++number, line, r, log_text);
		for (int i = 0; i < ncleanups; i++)
			printf(" cleanup %d", cleanups[i]);
		for (int i = 0; i < BUFFERS; i++)
			printf(" | %zu %016llx", evbuffer_get_length(buffers[i]),
			    (unsigned long long)content_hash(buffers[i]));
		printf("\n");
	}
	return 0;
}
