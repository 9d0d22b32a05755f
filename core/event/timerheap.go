package event

import "slices"

// timerHeap orders the events that have a timeout by deadline: a 4-ary
// min-heap, which is half as deep as a binary one and has the four children it
// compares side by side in memory. Each event knows its position.
//
// The keys in the heap are lower bounds. Putting a timeout off, which is what
// every message on a connection with an idle timeout does, only changes the
// event's deadline; the key is corrected when it has come to the top. So a
// heap whose top is settled has the true minimum there.
type timerHeap []timerEntry

type timerEntry struct {
	key int64
	ev  *Event
}

func (h *timerHeap) push(ev *Event) {
	if len(*h) == cap(*h) {
		// append's smaller steps copy a large heap too often.
		*h = slices.Grow(*h, max(16, len(*h)))
	}
	*h = (*h)[:len(*h)+1]
	h.up(len(*h)-1, timerEntry{ev.deadline, ev})
}

// update changes the deadline of an event to t.
func (h timerHeap) update(ev *Event, t int64) {
	later := t >= ev.deadline
	ev.deadline = t
	if later {
		return // and the key is still a lower bound
	}
	if i := int(ev.timer); t < h[i].key {
		h.up(i, timerEntry{t, ev})
	}
}

func (h *timerHeap) remove(ev *Event) {
	i := int(ev.timer)
	last := len(*h) - 1
	moved := (*h)[last]
	(*h)[last] = timerEntry{}
	*h = (*h)[:last]
	if i == last {
		return
	}
	if i > 0 && moved.key < (*h)[(i-1)/4].key {
		h.up(i, moved)
	} else {
		h.down(i, moved)
	}
}

// top returns the event with the earliest deadline, or nil.
func (h timerHeap) top() *Event {
	if len(h) == 0 {
		return nil
	}
	for h[0].key != h[0].ev.deadline {
		h.down(0, timerEntry{h[0].ev.deadline, h[0].ev})
	}
	return h[0].ev
}

// up puts e into the hole at i or above it.
func (h timerHeap) up(i int, e timerEntry) {
	for i > 0 {
		parent := (i - 1) / 4
		if h[parent].key <= e.key {
			break
		}
		h.set(i, h[parent])
		i = parent
	}
	h.set(i, e)
}

// down puts e into the hole at i or below it.
func (h timerHeap) down(i int, e timerEntry) {
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(h)); c++ {
			if h[c].key < h[least].key {
				least = c
			}
		}
		if h[least].key >= e.key {
			break
		}
		h.set(i, h[least])
		i = least
	}
	h.set(i, e)
}

func (h timerHeap) set(i int, e timerEntry) {
	h[i] = e
	e.ev.timer = int32(i)
}
