package poller

import (
	"testing"
	"time"
)

// Time that passes between the choice of a deadline and the wait, for whatever
// reason, is not added to the wait.
func TestWaitEndsAtItsDeadlineHoweverLateItBegins(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, _ := socketPair(t)
		d.watch(a, Read)
		d.expectNothing()
		const patient = 100 // the whole test would take hours if waits began at their calls
		for range patient {
			for _, passed := range []Deadline{1, Deadline(Monotonic()), Deadline(Monotonic() - int64(time.Hour))} {
				events, _, err := d.Wait(max(passed, 1), d.events[:0])
				if err != nil {
					t.Fatal(err)
				}
				if len(events) != 0 {
					t.Fatalf("ready: %v, want nothing", events)
				}
			}
		}
		d.expectFullWait(2 * time.Millisecond)
	})
}

// A wait after one that ended early has the deadline that it is given, be that
// the same, another, or none.
func TestDeadlinesOfEarlierWaitsDoNotMatter(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Read)
		d.expectNothing() // which tells the kernel of a
		soon := in(10 * time.Millisecond)
		for _, deadline := range []Deadline{in(time.Hour), soon, soon, in(time.Hour), Never} {
			writeFD(t, b, []byte("data"))
			if err := d.Flush(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := d.Wait(deadline, nil); err != nil {
				t.Fatal(err)
			}
			readFD(t, a, make([]byte, 8))
		}
		d.expectFullWait(time.Until(Time(int64(soon))))
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, _, err := d.Wait(Never, nil)
			done <- err
		}()
		d.wake()
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.expectNothing()
	})
}

// The loop need not yield after a wait that blocked, but after any other.
func TestWaitTellsWhetherItHasYielded(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		needsKernel(t) // a simulated network lets others run whenever there is a wait
		a, b := socketPair(t)
		d.watch(a, Read)
		d.expectNothing()
		if _, yielded, err := d.Wait(in(time.Millisecond), nil); err != nil || !yielded {
			t.Errorf("a wait for nothing: yielded %v, %v", yielded, err)
		}
		if _, yielded, err := d.Wait(Now, nil); err != nil || yielded {
			t.Errorf("no wait: yielded %v, %v", yielded, err)
		}
		writeFD(t, b, []byte("data"))
		d.expect(a, Read)
	})
}
