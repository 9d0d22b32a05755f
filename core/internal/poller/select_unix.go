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

func (s *selector) Method() *Method { return &selectMethod }
func (s *selector) Wake() error     { return s.waker.wake() }

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

// fdSets is the argument of select(2): a bitmap of descriptors to read from
// and one of descriptors to write to.
//
// A unix.FdSet is an array of words as the kernel takes them, good for
// FD_SETSIZE descriptors. A slice of them is a longer array of the same kind,
// and the kernel only looks at its first nfds bits. Both slices have the same
// length, which is never zero.
type fdSets struct {
	read, write []unix.FdSet
	nfds        int // the highest descriptor in a set, plus one
}

// A word of an FdSet has NFDBITS bits, and wordMask is all of them. Its type
// differs between systems, and so does its sign.
const wordMask = 1<<(unix.NFDBITS-1)<<1 - 1

const wordsPerSet = unix.FD_SETSIZE / unix.NFDBITS

// put makes in the interest in fd.
func (s *fdSets) put(fd int, in Interest) {
	for fd >= len(s.read)*unix.FD_SETSIZE {
		grown := max(1, len(s.read)) // doubles, from one
		s.read = append(s.read, make([]unix.FdSet, grown)...)
		s.write = append(s.write, make([]unix.FdSet, grown)...)
	}
	i, bit := fd/unix.FD_SETSIZE, fd%unix.FD_SETSIZE
	s.read[i].Clear(bit)
	s.write[i].Clear(bit)
	if in&Read != 0 {
		s.read[i].Set(bit)
	}
	if in&Write != 0 {
		s.write[i].Set(bit)
	}
	s.nfds = max(s.nfds, fd+1)
}

// copyFrom makes s equal to o.
func (s *fdSets) copyFrom(o *fdSets) {
	s.read = append(s.read[:0], o.read...)
	s.write = append(s.write[:0], o.write...)
	s.nfds = o.nfds
}

// next returns the lowest descriptor from fd on that is in a set, and its
// sets, or -1. It goes word by word.
func (s *fdSets) next(fd int) (int, Interest) {
	for fd < s.nfds {
		r, w := s.words(fd / unix.NFDBITS)
		rest := (r | w) >> (fd % unix.NFDBITS)
		if rest == 0 {
			fd += unix.NFDBITS - fd%unix.NFDBITS
			continue
		}
		fd += bits.TrailingZeros64(rest)
		var in Interest
		if r>>(fd%unix.NFDBITS)&1 != 0 {
			in |= Read
		}
		if w>>(fd%unix.NFDBITS)&1 != 0 {
			in |= Write
		}
		return fd, in
	}
	return -1, 0
}

// words returns the word at index i of either bitmap.
func (s *fdSets) words(i int) (read, write uint64) {
	set, word := i/wordsPerSet, i%wordsPerSet
	return uint64(s.read[set].Bits[word]) & wordMask, uint64(s.write[set].Bits[word]) & wordMask
}

// trim lowers nfds to what the sets need.
func (s *fdSets) trim() {
	for i := (s.nfds - 1) / unix.NFDBITS; i >= 0; i-- {
		if r, w := s.words(i); r|w != 0 {
			s.nfds = i*unix.NFDBITS + bits.Len64(r|w)
			return
		}
	}
	s.nfds = 0
}
