package bufferevent

import (
	"slices"
	"sync"

	"github.com/go-libevent/libevent/core/event"
)

// DefaultMinShare is the share of a group's limit that its members get at least,
// in bytes, if nothing else was set.
const DefaultMinShare = 64

// A RateLimitGroup limits how fast all of its members together read and write
// (struct bufferevent_rate_limit_group).
//
// What the group may still move in this tick is divided evenly, but no member
// gets less than the minimum share, if there is anything: when many share
// little, few of them move a reasonable amount rather than all a byte. When
// nothing is left, those that want to move something wait, and go on in the
// next tick, first come, first served. So a tick moves no more than the burst, but for
// what a minimum share exceeds what was left, which the ticks after it make up for.
//
// Its methods may be called from any goroutine, and so may its members belong to
// several bases, if they are ThreadSafe and so are their bases.
type RateLimitGroup struct {
	base   *event.Base
	refill event.Event

	// mu is taken with the lock of a member held, and never the other way
	// round.
	mu       sync.Mutex
	buckets  buckets
	members  int
	waiting  [2][]*Bufferevent // those whose reading and writing the group has paused
	minShare int               // as it was set
	freed    bool

	totalRead, totalWritten uint64
}

// NewRateLimitGroup makes a group whose time is that of base. Free it when it
// has no members any more. The error is event.ErrNil if something is nil
// (bufferevent_rate_limit_group_new).
func NewRateLimitGroup(base *event.Base, cfg *TokenBucketConfig) (*RateLimitGroup, error) {
	const op = "new rate limit group"
	if base == nil || cfg == nil {
		return nil, opError(op, event.ErrNil)
	}
	g := &RateLimitGroup{base: base, minShare: DefaultMinShare}
	g.refill.Data = g
	if err := g.refill.Assign(base, -1, event.Finalize, onGroupRefill); err != nil {
		return nil, opError(op, err)
	}
	g.buckets.start(cfg, base.Elapsed())
	return g, nil
}

// Free ends the group. The error is ErrGroup if it has members
// (bufferevent_rate_limit_group_free).
func (g *RateLimitGroup) Free() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members > 0 || g.freed {
		return opError("free rate limit group", ErrGroup)
	}
	g.freed = true
	g.refill.Free()
	return nil
}

// SetConfig changes the limit. What was left of the old one stays, as far as the
// new burst allows (bufferevent_rate_limit_group_set_cfg).
func (g *RateLimitGroup) SetConfig(cfg *TokenBucketConfig) error {
	if cfg == nil {
		return opError("set rate limit group config", event.ErrNil)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.base.Elapsed()
	g.buckets.fill(now)
	g.buckets.change(cfg, now)
	g.wakeSoon()
	return nil
}

// SetMinShare sets the minimum share in bytes; it counts as no more than one
// tick allows. The error is ErrRange for negative numbers
// (bufferevent_rate_limit_group_set_min_share).
func (g *RateLimitGroup) SetMinShare(n int) error {
	if n < 0 {
		return opError("set min share", ErrRange)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.minShare = n
	return nil
}

// share returns how much of its limit the group gives to a member now. It
// returns false if that is nothing; the member is to rest until it is told.
func (g *RateLimitGroup) share(b *Bufferevent, what event.What) (int, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fill(what)
	tokens := g.buckets.tokens(what)
	if tokens <= 0 {
		g.await(b, what)
		return 0, false
	}
	return max(tokens/g.members, g.leastShare()), true
}

// fill adds what new ticks have brought for a direction, unless some wait for that
// already: they are woken by the loop and have it first, in their order. So a bucket
// that a member waits for is empty, and none is filled twice in a tick.
func (g *RateLimitGroup) fill(what event.What) {
	if len(g.waiting[direction(what)]) == 0 {
		g.buckets.fillFor(what, g.base.Elapsed())
	}
}

// leastShare returns the minimum share, which is a byte at least.
func (g *RateLimitGroup) leastShare() int {
	return max(1, min(g.minShare, g.buckets.cfg.read.rate, g.buckets.cfg.write.rate))
}

// await notes that a member has to be told when there are tokens again.
func (g *RateLimitGroup) await(b *Bufferevent, what event.What) {
	if l := b.rare.limit; l.waiting&what == 0 {
		l.waiting |= what
		list := &g.waiting[direction(what)]
		*list = append(*list, b)
	}
	g.schedule()
}

// schedule has the loop come back when a bucket that a member waits for has enough
// for a member.
func (g *RateLimitGroup) schedule() {
	wait, now := maxWait, g.base.Elapsed()
	for _, what := range []event.What{event.Read, event.Write} {
		if len(g.waiting[direction(what)]) > 0 {
			wait = min(wait, g.buckets.untilAbove(what, g.leastShare()-1, now))
		}
	}
	g.refill.AddTimeout(wait)
}

// wakeSoon has the loop let all go on that wait: the caller that has changed what the group
// may move can be a callback, and those of the members must not run within that.
func (g *RateLimitGroup) wakeSoon() {
	if len(g.waiting[0])+len(g.waiting[1]) > 0 {
		g.refill.AddTimeout(0)
	}
}

// onGroupRefill is the callback of the refill event.
func onGroupRefill(ev *event.Event, _ event.What) {
	g := ev.Data.(*RateLimitGroup)
	g.mu.Lock()
	g.buckets.fill(g.base.Elapsed())
	g.unlockAndWake()
}

// unlockAndWake releases the lock, and lets all go on that wait.
func (g *RateLimitGroup) unlockAndWake() {
	readers, writers := g.wake(event.Read), g.wake(event.Write)
	g.mu.Unlock()
	resumeAll(readers, event.Read)
	resumeAll(writers, event.Write)
}

// wake returns the members that wait for a direction. Those that find too little wait
// again, before those that have had their share.
func (g *RateLimitGroup) wake(what event.What) []*Bufferevent {
	list := &g.waiting[direction(what)]
	woken := *list
	*list = nil
	for _, b := range woken {
		b.rare.limit.waiting &^= what
	}
	return woken
}

// resumeAll lets bufferevents go on with a direction. It takes their locks one by one,
// and so must be called without that of the group.
func resumeAll(list []*Bufferevent, what event.What) {
	for _, b := range list {
		if b.begin() {
			b.liftGroupLimit(what)
			b.end()
		}
	}
}

// liftGroupLimit lets a direction go on if it has waited for the group.
func (b *Bufferevent) liftGroupLimit(what event.What) {
	s := &b.suspended[direction(what)]
	if *s&suspendGroup == 0 {
		return
	}
	*s &^= suspendGroup
	if b.wants(what) {
		b.resumed(what, b.transport.(Limiter).LimitLifted(what))
	}
}

// count takes what was moved from the buckets.
func (g *RateLimitGroup) count(what event.What, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buckets.take(what, n)
	if what == event.Read {
		g.totalRead += uint64(n)
	} else {
		g.totalWritten += uint64(n)
	}
}

// remove takes a member out, which is not told anything any more.
func (g *RateLimitGroup) remove(b *Bufferevent) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members--
	b.rare.limit.waiting = 0
	for i := range g.waiting {
		g.waiting[i] = slices.DeleteFunc(g.waiting[i], func(w *Bufferevent) bool { return w == b })
	}
}

// AddToRateLimitGroup makes the bufferevent a member of g, and of no other
// group; or rather the socket that it stands on, as SetRateLimit limits that. A limit
// of its own remains in force beside that. The error is event.ErrNil or ErrGroup, or wraps
// errors.ErrUnsupported where SetRateLimit's does (bufferevent_add_to_rate_limit_group).
func (b *Bufferevent) AddToRateLimitGroup(g *RateLimitGroup) error {
	const op = "add to rate limit group"
	if g == nil {
		return opError(op, event.ErrNil)
	}
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	l, err := at.ensureLimiter()
	if err != nil {
		return opError(op, err)
	}
	if l.group == g {
		return nil
	}
	if !g.admit() {
		return opError(op, ErrGroup)
	}
	at.leaveGroup(l)
	l.group = g
	return nil
}

// admit counts another member, unless the group was freed.
func (g *RateLimitGroup) admit() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.freed {
		return false
	}
	g.members++
	return true
}

