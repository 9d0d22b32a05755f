package event_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/poller"
)

// In a bubble of testing/synctest a base lives by the bubble's time, which is the same
// in each run.
func TestTimeoutsPassInABubble(t *testing.T) {
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			t.Cleanup(poller.NewEpoch())
			b := newBase(t, nil)
			begin, elapsed := b.Now(), b.Elapsed()
			same(t, "date", begin.Format(time.DateOnly), "2000-01-01")
			same(t, "elapsed", elapsed, 24*time.Hour)
			fired := time.Duration(-1)
			ok(t, b.Once(-1, event.Timeout, time.Hour, func(*event.Event, event.What) { fired = b.Elapsed() - elapsed }))
			turn := func() {
				t.Helper()
				_, err := b.Loop(event.LoopNonblock)
				ok(t, err)
			}
			time.Sleep(time.Hour - 1)
			turn()
			same(t, "fired after", fired, -1)
			time.Sleep(1)
			turn()
			same(t, "fired after", fired, time.Hour)
			same(t, "time passed", b.Now().Sub(begin), time.Hour)
		})
	}
}
