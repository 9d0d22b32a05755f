/*
 * Performs the script that it reads from standard input, one operation a line,
 * with libevent's bufferevents: pairs, filters and sockets. It prints what each
 * operation has made happen: the callbacks and filters that ran, in order, with
 * the lengths of input and output at that time, and then the state of every
 * bufferevent. oracle_test.go does the same with this package and compares; it
 * also says which operations are skipped, here as there, and why.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <event2/util.h>

enum { SLOTS = 12, ARGS = 5, MOST = 5000, SOCKET_TURNS = 6 };
enum kind { PAIR, FILTER, SOCKET };
enum callback { ON_READ, ON_WRITE, ON_EVENT, CALLBACKS };

struct operation {
	int forced; /* even if it is not allowed */
	char name[16];
	long a[ARGS];
};

/* A slot holds a bufferevent, and what its callbacks are to do. */
struct slot {
	int number, alive;
	enum kind kind;
	struct bufferevent *bev;
	struct slot *partner, *below, *above; /* or null */
	int options;
	int writing; /* its write callback runs, called by whoever writes */
	int in, out; /* kinds of filters */
	struct operation on[CALLBACKS];
	int left[CALLBACKS]; /* how often the operation is still to be done */
};

static struct event_base *base;
static struct slot slots[SLOTS];
static int freed; /* filters whose context was freed */

static int depth; /* callbacks that are running */

static void perform(const struct operation *op);

/* What one operation has made happen. */
static char notes[1 << 18];
static size_t notes_len;

static void note(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	notes_len += vsnprintf(notes + notes_len, sizeof(notes) - notes_len, format, ap);
	va_end(ap);
}

static size_t input(struct slot *s) { return evbuffer_get_length(bufferevent_get_input(s->bev)); }
static size_t output(struct slot *s) { return evbuffer_get_length(bufferevent_get_output(s->bev)); }

static size_t high_mark(struct slot *s)
{
	size_t high;
	bufferevent_getwatermark(s->bev, EV_READ, NULL, &high);
	return high;
}

static struct slot *bottom(struct slot *s)
{
	while (s->below)
		s = s->below;
	return s;
}

static struct slot *top(struct slot *s)
{
	while (s->above)
		s = s->above;
	return s;
}

/* Filters */

static void move(struct evbuffer *src, struct evbuffer *dst, size_t n, int step, int copies, int mask)
{
	unsigned char p[MOST * 4], q[MOST * 12];
	size_t k = 0;
	evbuffer_remove(src, p, n);
	for (size_t i = 0; i < n; i += step)
		for (int c = 0; c < copies; c++)
			q[k++] = p[i] ^ mask;
	evbuffer_add(dst, q, k);
}

static enum bufferevent_filter_result filter(int kind, struct evbuffer *src, struct evbuffer *dst,
    ev_ssize_t limit, enum bufferevent_flush_mode mode)
{
	long n = evbuffer_get_length(src);
	switch (kind) {
	case 1: /* xor */
		if (limit >= 0 && n > limit)
			n = limit;
		if (n == 0)
			return BEV_NEED_MORE;
		move(src, dst, n, 1, 1, 0x55);
		return BEV_OK;
	case 2: /* blocks of five bytes, fewer at a flush */
		if (mode == BEV_NORMAL)
			n -= n % 5;
		if (limit >= 0 && n > limit)
			n = limit < 5 ? 5 : limit - limit % 5;
		if (n == 0)
			return BEV_NEED_MORE;
		move(src, dst, n, 1, 1, 0);
		return BEV_OK;
	case 3: /* three for one */
		if (limit >= 0 && n * 3 > limit)
			n = limit < 3 ? 1 : limit / 3;
		if (n == 0)
			return BEV_NEED_MORE;
		move(src, dst, n, 1, 3, 0);
		return BEV_OK;
	case 4: /* nothing for all */
		if (n == 0)
			return BEV_NEED_MORE;
		evbuffer_drain(src, n);
		return BEV_OK;
	case 5: /* one for two */
		n /= 2;
		if (limit >= 0 && n > limit)
			n = limit;
		if (n == 0)
			return BEV_NEED_MORE;
		move(src, dst, 2 * n, 2, 1, 0);
		return BEV_OK;
	default: /* a byte at a time */
		if (n == 0)
			return BEV_NEED_MORE;
		move(src, dst, 1, 1, 1, 0);
		return BEV_OK;
	}
}

