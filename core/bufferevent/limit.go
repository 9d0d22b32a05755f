package bufferevent

import (
	"math"

	"github.com/go-libevent/libevent/core/event"
)

// limiter is what a bufferevent with a rate limit has.
type limiter struct {
	buckets buckets         // with a nil cfg: no limit of its own
	refill  event.Event     // when an empty bucket has tokens again
	group   *RateLimitGroup // or nil
	waiting event.What      // in the group's lists of those that it has to wake
}

func (b *Bufferevent) limiter() *limiter {
	if b.rare == nil {
		return nil
	}
	return b.rare.limit
}

// ensureLimiter returns the limiter, which it makes if there is none.
func (b *Bufferevent) ensureLimiter() (*limiter, error) {
	x := b.rareFields()
	if x.limit == nil {
		l := new(limiter)
		l.refill.Data = b
		if err := l.refill.Assign(b.base, -1, event.Finalize, onRefill); err != nil {
			return nil, err
		}
		x.limit = l
	}
	return x.limit, nil
}

// SetRateLimit limits how fast the bufferevent reads and writes; nil is no limit.
// The bucket of one that had none starts with what one tick adds.
//
// Limits act where bytes enter and leave the process, at the socket that the
// bufferevent stands on: for TLS they count encrypted bytes, and what is over the same
// socket has the same limit. The error wraps errors.ErrUnsupported where there is no
// socket, as for a pair (bufferevent_set_rate_limit).
func (b *Bufferevent) SetRateLimit(cfg *TokenBucketConfig) error {
	const op = "set rate limit"
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	if err := at.setRateLimit(cfg); err != nil {
		return opError(op, err)
	}
	return nil
}

func (b *Bufferevent) setRateLimit(cfg *TokenBucketConfig) error {
	if cfg == nil {
		if l := b.limiter(); l != nil {
			l.buckets.cfg = nil
			b.applyLimit(l)
		}
		return nil
	}
	l, err := b.ensureLimiter()
	if err != nil {
		return err
	}
	switch now := b.base.Elapsed(); l.buckets.cfg {
	case cfg:
		return nil
	case nil:
		l.buckets.start(cfg, now)
	default:
		l.buckets.fill(now)
		l.buckets.change(cfg, now)
	}
	b.applyLimit(l)
	return nil
}

// applyLimit makes a direction pause if its bucket is empty, and go on if it is not.
func (b *Bufferevent) applyLimit(l *limiter) {
	k := &l.buckets
	if k.cfg == nil {
		l.refill.Del()
		b.resume(event.Read, suspendRate)
		b.resume(event.Write, suspendRate)
		return
	}
	b.suspendIf(k.read <= 0, event.Read)
	b.suspendIf(k.write <= 0, event.Write)
	b.scheduleRefill(l)
}

func (b *Bufferevent) suspendIf(empty bool, what event.What) {
	if empty {
		b.suspend(what, suspendRate)
	} else {
		b.resume(what, suspendRate)
	}
}

// scheduleRefill has the loop come back when an empty bucket has tokens again.
func (b *Bufferevent) scheduleRefill(l *limiter) {
	k := &l.buckets
	if k.cfg == nil || k.read > 0 && k.write > 0 {
		l.refill.Del()
		return
	}
	l.refill.AddTimeout(k.untilRefill(b.base.Elapsed()))
}

// onRefill is the callback of the refill event.
func onRefill(ev *event.Event, _ event.What) {
	b := ev.Data.(*Bufferevent)
	if !b.begin() {
		return
	}
	if l := b.limiter(); l != nil && l.buckets.cfg != nil {
		l.buckets.fill(b.base.Elapsed())
		b.applyLimit(l)
	}
	b.end()
}

// remove ends the limiter of a bufferevent that is freed.
func (l *limiter) remove(b *Bufferevent) {
	if l == nil {
		return
	}
	l.refill.Free()
	if l.group != nil {
		l.group.remove(b)
		l.group = nil
	}
}

// TokenBucketConfig returns what was set with SetRateLimit, or nil
// (bufferevent_get_token_bucket_cfg).
func (b *Bufferevent) TokenBucketConfig() *TokenBucketConfig {
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return nil
	}
	defer at.end()
	if l := at.limiter(); l != nil {
		return l.buckets.cfg
	}
	return nil
}

