package event

// Count names a number that a base keeps.
type Count uint8

const (
	// CountActive is the number of events whose callbacks are due
	// (EVENT_BASE_COUNT_ACTIVE).
	CountActive Count = iota
	// CountVirtual is the number of virtual events, which only keep the loop
	// from ending, see AddVirtual (EVENT_BASE_COUNT_VIRTUAL).
	CountVirtual
	// CountAdded is the number of events that are pending. An event that
	// waits for a descriptor and a timeout counts once
	// (EVENT_BASE_COUNT_ADDED).
	CountAdded
)

// counter is a number and the highest it has been.
type counter struct {
	now, max int
}

func (c *counter) add(n int) {
	c.now += n
	c.max = max(c.max, c.now)
}

// NumEvents returns the sum of the counts (event_base_get_num_events).
func (b *Base) NumEvents(kinds ...Count) int {
	b.enter()
	defer b.leave()
	b.drainInbox()
	n := 0
	for _, kind := range kinds {
		if int(kind) < len(b.counts) {
			n += b.counts[kind].now
		}
	}
	return n
}

// MaxEvents returns the sum of the highest values that the counts have had
// since the base was made, or since the last call with clear
// (event_base_get_max_events).
func (b *Base) MaxEvents(clear bool, kinds ...Count) int {
	b.enter()
	defer b.leave()
	b.drainInbox()
	n := 0
	for _, kind := range kinds {
		if int(kind) >= len(b.counts) {
			continue
		}
		c := &b.counts[kind]
		n += c.max
		if clear {
			c.max = c.now
		}
	}
	return n
}

// NumReady returns how many descriptors the loop found ready when it looked last:
// for callbacks that can do more or less at a time, and want to be fair to
// others.
func (b *Base) NumReady() int {
	b.enter()
	defer b.leave()
	return b.found
}

// AddVirtual keeps the loop from ending for lack of events until as many calls
// of DelVirtual: for work that will come back through Post.
func (b *Base) AddVirtual() {
	b.enter()
	b.counts[CountVirtual].add(1)
	b.leave()
}

// DelVirtual takes back an AddVirtual. One without the other is refused, and
// the log says so.
func (b *Base) DelVirtual() {
	b.enter()
	defer b.leave()
	if b.counts[CountVirtual].now == 0 {
		logMisuse("del virtual event", ErrNotAssigned)
		return
	}
	b.counts[CountVirtual].add(-1)
	b.notify()
}