static void note_filter(struct slot *s, char way, struct evbuffer *src, ev_ssize_t limit, int mode)
{
	size_t n = evbuffer_get_length(src);
	if (n > 0)
		note(" %d%c%zu/%ld/%d", s->number, way, n, (long)limit, mode);
}

static enum bufferevent_filter_result filter_in(struct evbuffer *src, struct evbuffer *dst,
    ev_ssize_t limit, enum bufferevent_flush_mode mode, void *arg)
{
	struct slot *s = arg;
	note_filter(s, 'i', src, limit, mode);
	return filter(s->in, src, dst, limit, mode);
}

static enum bufferevent_filter_result filter_out(struct evbuffer *src, struct evbuffer *dst,
    ev_ssize_t limit, enum bufferevent_flush_mode mode, void *arg)
{
	struct slot *s = arg;
	note_filter(s, 'o', src, limit, mode);
	return filter(s->out, src, dst, limit, mode);
}

static void on_freed(void *arg)
{
	(void)arg;
	freed++;
}

/* Callbacks */

static void run_program(struct slot *s, enum callback which)
{
	if (s->left[which] == 0)
		return;
	s->left[which]--;
	depth++;
	perform(&s->on[which]);
	depth--;
}

static void on_read(struct bufferevent *b, void *arg)
{
	struct slot *s = arg;
	(void)b;
	size_t before = input(s);
	note(" %dr:%zu/%zu", s->number, before, output(s));
	run_program(s, ON_READ);
	if (!s->alive || s->above)
		return;
	size_t n = input(s), high = high_mark(s);
	if (high > 0 && n >= high && n >= before)
		evbuffer_drain(bufferevent_get_input(s->bev), n - before + 1);
}

static void on_write(struct bufferevent *b, void *arg)
{
	struct slot *s = arg;
	(void)b;
	note(" %dw:%zu/%zu", s->number, input(s), output(s));
	s->writing++;
	run_program(s, ON_WRITE);
	s->writing--;
}

static void on_event(struct bufferevent *b, short what, void *arg)
{
	struct slot *s = arg;
	(void)b;
	note(" %de%x:%zu/%zu", s->number, (unsigned)what, input(s), output(s));
	run_program(s, ON_EVENT);
}

/* Operations */

static void set_callbacks(struct slot *s)
{
	bufferevent_setcb(s->bev, on_read, on_write, on_event, s);
}

static struct slot *occupy(long number, enum kind kind, struct bufferevent *bev)
{
	struct slot *s = &slots[number];
	memset(s, 0, sizeof(*s));
	s->number = number;
	s->alive = 1;
	s->kind = kind;
	s->bev = bev;
	set_callbacks(s);
	return s;
}

static void make_pair(const long *a)
{
	struct bufferevent *b[2];
	bufferevent_pair_new(base, 0, b);
	struct slot *s = occupy(a[0], PAIR, b[0]), *p = occupy(a[1], PAIR, b[1]);
	s->partner = p;
	p->partner = s;
	s->options = p->options = BEV_OPT_DEFER_CALLBACKS;
}

static void make_sockets(const long *a)
{
	evutil_socket_t fd[2];
	evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	for (int i = 0; i < 2; i++) {
		evutil_make_socket_nonblocking(fd[i]);
		occupy(a[i], SOCKET, bufferevent_socket_new(base, fd[i], a[2] | BEV_OPT_CLOSE_ON_FREE));
		slots[a[i]].options = a[2];
	}
}

static void make_filter(const long *a)
{
	struct slot *s = &slots[a[0]], *under = &slots[a[1]];
	struct bufferevent *bev = bufferevent_filter_new(under->bev, a[2] ? filter_in : NULL,
	    a[3] ? filter_out : NULL, a[4], on_freed, s);
	occupy(a[0], FILTER, bev);
	s->in = a[2];
	s->out = a[3];
	s->options = a[4];
	s->below = under;
	under->above = s;
}

static void write_bytes(struct slot *s, long seed, long n)
{
	unsigned char p[MOST];
	for (long i = 0; i < n; i++)
		p[i] = (unsigned char)(seed + i * 7);
	bufferevent_write(s->bev, p, n);
}