// RemoveFromRateLimitGroup ends the membership of what AddToRateLimitGroup has made
// a member, if it is one. The error wraps errors.ErrUnsupported where that cannot be
// (bufferevent_remove_from_rate_limit_group).
func (b *Bufferevent) RemoveFromRateLimitGroup() error {
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return opError("remove from rate limit group", err)
	}
	defer at.end()
	if l := at.limiter(); l != nil {
		at.leaveGroup(l)
	}
	return nil
}

func (b *Bufferevent) leaveGroup(l *limiter) {
	if l.group == nil {
		return
	}
	l.group.remove(b)
	l.group = nil
	b.resume(event.Read, suspendGroup)
	b.resume(event.Write, suspendGroup)
}

// ReadLimit returns how many bytes the group may still read in this tick; it can
// be negative (bufferevent_rate_limit_group_get_read_limit).
func (g *RateLimitGroup) ReadLimit() int { return g.limitOf(event.Read) }

// WriteLimit is ReadLimit for writing
// (bufferevent_rate_limit_group_get_write_limit).
func (g *RateLimitGroup) WriteLimit() int { return g.limitOf(event.Write) }

func (g *RateLimitGroup) limitOf(what event.What) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := g.buckets // what has come is not taken before those have it that wait
	k.fill(g.base.Elapsed())
	return k.tokens(what)
}

// DecrementRead takes n bytes from what the group may read, or with a negative n
// gives some (bufferevent_rate_limit_group_decrement_read).
func (g *RateLimitGroup) DecrementRead(n int) { g.decrement(event.Read, n) }

// DecrementWrite is DecrementRead for writing
// (bufferevent_rate_limit_group_decrement_write).
func (g *RateLimitGroup) DecrementWrite(n int) { g.decrement(event.Write, n) }

func (g *RateLimitGroup) decrement(what event.What, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fill(what) // what is given now is there until the next tick
	g.buckets.take(what, n)
	if g.buckets.tokens(what) > 0 {
		g.wakeSoon()
	}
}

// Totals returns how many bytes the members have read and written since the group
// was made, or since ResetTotals (bufferevent_rate_limit_group_get_totals).
func (g *RateLimitGroup) Totals() (read, written uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.totalRead, g.totalWritten
}

// ResetTotals sets both numbers to zero
// (bufferevent_rate_limit_group_reset_totals).
func (g *RateLimitGroup) ResetTotals() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.totalRead, g.totalWritten = 0, 0
}
