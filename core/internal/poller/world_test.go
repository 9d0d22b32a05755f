package poller

import (
	"testing"
	"testing/synctest"
	"time"
)

// A simulated network puts its method in the place of those of the platform.
func TestMethodsCanBeReplaced(t *testing.T) {
	platform := Methods()
	name := func() string {
		t.Helper()
		m := Methods()
		if len(m) == 0 {
			return ""
		}
		return m[0].Name
	}
	outer := SetMethods([]Method{{Name: "simulated"}})
	inner := SetMethods([]Method{})
	if got := Methods(); len(got) != 0 {
		t.Errorf("methods %v, want none", got)
	}
	inner()
	if name() != "simulated" {
		t.Errorf("first method %q", name())
	}
	back := SetMethods(nil)
	if name() != platform[0].Name {
		t.Errorf("first method %q, want %q", name(), platform[0].Name)
	}
	back()
	outer()
	if len(Methods()) != len(platform) || name() != platform[0].Name {
		t.Errorf("methods %v, want %v", Methods(), platform)
	}
}

// The clock of a bubble has nothing to do with that outside, and begins with the same
// time in each.
func TestTheClockCountsInABubble(t *testing.T) {
	outside := Epoch
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			defer NewEpoch()()
			if now := Monotonic(); now != int64(epochAge) {
				t.Errorf("begins at %v", time.Duration(now))
			}
			end := Deadline(Monotonic() + int64(time.Minute))
			if left := end.left(); left != time.Minute {
				t.Errorf("%v left", left)
			}
			time.Sleep(time.Hour)
			if now := Monotonic(); now != int64(epochAge+time.Hour) {
				t.Errorf("an hour later it is %v", time.Duration(now))
			}
			if left := end.left(); left != 0 {
				t.Errorf("%v left of a wait that is over", left)
			}
		})
	}
	if Epoch != outside {
		t.Error("the epoch is another than before")
	}
	if Monotonic() <= 0 {
		t.Errorf("the time is %d", Monotonic())
	}
}
