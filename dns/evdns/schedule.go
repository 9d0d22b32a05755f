package evdns

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// schedule is what the resolver does without being called: at the end of an iteration
// of the loop it flushes the channels that have changed, and at the first deadline it
// retries or ends requests.
type schedule struct {
	flushing bool       // flush is called at the end of this iteration
	channels []*channel // to be flushed then
	timer    event.Event
	timerAt  time.Duration // when the timer is due, or 0
}

func (s *schedule) init(base *event.Base, onTimer func(*event.Event, event.What)) error {
	return s.timer.AssignTimer(base, onTimer)
}

// stop stops the timer.
func (s *schedule) stop() { _ = s.timer.DelNoBlock() } // fails only if it was not assigned

// atIterationEnd has flusher called at the end of the iteration.
func (s *schedule) atIterationEnd(base *event.Base, flusher event.IterationEnder) {
	if !s.flushing && base.AtIterationEnd(flusher) {
		s.flushing = true
	}
}

// add has a channel flushed at the end of the iteration.
func (s *schedule) add(c *channel) { s.channels = append(s.channels, c) }

// flushChannels flushes the channels, and those that this adds.
func (s *schedule) flushChannels() {
	for i := 0; i < len(s.channels); i++ {
		c := s.channels[i]
		c.flushScheduled = false
		c.owner.flush()
	}
	clear(s.channels)
	s.channels = s.channels[:0]
}

// dropChannels forgets the channels, which are closed.
func (s *schedule) dropChannels() { s.channels = nil }

// setTimer has the timer be due at the first deadline, or not at all if that is
// forever. A timer that is due earlier is left alone: most requests are answered long
// before their deadlines, and one early call costs less than a change for each. now is
// called only for a change.
func (s *schedule) setTimer(first time.Duration, now func() time.Duration) {
	switch {
	case first == forever:
		if s.timerAt != 0 {
			s.timerAt = 0
			_ = s.timer.DelNoBlock() // fails only if it was not assigned
		}
	case s.timerAt == 0 || first < s.timerAt:
		s.timerAt = first
		if err := s.timer.AddTimeout(max(0, first-now())); err != nil {
			logWarn("timer", "error", err)
			s.timerAt = 0
		}
	}
}

// fired notes that the timer has fired, and returns by how much that is late.
func (s *schedule) fired(now time.Duration) (late time.Duration) {
	late = now - s.timerAt
	s.timerAt = 0
	return late
}

// scheduleFlush has flush called at the end of the iteration.
func (b *Base) scheduleFlush() { b.schedule.atIterationEnd(b.event, (*flusher)(b)) }

// A flusher is the event.IterationEnder of a Base.
type flusher Base

// EndIteration implements event.IterationEnder.
func (f *flusher) EndIteration() { (*Base)(f).flush() }

// flush starts requests that wait for a slot, and sends all that the iteration has
// added.
func (b *Base) flush() {
	b.lock()
	defer b.unlock()
	b.schedule.flushing = false
	if b.freed {
		return
	}
	b.resume()
	b.startWaiting()
	b.schedule.flushChannels()
	b.servers.closeIdleAdHoc()
	b.schedule.setTimer(b.requests.firstDeadline(), b.now)
	b.pause()
}

// onTimer handles the requests whose deadline has passed.
func (b *Base) onTimer(*event.Event, event.What) {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	now := b.now()
	if late := b.schedule.fired(now); late > b.config.queryTimeout()/4 {
		b.requests.extendLimits(late) // by the time in which the loop has not run
	}
	for r := b.requests.dueInflight(now); r != nil; r = b.requests.dueInflight(now) {
		b.handleDeadline(r, now)
	}
	for r := b.requests.dueWaiting(now); r != nil; r = b.requests.dueWaiting(now) {
		if !b.expire(r, ErrTimeout) {
			b.requests.reschedule(r, r.firstLimit())
		}
	}
	b.scheduleFlush()
}

// expireWaiting is expire for a query whose answer is still expected, whatever has become of
// those before it.
func (b *Base) expireWaiting(r *Request) bool {
	if h := r.history(); h != nil {
		h.err = nil
	}
	return b.expire(r, ErrTimeout)
}

// handleDeadline handles a request in flight whose deadline has passed.
func (b *Base) handleDeadline(r *Request, now time.Duration) {
	timeout := b.config.queryTimeout()
	switch {
	case r.caseCheck == caseAwaitExact:
		b.verifyOverTCP(r)
	case r.sentAt+timeout <= now:
		b.timedOut(r)
	case !b.expireWaiting(r): // the option may have changed
		b.requests.reschedule(r, min(r.sentAt+timeout, r.firstLimit()))
	}
}
