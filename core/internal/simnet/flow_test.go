package simnet

import (
	"testing"
	"testing/synctest"
	"time"
)

// A segment that is lost is sent again, and what was sent behind it before that was known
// waits for it, though the way was open when it arrived.
func TestWhatIsSentBehindALostSegmentWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer n.Close()
		n.SetFaults(Faults{Latency: 10 * time.Millisecond})
		from, to := n.AddHost("from"), n.AddHost("to")
		s := connected(t, n, from, to)
		send := func(text string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			s.out.push([]byte(text))
			n.schedule.wake()
		}
		received := func() string {
			n.mu.Lock()
			defer n.mu.Unlock()
			return string(s.out.pull(100))
		}
		send("lost ")
		time.Sleep(8 * time.Millisecond)
		send("late ")
		n.Cut(from, to)
		time.Sleep(4 * time.Millisecond)
		n.Mend(from, to)
		send("later")
		time.Sleep(100 * time.Millisecond)
		if got := received(); got != "" {
			t.Errorf("%q has arrived before the segment was sent again", got)
		}
		time.Sleep(time.Second)
		if got, want := received(), "lost late later"; got != want {
			t.Errorf("%q has arrived, want %q", got, want)
		}
	})
}
