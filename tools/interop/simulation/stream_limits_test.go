package simulation_test

import (
	"errors"
	"math"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A streamLimit is a rate limit with what it has let pass.
type streamLimit struct {
	cfg         *bufferevent.TokenBucketConfig
	read, write allowance
}

// An allowance is how much may have moved in one direction.
type allowance struct {
	rate, burst int
	tick        time.Duration
	tokens      int // that there can be at most
	at          int64
	moved       int64
}

// begin starts to count with as many tokens as there may be.
func (a *allowance) begin(tokens int, now time.Duration, moved int64) {
	a.tokens, a.at, a.moved = tokens, a.tickAt(now), moved
}

func (a *allowance) tickAt(now time.Duration) int64 {
	n := int64(now / a.tick)
	if now%a.tick < 0 {
		n--
	}
	return n
}

// spend counts what has moved, and reports whether that was allowed.
func (a *allowance) spend(now time.Duration, moved int64, over int) bool {
	at := a.tickAt(now)
	a.tokens += int(min(at-a.at, 1<<20))*a.rate - int(moved-a.moved)
	allowed := a.tokens >= -over
	if at > a.at { // what was given by hand may be more until then
		a.tokens = min(a.tokens, a.burst)
	}
	a.at, a.moved = at, moved
	return allowed
}

func newAllowance(rate, burst int, tick time.Duration) allowance {
	return allowance{rate: rate, burst: burst, tick: tick}
}

// check compares what has moved with the limit.
func (l *streamLimit) check(e *streamEnd) {
	now := e.base.Elapsed()
	read, written := e.passed()
	if !l.read.spend(now, read, 0) {
		e.errorf("%d bytes more were read than the limit allows", -l.read.tokens)
	}
	if !l.write.spend(now, written, 0) {
		e.errorf("%d bytes more were written than the limit allows", -l.write.tokens)
	}
}

// newTokenBucketConfig draws a limit under which a few kilobytes take some seconds.
func (e *streamEnd) newTokenBucketConfig() *bufferevent.TokenBucketConfig {
	rate := func() (int, int) {
		r := 1 + e.rand.IntN(1<<(4+e.rand.IntN(10)))
		return r, r + e.rand.IntN(2*r)
	}
	readRate, readBurst := rate()
	writeRate, writeBurst := rate()
	tick := time.Duration(1+e.rand.IntN(500)) * time.Millisecond
	cfg, err := bufferevent.NewTokenBucketConfig(readRate, readBurst, writeRate, writeBurst, tick)
	if err != nil {
		e.errorf("new token bucket config: %v", err)
	}
	return cfg
}

func (e *streamEnd) anyLimit() {
	switch {
	case e.rand.IntN(3) > 0:
		e.setLimit(e.newTokenBucketConfig())
	case e.limit != nil && e.rand.IntN(2) == 0:
		e.grant()
	default:
		e.setLimit(nil)
	}
}

func (e *streamEnd) setLimit(cfg *bufferevent.TokenBucketConfig) {
	if e.limit != nil {
		e.limit.check(e)
	}
	err := e.b.SetRateLimit(cfg)
	if (err != nil) != (e.kind == kindPair) {
		e.errorf("set rate limit: %v", err)
	}
	if err != nil {
		return
	}
	if e.b.TokenBucketConfig() != cfg {
		e.errorf("another rate limit than was set")
	}
	e.touchedAt = time.Now()
	if cfg == nil {
		e.limit = nil
		return
	}
	e.note("limit %+v", *cfg)
	e.limited = true
	fresh := e.limit == nil
	rr, rb := cfg.ReadRate()
	wr, wb := cfg.WriteRate()
	l := &streamLimit{cfg: cfg, read: newAllowance(rr, rb, cfg.Tick()), write: newAllowance(wr, wb, cfg.Tick())}
	read, write := rb, wb
	if fresh {
		read, write = rr, wr
	}
	moved, written := e.passed()
	l.read.begin(read, e.base.Elapsed(), moved)
	l.write.begin(write, e.base.Elapsed(), written)
	e.limit = l
}

// grant gives some tokens by hand, or takes some.
func (e *streamEnd) grant() {
	n := e.rand.IntN(2000) - 1000
	e.note("grant %d", n)
	if err := errors.Join(e.b.DecrementReadLimit(-n), e.b.DecrementWriteLimit(-n)); err != nil {
		e.errorf("decrement limits: %v", err)
	}
	e.limit.check(e)
	e.limit.read.tokens += max(n, 0)
	e.limit.write.tokens += max(n, 0)
}

// lookAtLimits compares what the limits say of themselves with what they are.
func (e *streamEnd) lookAtLimits() {
	read, write := e.b.ReadLimit(), e.b.WriteLimit()
	if e.limit == nil && (read != math.MaxInt || write != math.MaxInt) {
		e.errorf("without a limit %d bytes may be read and %d written", read, write)
	}
	if e.limit != nil {
		e.limit.check(e)
		if read > e.limit.read.tokens || write > e.limit.write.tokens {
			e.errorf("%d bytes may be read and %d written, the limit allows %d and %d", read, write, e.limit.read.tokens, e.limit.write.tokens)
		}
	}
	if n, most := e.b.MaxToRead(), min(e.b.MaxSingleRead(), max(read, 0)); n < 0 || n > most {
		e.errorf("%d bytes would be read, of %d", n, most)
	}
	if n, most := e.b.MaxToWrite(), min(e.b.MaxSingleWrite(), max(write, 0)); n < 0 || n > most {
		e.errorf("%d bytes would be written, of %d", n, most)
	}
}

// A streamGroup is a group of limits of a base with what its members have moved.
type streamGroup struct {
	scenario    *streamScenario
	base        *event.Base
	group       *bufferevent.RateLimitGroup
	members     []*groupMember
	read, write allowance
	wasRead     int64 // by those that have left
	wasWritten  int64

	forgotRead, forgotWritten int64 // by the totals, which began anew
	minShare                  int   // that was set
	share                     int   // the largest that a member has got at least, if there was a byte
}

// A groupMember is what a member had moved when it joined.
type groupMember struct {
	end           *streamEnd
	read, written int64
}

// newGroup makes a group for a base.
func (s *streamScenario) newGroup(e *streamEnd) *streamGroup {
	cfg := e.newTokenBucketConfig()
	group, err := bufferevent.NewRateLimitGroup(e.base, cfg)
	if err != nil {
		e.errorf("new rate limit group: %v", err)
		return nil
	}
	g := &streamGroup{scenario: s, base: e.base, group: group, minShare: bufferevent.DefaultMinShare}
	rr, rb := cfg.ReadRate()
	wr, wb := cfg.WriteRate()
	g.read, g.write = newAllowance(rr, rb, cfg.Tick()), newAllowance(wr, wb, cfg.Tick())
	g.read.begin(rr, e.base.Elapsed(), 0)
	g.write.begin(wr, e.base.Elapsed(), 0)
	if e.rand.IntN(2) == 0 {
		g.minShare = 1 + e.rand.IntN(500)
		if err := group.SetMinShare(g.minShare); err != nil {
			e.errorf("set min share: %v", err)
		}
	}
	g.share = min(g.minShare, rr, wr)
	s.groups = append(s.groups, g)
	return g
}

// joinGroup makes the end a member of a group of its base.
func (e *streamEnd) joinGroup() {
	if e.kind == kindPair {
		return
	}
	var g *streamGroup
	for _, other := range e.scenario.groups {
		if other.base == e.base && e.rand.IntN(2) == 0 {
			g = other
		}
	}
	if g == nil && len(e.scenario.groups) < 4 {
		g = e.scenario.newGroup(e)
	}
	if g != nil && g == e.group {
		g.change(e)
	}
	if g == nil || g == e.group {
		return
	}
	e.leaveGroup()
	if err := e.b.AddToRateLimitGroup(g.group); err != nil {
		e.errorf("add to rate limit group: %v", err)
	}
	e.group, e.limited = g, true
	read, written := e.passed()
	g.members = append(g.members, &groupMember{e, read, written})
	g.check()
}

func (e *streamEnd) leaveGroup() {
	g := e.group
	if g == nil {
		return
	}
	g.check()
	if err := e.b.RemoveFromRateLimitGroup(); err != nil {
		e.errorf("remove from rate limit group: %v", err)
	}
	for i, m := range g.members {
		if m.end == e {
			read, written := e.passed()
			g.wasRead += read - m.read
			g.wasWritten += written - m.written
			g.members = append(g.members[:i], g.members[i+1:]...)
			break
		}
	}
	e.group = nil
	e.touchedAt = time.Now()
}

// change gives the group other limits, or tokens by hand, or begins its totals anew.
func (g *streamGroup) change(e *streamEnd) {
	g.check()
	switch e.rand.IntN(3) {
	case 0:
		cfg := e.newTokenBucketConfig()
		if err := g.group.SetConfig(cfg); err != nil {
			e.errorf("set the configuration of a group: %v", err)
		}
		rr, rb := cfg.ReadRate()
		wr, wb := cfg.WriteRate()
		now, read, written := g.base.Elapsed(), g.read.moved, g.write.moved
		readTokens, writeTokens := min(g.read.tokens, rb), min(g.write.tokens, wb)
		g.read, g.write = newAllowance(rr, rb, cfg.Tick()), newAllowance(wr, wb, cfg.Tick())
		g.read.begin(readTokens, now, read)
		g.write.begin(writeTokens, now, written)
		g.share = max(g.share, min(g.minShare, rr, wr)) // what an old one has exceeded may last
	case 1:
		n := e.rand.IntN(2000) - 1000
		g.read.tokens += max(n, 0)
		g.write.tokens += max(n, 0)
		g.group.DecrementRead(-n)
		g.group.DecrementWrite(-n)
	default:
		g.group.ResetTotals()
		g.forgotRead, g.forgotWritten = g.moved()
	}
	g.check()
}

// moved returns what the members have moved, those included that have left.
func (g *streamGroup) moved() (read, written int64) {
	read, written = g.wasRead, g.wasWritten
	for _, m := range g.members {
		r, w := m.end.passed()
		read += r - m.read
		written += w - m.written
	}
	return read, written
}

// check compares what the members have moved with the limit, and with the totals.
func (g *streamGroup) check() {
	read, written := g.moved()
	if r, w := g.group.Totals(); int64(r) != read-g.forgotRead || int64(w) != written-g.forgotWritten {
		g.scenario.world.Failf("the totals of a group are %d and %d, the members have moved %d and %d", r, w, read-g.forgotRead, written-g.forgotWritten)
	}
	now := g.base.Elapsed()
	if !g.read.spend(now, read, g.share-1) {
		g.scenario.world.Failf("a group has read %d bytes more than its limit allows", -g.read.tokens)
	}
	if !g.write.spend(now, written, g.share-1) {
		g.scenario.world.Failf("a group has written %d bytes more than its limit allows", -g.write.tokens)
	}
}

// free ends a group, which has no members any more.
func (g *streamGroup) free() {
	g.check()
	if err := g.group.Free(); err != nil {
		g.scenario.world.Failf("free a group: %v", err)
	}
}
