package event

import (
	"fmt"
	"time"
)

// MaxCommonTimeouts is how many common timeouts a base can have.
const MaxCommonTimeouts = 256

// A CommonTimeout is a duration that very many events of a base use as their
// timeout. They wait in a queue, which takes constant time to add to and to
// delete from, instead of in the heap.
type CommonTimeout struct {
	base     *Base
	duration time.Duration
	index    uint16

	// queue holds the events in the order of their deadlines, with nil where
	// one was removed. Everything before head is nil, and the last is not.
	queue []*Event
	head  int
	live  int
}

// InitCommonTimeout returns the common timeout of duration d, to be used with
// AddCommon. It pays from some thousands of events with the same timeout. A
// base can have MaxCommonTimeouts of them (event_base_init_common_timeout).
func (b *Base) InitCommonTimeout(d time.Duration) (*CommonTimeout, error) {
	if b == nil {
		return nil, misuse("init common timeout", ErrNil)
	}
	b.enter()
	defer b.leave()
	for _, ct := range b.common {
		if ct.duration == d {
			return ct, nil
		}
	}
	if len(b.common) == MaxCommonTimeouts {
		return nil, opError(fmt.Sprint("init common timeout ", d), ErrTooManyTimeouts)
	}
	ct := &CommonTimeout{base: b, duration: d, index: uint16(len(b.common))}
	b.common = append(b.common, ct)
	return ct, nil
}

// Duration returns the duration.
func (ct *CommonTimeout) Duration() time.Duration { return ct.duration }

// commonOf returns the common timeout in whose queue ev is.
func (b *Base) commonOf(ev *Event) *CommonTimeout { return b.common[ev.common-1] }

// insert puts ev at its place, which is the end, or near it for a persistent
// event whose timeout counts from its last one.
func (ct *CommonTimeout) insert(ev *Event) {
	if len(ct.queue) == cap(ct.queue) && ct.live <= len(ct.queue)/2 {
		ct.compact()
	}
	ct.queue = append(ct.queue, ev)
	ct.live++
	i := len(ct.queue) - 1
	for ; i > ct.head; i-- {
		prev := ct.queue[i-1]
		if prev != nil && prev.deadline <= ev.deadline {
			break
		}
		ct.place(i, prev)
	}
	ct.place(i, ev)
}

func (ct *CommonTimeout) place(i int, ev *Event) {
	ct.queue[i] = ev
	if ev != nil {
		ev.timer = int32(i)
	}
}

func (ct *CommonTimeout) remove(ev *Event) {
	ct.queue[ev.timer] = nil
	ct.live--
	if ct.live == 0 {
		ct.queue, ct.head = ct.queue[:0], 0
		return
	}
	// Gaps at the end would be in the way of each insert.
	last := len(ct.queue) - 1
	for ct.queue[last] == nil {
		last--
	}
	ct.queue = ct.queue[:last+1]
}

// first returns the event with the earliest deadline, or nil.
func (ct *CommonTimeout) first() *Event {
	if ct.live == 0 {
		return nil
	}
	for ct.queue[ct.head] == nil {
		ct.head++
	}
	return ct.queue[ct.head]
}

// compact closes the gaps.
func (ct *CommonTimeout) compact() {
	n := 0
	for _, ev := range ct.queue[ct.head:] {
		if ev != nil {
			ct.place(n, ev)
			n++
		}
	}
	clear(ct.queue[n:])
	ct.queue, ct.head = ct.queue[:n], 0
}
