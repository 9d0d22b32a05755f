package bufferevent

import (
	"fmt"
	"math"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// RateLimitMax is the largest rate and the largest burst, in bytes
// (EV_RATE_LIMIT_MAX).
const RateLimitMax = math.MaxInt

// defaultTick is how often buckets are filled if nothing else is said.
const defaultTick = time.Second

// A TokenBucketConfig says how fast something may read and write. It can be
// shared by any number of bufferevents and groups (struct
// ev_token_bucket_cfg).
type TokenBucketConfig struct {
	read, write bucketConfig
	tick        time.Duration
}

// bucketConfig is the limit of one direction.
type bucketConfig struct {
	rate  int // bytes that each tick adds
	burst int // bytes that there can be at most
}

// NewTokenBucketConfig makes a configuration: each tick allows to read another
// readRate bytes and to write another writeRate bytes, and what is not used
// adds up to no more than readBurst and writeBurst bytes. Shorter ticks make an
// even stream, longer ones cost less; zero is a second, and the shortest is a
// millisecond. The error is ErrRange if a rate is less than one, or larger than
// its burst, or if the tick is negative or too short (ev_token_bucket_cfg_new).
func NewTokenBucketConfig(readRate, readBurst, writeRate, writeBurst int, tick time.Duration) (*TokenBucketConfig, error) {
	const op = "new token bucket config"
	if tick == 0 {
		tick = defaultTick
	}
	if tick < time.Millisecond {
		return nil, opError(op, fmt.Errorf("tick %v: %w", tick, ErrRange))
	}
	cfg := &TokenBucketConfig{bucketConfig{readRate, readBurst}, bucketConfig{writeRate, writeBurst}, tick}
	for _, c := range []bucketConfig{cfg.read, cfg.write} {
		if c.rate < 1 || c.burst < c.rate {
			return nil, opError(op, fmt.Errorf("rate %d, burst %d: %w", c.rate, c.burst, ErrRange))
		}
	}
	return cfg, nil
}

// ReadRate returns how many bytes a tick allows to read, and at most.
func (cfg *TokenBucketConfig) ReadRate() (rate, burst int) { return cfg.read.rate, cfg.read.burst }

// WriteRate is ReadRate for writing.
func (cfg *TokenBucketConfig) WriteRate() (rate, burst int) { return cfg.write.rate, cfg.write.burst }

func (cfg *TokenBucketConfig) of(what event.What) bucketConfig {
	if what == event.Read {
		return cfg.read
	}
	return cfg.write
}

// Tick returns how often the buckets are filled.
func (cfg *TokenBucketConfig) Tick() time.Duration { return cfg.tick }

// tickAt returns the number of the tick that a moment is in, which is given as
// event.Base.Elapsed: ticks of the same length begin at the same time in all bases.
func (cfg *TokenBucketConfig) tickAt(now time.Duration) int64 {
	n := int64(now / cfg.tick)
	if now%cfg.tick < 0 {
		n-- // in a bubble of testing/synctest the time of the process lies ahead
	}
	return n
}

// buckets are the tokens of both directions: how many bytes may still be read
// and written. They can be negative, when more was moved than there was left, and
// above the burst until the next tick, when some were given by hand. Each is filled by
// itself, because what waits for one of them has the first turn when it is.
type buckets struct {
	cfg                 *TokenBucketConfig
	read, write         int
	readTick, writeTick int64 // when each was filled last
}

// start fills the buckets with what one tick adds.
func (k *buckets) start(cfg *TokenBucketConfig, now time.Duration) {
	tick := cfg.tickAt(now)
	*k = buckets{cfg: cfg, read: cfg.read.rate, write: cfg.write.rate, readTick: tick, writeTick: tick}
}

// change goes on with another configuration and what the buckets have, so that
// a change gives nothing for free.
func (k *buckets) change(cfg *TokenBucketConfig, now time.Duration) {
	k.cfg = cfg
	k.read = min(k.read, cfg.read.burst)
	k.write = min(k.write, cfg.write.burst)
	k.readTick = cfg.tickAt(now)
	k.writeTick = k.readTick
}

// fill adds what the ticks since the last time have brought.
func (k *buckets) fill(now time.Duration) {
	k.fillFor(event.Read, now)
	k.fillFor(event.Write, now)
}

// fillFor is fill for one direction.
func (k *buckets) fillFor(what event.What, now time.Duration) {
	tokens, last, tick := k.of(what), k.lastTick(what), k.cfg.tickAt(now)
	if n := tick - *last; n > 0 {
		*last = tick
		*tokens = k.cfg.of(what).filled(*tokens, n)
	}
}

// filled returns what is in a bucket n ticks later.
func (c bucketConfig) filled(tokens int, n int64) int {
	if tokens >= c.burst || distance(tokens, c.burst)/uint64(n) < uint64(c.rate) {
		return c.burst
	}
	return tokens + int(n)*c.rate
}

// distance returns how far it is from low up to high, which may be more than an
// int can say.
func distance(low, high int) uint64 { return uint64(high) - uint64(low) }

// maxWait bounds how long a timer waits for tokens.
const maxWait = 24 * time.Hour

// untilAbove returns how long it is until the tokens of a direction are more
// than least, or maxWait if it is longer.
func (k *buckets) untilAbove(what event.What, least int, now time.Duration) time.Duration {
	ticks := uint64(1)
	if tokens := k.tokens(what); tokens < least {
		ticks += distance(tokens, least) / uint64(k.cfg.of(what).rate)
	}
	if ticks > uint64(maxWait/k.cfg.tick) {
		return maxWait
	}
	next := time.Duration(*k.lastTick(what)+int64(ticks)) * k.cfg.tick
	return max(next-now, 0)
}

// untilRefill returns how long it is until one of the buckets that are empty has
// some again.
func (k *buckets) untilRefill(now time.Duration) time.Duration {
	wait := maxWait
	if k.read <= 0 {
		wait = k.untilAbove(event.Read, 0, now)
	}
	if k.write <= 0 {
		wait = min(wait, k.untilAbove(event.Write, 0, now))
	}
	return wait
}

// tokens returns those of one direction.
func (k *buckets) tokens(what event.What) int { return *k.of(what) }

func (k *buckets) of(what event.What) *int {
	if what == event.Read {
		return &k.read
	}
	return &k.write
}

func (k *buckets) lastTick(what event.What) *int64 {
	if what == event.Read {
		return &k.readTick
	}
	return &k.writeTick
}

// take removes n tokens; a negative n adds some. There are always enough of them
// to count with.
func (k *buckets) take(what event.What, n int) {
	tokens := k.of(what)
	switch left := *tokens - n; {
	case n > 0 && left > *tokens:
		*tokens = math.MinInt
	case n < 0 && left < *tokens:
		*tokens = math.MaxInt
	default:
		*tokens = left
	}
}