static void run_loop(void)
{
	for (int i = 0; i < SOCKET_TURNS; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* free_slot frees a bufferevent and all that it takes with it. One that may
 * have callbacks pending is made to stand still first: libevent lets it live on
 * until they have run. */
static void free_slot(struct slot *s, int still)
{
	struct bufferevent *bev = s->bev;
	for (int more = 1; more && s;) {
		if (still)
			bufferevent_disable(s->bev, EV_READ | EV_WRITE);
		s->alive = 0;
		if (s->partner)
			s->partner->partner = NULL;
		s->partner = NULL;
		more = s->kind == FILTER && s->options & BEV_OPT_CLOSE_ON_FREE;
		struct slot *below = s->below;
		if (below)
			below->above = NULL;
		s->below = NULL;
		s = below;
	}
	bufferevent_free(bev);
	if (!still)
		run_loop(); /* what is below goes only now */
	if (s)
		set_callbacks(s);
}

static void reset(void)
{
	run_loop();
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].alive && slots[i].above)
			evbuffer_drain(bufferevent_get_input(slots[i].bev), MOST * MOST);
	for (int again = 1; again;) {
		again = 0;
		for (int i = 0; i < SLOTS; i++)
			if (slots[i].alive && !slots[i].above) {
				free_slot(&slots[i], 0);
				again = 1;
			}
	}
	notes_len = 0;
	note(" freed %d", freed);
	freed = 0;
}

static int orphan(struct slot *s)
{
	struct slot *b = bottom(s);
	return b->kind == PAIR && !b->partner;
}

static int filter_has_mark(struct slot *s)
{
	return s->kind == FILTER && high_mark(s) > 0;
}

/* Whether something waits below the filters of a stack. */
static int keeps_waiting(struct slot *s)
{
	for (; s->below; s = s->below)
		if (input(s->below) > 0)
			return 1;
	return 0;
}

static int allowed(const char *op, const long *a)
{
	struct slot *s = &slots[a[0]], *t;
#define IS(name) (strcmp(op, name) == 0)
	if (IS("loop") || IS("reset"))
		return depth == 0;
	if (IS("pair") || IS("sockets"))
		return depth == 0 && !s->alive && !slots[a[1]].alive;
	if (IS("filter")) {
		t = &slots[a[1]];
		return depth == 0 && !s->alive && t->alive && !t->above &&
		    (t->kind != FILTER || t->options & BEV_OPT_DEFER_CALLBACKS) &&
		    input(t) == 0 && high_mark(t) == 0 && output(t) == 0 &&
		    (!bottom(t)->partner || output(bottom(t)->partner) == 0);
	}
	if (!s->alive)
		return 0;
	if (IS("write"))
		return output(s) + a[2] <= MOST && !(s->kind == PAIR && orphan(s)) &&
		    !(s->writing && s->kind == FILTER && !(s->options & BEV_OPT_DEFER_CALLBACKS));
	if (IS("drain"))
		return !s->above;
	if (IS("watermark")) {
		if (!(a[1] & EV_READ) || a[3] == 0)
			return s->kind != FILTER || input(s->below) == 0;
		if (s->above)
			return 0;
		return s->kind != FILTER || (depth == 0 && s->options & BEV_OPT_DEFER_CALLBACKS && input(s->below) == 0);
	}
	if (IS("enable")) {
		if (orphan(s) || (s->kind == FILTER && a[1] & EV_WRITE && output(s) > 0))
			return 0;
		return !(a[1] & EV_READ) || !keeps_waiting(s);
	}
	if (IS("flush")) {
		struct slot *b = bottom(s);
		if (orphan(s) || s->writing)
			return 0;
		if (a[1] & EV_READ && keeps_waiting(s))
			return 0;
		if (b->partner && (filter_has_mark(top(b)) || filter_has_mark(top(b->partner))))
			return 0;
		return !(b->partner && b->partner->above && a[1] & EV_WRITE && a[2] == BEV_FINISHED);
	}
	if (IS("event"))
		return !s->above || a[1] == BEV_EVENT_CONNECTED || a[1] == BEV_EVENT_TIMEOUT;
	if (IS("free")) {
		if (s->above)
			return 0;
		for (t = s; t->kind == FILTER; t = t->below)
			if (!(t->options & BEV_OPT_CLOSE_ON_FREE) && (depth > 0 || keeps_waiting(t->below)))
				return 0;
		return 1;
	}
	return 1;
}

