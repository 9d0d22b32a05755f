//go:build unix

package poller

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/sys/unix"
)

var selectMethod = Method{
	Name:     "select",
	Features: FeatureFDs,
	Env:      "SELECT",
	Open:     openSelect,
}

// selector drives select(2), which every Unix has. Its cost grows with the
// highest descriptor.
//
// Update edits want. Flush copies that to asked, which Wait copies to answer,
// because the kernel overwrites what it is given. Wait uses nothing else, so
// that an Update may come while another goroutine waits.
type selector struct {
	waker   *waker
	alarm   alarm
	want    fdSets
	changed bool // want differs from asked
	asked   fdSets
	answer  fdSets
}

func openSelect(Options) (Poller, error) {
	w, err := newWaker()
	if err != nil {
		return nil, err
	}
	a, err := openAlarm()
	if err != nil {
		_ = w.close() // the error that counts is the first
		return nil, err
	}
	s := &selector{waker: w, alarm: a}
	if err := s.Update(w.fd(), 0, Read); err != nil {
		_ = s.Close() // it is closed in any case
		return nil, err
	}
	return s, nil
}

func (s *selector) Name() string      { return selectMethod.Name }
func (s *selector) Features() Feature { return selectMethod.Features }
func (s *selector) Wake() error       { return s.waker.wake() }

func (s *selector) Close() error {
	return errors.Join(s.waker.close(), s.alarm.close())
}

func (s *selector) Update(fd int, old, new Interest) error {
	if old == 0 {
		if err := checkOpen("select add", fd); err != nil {
			return err
		}
		if fd >= selectLimit {
			return fmt.Errorf("select add fd %d: this system's select takes descriptors below %d: %w",
				fd, selectLimit, unix.EINVAL)
		}
	}
	s.want.put(fd, new)
	s.changed = true
	return nil
}

func (s *selector) Flush() error {
	if s.changed {
		s.want.trim()
		s.asked.copyFrom(&s.want)
		s.changed = false
	}
	return nil
}

func (s *selector) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	s.answer.copyFrom(&s.asked)
	n, err := selectNow(&s.answer)
	if n == 0 && err == nil && deadline != Now {
		yielded = true
		deadline.yield()
		s.answer.copyFrom(&s.asked)
		n, err = s.block(deadline)
	}
	switch err {
	case nil:
		return s.collect(n, events), yielded, nil
	case unix.EINTR:
		return events, yielded, nil
	case unix.EBADF:
		return s.waitPastClosed(events), yielded, nil
	default:
		return events, yielded, fmt.Errorf("select: %w", err)
	}
}

// waitPastClosed is for when a watched descriptor has been closed, of which
// select tells nothing but EBADF. Closed descriptors are reported as ready, so
// that their owners find out, and the others are asked for without waiting.
func (s *selector) waitPastClosed(events []Event) []Event {
	s.answer.copyFrom(&s.asked)
	for fd, in := s.answer.next(0); fd >= 0; fd, in = s.answer.next(fd + 1) {
		if checkOpen("select", fd) != nil {
			events = append(events, Event{FD: fd, Ready: in})
			s.answer.put(fd, 0)
		}
	}
	n, err := selectNow(&s.answer)
	if err != nil {
		return events // closed just now, or a signal: the next wait tells
	}
	return s.collect(n, events)
}

// collect translates the n bits in answer.
func (s *selector) collect(n int, events []Event) []Event {
	for fd, in := s.answer.next(0); n > 0 && fd >= 0; fd, in = s.answer.next(fd + 1) {
		n -= bits.OnesCount8(uint8(in))
		if fd == s.waker.fd() {
			s.waker.drain()
			continue
		}
		events = append(events, Event{FD: fd, Ready: in})
	}
	return events
}
