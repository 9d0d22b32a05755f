package poller

import (
	"runtime"
	"time"
)

// Epoch is what Monotonic counts from: some time before the first Poller.
var Epoch = time.Now().Add(-epochAge)

// Monotonic returns the nanoseconds since some time before the first Poller, always
// more than 0. It never goes back.
func Monotonic() int64 { return int64(time.Since(Epoch)) }

// epochAge is what Monotonic begins with. It is more than 0 even if the clock has not
// moved on since, and ends a period of whatever is counted from the Epoch.
const epochAge = 24 * time.Hour

// NewEpoch makes Monotonic count anew, by the clock of the calling goroutine: in a
// bubble of testing/synctest that is another than outside, where the Epoch lies
// decades ahead. No Poller may be open, and no base exist, both at the call and when
// restore puts back what was there before: the Epoch is a plain variable, because
// each look at the clock reads it.
func NewEpoch() (restore func()) {
	before := Epoch
	Epoch = time.Now().Add(-epochAge)
	return func() { Epoch = before }
}

// Time converts what Monotonic returned.
func Time(ns int64) time.Time { return Epoch.Add(time.Duration(ns)) }

// A Deadline is when a wait ends by itself, by the clock of Monotonic. A wait
// is given its end and not its length, so that what time passes before it
// begins is not added to it.
type Deadline int64

const (
	// Now does not wait.
	Now Deadline = 0
	// Never waits for ever.
	Never Deadline = -1
)

// left returns the time until the deadline, negative if there is none.
func (d Deadline) left() time.Duration {
	if d <= Now {
		return time.Duration(d) // which costs no look at the clock
	}
	return time.Duration(max(int64(d)-Monotonic(), 0))
}

// nearDeadline is how far a deadline must be for other goroutines to get their
// turn before it: two of the scheduler's time slices.
const nearDeadline = 20 * time.Millisecond

// yield is for a thread that is about to block. It lets other goroutines run
// before, one of which often is what makes a descriptor ready. Those that
// compute may keep the processors for long, so that they get no turn when the
// deadline is near.
func (d Deadline) yield() {
	if left := d.left(); left < 0 || left >= nearDeadline {
		runtime.Gosched()
	}
}
