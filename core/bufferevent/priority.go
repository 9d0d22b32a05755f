package bufferevent

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/event"
)

// Priority returns how urgent the callbacks are (bufferevent_get_priority).
func (b *Bufferevent) Priority() int {
	b.lock()
	defer b.unlock()
	return b.priority()
}

func (b *Bufferevent) priority() int {
	if b.read.Initialized() {
		return b.read.Priority()
	}
	return b.base.Priorities() / 2
}

// SetPriority sets how urgent the callbacks are: from 0, the most urgent, to
// one less than the base's number of priorities. New bufferevents are in the
// middle. It is that of the socket that the bufferevent stands on, and of all
// between: in its callbacks theirs run. The error wraps errors.ErrUnsupported where
// there is no socket, as for a pair, and otherwise it is that of event.SetPriority
// (bufferevent_priority_set).
func (b *Bufferevent) SetPriority(priority int) error {
	const op = "set priority"
	at, p, err := beginAt(b, asPrioritizer)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	if err := p.SetPriority(priority); err != nil {
		return err
	}
	for ; b != at; b = b.wrapped() {
		if err := b.setPriority(priority); err != nil {
			return err
		}
	}
	return nil
}

// SetPriority implements Prioritizer.
func (s *socket) SetPriority(priority int) error { return s.bev.setPriority(priority) }

func (b *Bufferevent) setPriority(priority int) error {
	if err := b.read.SetPriority(priority); err != nil {
		return err
	}
	if b.write != nil && b.write.Initialized() {
		if err := b.write.SetPriority(priority); err != nil {
			return err
		}
	}
	if x := b.rare; x != nil && x.deferral.Data != nil {
		x.deferral.SetPriority(priority)
	}
	return nil
}

// SetBase moves a socket to another base. Nothing may be under way: disable both
// directions and let the loop come by first, or do it before anything is
// enabled or written. The error wraps event.ErrPending if something is, and
// errors.ErrUnsupported if this is no socket, but stands on one, for instance
// (bufferevent_base_set).
func (b *Bufferevent) SetBase(base *event.Base) error {
	const op = "set base"
	if base == nil {
		return opError(op, event.ErrNil)
	}
	if !b.begin() {
		return opError(op, ErrFreed)
	}
	defer b.end()
	m, ok := b.transport.(BaseMover)
	if !ok {
		return opError(op, errors.ErrUnsupported)
	}
	if b.busy() || !m.Idle() {
		return opError(op, fmt.Errorf("%v: %w", b, event.ErrPending))
	}
	if err := b.read.SetBase(base); err != nil {
		return opError(op, err)
	}
	if b.write != nil {
		if err := b.write.SetBase(base); err != nil {
			return opError(op, err)
		}
	}
	b.base = base
	b.confine()
	x := b.rare
	if x == nil {
		return nil
	}
	x.deferral = event.Deferred{}
	if x.limit != nil {
		return x.limit.refill.SetBase(base)
	}
	return nil
}

// Idle implements BaseMover.
func (s *socket) Idle() bool { return !s.flushing && s.dialer == nil && !s.waiting }

// busy reports whether the base has anything of ours but the events.
func (b *Bufferevent) busy() bool {
	x := b.rare
	if x == nil {
		return false
	}
	return x.deferral.Data != nil && x.deferral.Scheduled() ||
		x.limit != nil && x.limit.refill.Pending(event.Timeout) != 0
}