static void perform(const struct operation *o)
{
	const char *op = o->name;
	const long *a = o->a;
	struct slot *s = &slots[a[0]];
	if (depth == 0 && (IS("filter") || IS("free")))
		run_loop(); /* no callback is pending then */
	if (!o->forced && !allowed(op, a)) {
		note(" -");
		return;
	}
	if (IS("reset")) {
		reset();
	} else if (IS("loop")) {
		run_loop();
	} else if (IS("pair")) {
		make_pair(a);
	} else if (IS("sockets")) {
		make_sockets(a);
	} else if (IS("filter")) {
		make_filter(a);
	} else if (IS("write")) {
		write_bytes(s, a[1], a[2]);
	} else if (IS("drain")) {
		evbuffer_drain(bufferevent_get_input(s->bev), a[1]);
	} else if (IS("watermark")) {
		bufferevent_setwatermark(s->bev, a[1], a[2], a[3]);
	} else if (IS("enable")) {
		bufferevent_enable(s->bev, a[1]);
	} else if (IS("disable")) {
		bufferevent_disable(s->bev, a[1]);
	} else if (IS("flush")) {
		bufferevent_flush(s->bev, a[1], a[2]);
	} else if (IS("trigger")) {
		int options = (a[2] & 1 ? BEV_TRIG_DEFER_CALLBACKS : 0) | (a[2] & 2 ? BEV_TRIG_IGNORE_WATERMARKS : 0);
		bufferevent_trigger(s->bev, a[1], options);
	} else if (IS("event")) {
		bufferevent_trigger_event(s->bev, a[1], a[2] ? BEV_TRIG_DEFER_CALLBACKS : 0);
	} else if (IS("free")) {
		free_slot(s, depth > 0);
	} else if (IS("timeouts")) {
		struct timeval r = {a[1], 0}, w = {a[2], 0};
		bufferevent_set_timeouts(s->bev, a[1] ? &r : NULL, a[2] ? &w : NULL);
	} else if (IS("maxwrite")) {
		bufferevent_set_max_single_write(s->bev, a[1]);
	} else if (IS("shutdown")) {
		shutdown(bufferevent_getfd(s->bev), SHUT_WR);
	} else {
		note(" unknown");
	}
}

/* on S CALLBACK TIMES OPERATION... has a callback perform an operation. */
static void program(const char *line)
{
	int number, which, times;
	struct operation o;
	memset(&o, 0, sizeof(o));
	sscanf(line, "on %d %d %d %15s %ld %ld %ld %ld %ld", &number, &which, &times, o.name,
	    &o.a[0], &o.a[1], &o.a[2], &o.a[3], &o.a[4]);
	slots[number].on[which] = o;
	slots[number].left[which] = times;
}

static uint64_t hash(struct evbuffer *b)
{
	uint64_t h = 14695981039346656037u;
	size_t n = evbuffer_get_length(b);
	unsigned char *p = evbuffer_pullup(b, -1);
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

static void note_state(struct slot *s)
{
	note(" | %d %zu/%zu %x", s->number, input(s), output(s), (unsigned)bufferevent_get_enabled(s->bev));
	if (input(s) > 0)
		note(" %016llx", (unsigned long long)hash(bufferevent_get_input(s->bev)));
	if (s->bev->timeout_read.tv_sec || s->bev->timeout_write.tv_sec)
		note(" timers %d%d", event_pending(&s->bev->ev_read, EV_TIMEOUT, NULL) != 0,
		    event_pending(&s->bev->ev_write, EV_TIMEOUT, NULL) != 0);
}

static void quiet(int severity, const char *message)
{
	(void)severity;
	(void)message;
}

int main(void)
{
	char line[256];
	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	event_set_log_callback(quiet);
	base = event_base_new();
	setvbuf(stdout, NULL, _IOLBF, 1 << 16);
	for (int n = 1; fgets(line, sizeof(line), stdin); n++) {
		struct operation o;
		memset(&o, 0, sizeof(o));
		line[strcspn(line, "\n")] = 0;
		notes_len = 0;
		notes[0] = 0;
		o.forced = line[0] == '!';
		sscanf(line + o.forced, "%15s %ld %ld %ld %ld %ld", o.name, &o.a[0], &o.a[1], &o.a[2], &o.a[3], &o.a[4]);
		if (strcmp(o.name, "on") == 0)
			program(line);
		else
			perform(&o);
		note(" ;");
		for (int i = 0; i < SLOTS; i++)
			if (slots[i].alive)
				note_state(&slots[i]);
		printf("%d %s:%s\n", n, line, notes);
	}
	return 0;
}