// ReadLimit returns how many bytes may be read before the next tick by the limit
// that SetRateLimit has set; it can be negative. It is math.MaxInt without a
// limit (bufferevent_get_read_limit).
func (b *Bufferevent) ReadLimit() int { return b.limitOf(event.Read) }

// WriteLimit is ReadLimit for writing (bufferevent_get_write_limit).
func (b *Bufferevent) WriteLimit() int { return b.limitOf(event.Write) }

func (b *Bufferevent) limitOf(what event.What) int {
	return b.askLimiter(func(at *Bufferevent) int {
		l := at.limiter()
		if l == nil || l.buckets.cfg == nil {
			return math.MaxInt
		}
		l.buckets.fill(at.base.Elapsed())
		return l.buckets.tokens(what)
	})
}

// DecrementReadLimit takes n bytes from what may be read, or with a negative n
// gives some: for data that has gone another way. The error is ErrNoLimit if no
// limit is set, or wraps errors.ErrUnsupported where SetRateLimit's does
// (bufferevent_decrement_read_limit).
func (b *Bufferevent) DecrementReadLimit(n int) error {
	return b.decrement("decrement read limit", event.Read, n)
}

// DecrementWriteLimit is DecrementReadLimit for writing
// (bufferevent_decrement_write_limit).
func (b *Bufferevent) DecrementWriteLimit(n int) error {
	return b.decrement("decrement write limit", event.Write, n)
}

func (b *Bufferevent) decrement(op string, what event.What, n int) error {
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	l := at.limiter()
	if l == nil || l.buckets.cfg == nil {
		return opError(op, ErrNoLimit)
	}
	l.buckets.fill(at.base.Elapsed()) // what is given now is there until the next tick
	l.buckets.take(what, n)
	at.applyLimit(l)
	return nil
}

// MaxToRead returns how many bytes would be read now, in one call, by the limits
// of the bufferevent and its group; it is math.MaxInt where there are none
// (bufferevent_get_max_to_read).
func (b *Bufferevent) MaxToRead() int { return b.askLimiter((*Bufferevent).maxToRead) }

// MaxToWrite is MaxToRead for writing (bufferevent_get_max_to_write).
func (b *Bufferevent) MaxToWrite() int { return b.askLimiter((*Bufferevent).maxToWrite) }

// askLimiter returns a number of the bufferevent where limits act, or math.MaxInt.
func (b *Bufferevent) askLimiter(number func(at *Bufferevent) int) int {
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return math.MaxInt
	}
	defer at.end()
	return number(at)
}

func (b *Bufferevent) maxToRead() int {
	if l := b.limiter(); l != nil {
		return b.allowed(l, event.Read, b.bounds.maxRead)
	}
	return b.bounds.maxRead
}

func (b *Bufferevent) maxToWrite() int {
	if l := b.limiter(); l != nil {
		return b.allowed(l, event.Write, b.bounds.maxWrite)
	}
	return b.bounds.maxWrite
}

// allowed returns how much of most the limits allow. If the group has nothing,
// the direction rests until it has.
func (b *Bufferevent) allowed(l *limiter, what event.What, most int) int {
	if l.buckets.cfg != nil {
		l.buckets.fill(b.base.Elapsed())
		most = min(most, l.buckets.tokens(what))
	}
	if l.group != nil {
		share, ok := l.group.share(b, what)
		if !ok {
			b.suspend(what, suspendGroup)
		}
		most = min(most, share)
	}
	return max(most, 0)
}

// countRead takes what was read from the buckets.
func (b *Bufferevent) countRead(n int) {
	if l := b.limiter(); l != nil {
		b.count(l, event.Read, n)
	}
}

// countWritten takes what was written from the buckets.
func (b *Bufferevent) countWritten(n int) {
	if l := b.limiter(); l != nil {
		b.count(l, event.Write, n)
	}
}

func (b *Bufferevent) count(l *limiter, what event.What, n int) {
	if k := &l.buckets; k.cfg != nil {
		k.take(what, n)
		if k.tokens(what) <= 0 {
			b.applyLimit(l)
		}
	}
	if l.group != nil {
		l.group.count(what, n)
	}
}
