package simnet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
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

// A program whose data was taken as a whole has met no error that says that there is no
// room, and is told nevertheless when its socket is writable again, as its poller has seen
// that it is not.
func TestASocketThatTookEverythingIsWritableAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer n.Close()
		from, to := n.AddHost("from"), n.AddHost("to")
		s := connected(t, n, from, to)
		n.mu.Lock()
		defer n.mu.Unlock()
		s.out.room, s.out.window = 100, 10
		if took := s.out.push(make([]byte, 90)); took != 90 || s.out.full {
			t.Fatalf("%d of 90 bytes were taken", took)
		}
		if s.ready()&poller.Write != 0 {
			t.Fatal("a socket with a tenth of its room is writable")
		}
		for s.out.full {
			if s.out.used() == 0 {
				t.Fatal("nobody was told that there is room again")
			}
			n.mu.Unlock()
			time.Sleep(time.Millisecond)
			n.mu.Lock()
			s.out.pull(10)
		}
		if s.ready()&poller.Write == 0 {
			t.Error("what was told of is not there")
		}
	})
}
