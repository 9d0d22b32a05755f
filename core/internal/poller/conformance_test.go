package poller

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What every Poller does on sockets, on every system. Each test states one
// part of the contract of Poller.

func TestReadableUntilRead(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Read)
		d.expectNothing()
		writeFD(t, b, []byte("data"))
		d.expect(a, Read)
		d.expect(a, Read)
		readFD(t, a, make([]byte, 16))
		d.expectNothing()
	})
}

func TestWritableUntilFull(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Write)
		d.expect(a, Write)
		d.expect(a, Write)

		// The network may make room again for a while after a write.
		filled, refused := 0, 0
		for d.poll(0)[a] != 0 {
			n := fill(t, a)
			filled += n
			if n == 0 {
				refused++
			}
			if refused == 100 {
				t.Fatal("writable, but nothing can be written")
			}
		}

		d.watch(b, Read)
		for got := 0; got < filled; {
			d.expectSome(b, Read)
			got += readFD(t, b, make([]byte, 1<<16))
		}
		d.expect(a, Write)
	})
}

// fill writes to fd until there is no room, and returns how much went in.
func fill(t *testing.T, fd int) (total int) {
	t.Helper()
	chunk := make([]byte, 1<<16)
	for {
		n := writeFD(t, fd, chunk)
		if n == 0 {
			return total
		}
		total += n
	}
}

func TestBothDirectionsAtOnce(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Read|Write)
		d.expect(a, Write)
		writeFD(t, b, []byte("data"))
		d.expect(a, Read|Write)
	})
}

func TestOnlyWhatIsWatchedIsReported(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		writeFD(t, b, []byte("data"))
		for _, in := range []Interest{Read, Write, Read | Write, Read, Read | Write, Write} {
			d.watch(a, in)
			d.expect(a, in)
		}
	})
}

func TestTwoDescriptorsAreKeptApart(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Read)
		d.watch(b, Read|Write)
		d.expect(b, Write)
		writeFD(t, b, []byte("to a"))
		d.expectAll(map[int]Interest{a: Read, b: Write})
		writeFD(t, a, []byte("to b"))
		d.expectAll(map[int]Interest{a: Read, b: Read | Write})
		d.watch(a, 0)
		d.expect(b, Read|Write)
	})
}

func TestRemovedDescriptorIsSilent(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		writeFD(t, b, []byte("data"))
		d.watch(a, Read|Write)
		d.expect(a, Read|Write)
		d.watch(a, 0)
		d.expectNothing()
		d.watch(a, Read)
		d.expect(a, Read)
	})
}

func TestChangesBeforeOneFlushAddUp(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		writeFD(t, b, []byte("data"))
		d.watch(a, Write)
		d.watch(a, 0)
		d.watch(a, Read|Write)
		d.watch(a, Read)
		d.expect(a, Read)
		d.watch(a, 0)
		d.watch(a, Write)
		d.expect(a, Write)
		d.watch(a, Read|Write)
		d.watch(a, 0)
		d.expectNothing()
	})
}

func TestDescriptorNumberIsReused(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		for range 5 {
			a, b := socketPair(t)
			d.watch(a, Read|Write)
			d.expect(a, Write)
			d.watch(a, 0)
			closeFD(a)
			closeFD(b)

			a, b = socketPair(t)
			d.watch(a, Read)
			d.expectNothing()
			writeFD(t, b, []byte("data"))
			d.expect(a, Read)
			d.watch(a, 0)
			closeFD(a)
			closeFD(b)
		}
	})
}

func TestEndOfFileIsReadable(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Read|Write)
		d.expect(a, Write)
		closeFD(b)
		d.expect(a, Read|Write)
		d.watch(a, Read)
		d.expect(a, Read)
		if n := readFD(t, a, make([]byte, 16)); n != 0 {
			t.Errorf("read %d bytes at end of file", n)
		}
	})
}

func TestEarlyCloseIsReportedWithoutReading(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		if d.Method().Features&FeatureEarlyClose == 0 {
			t.Skip("no early close")
		}
		a, b := socketPair(t)
		d.watch(a, Closed)
		d.expectNothing()
		writeFD(t, b, []byte("unread"))
		d.expectNothing()
		closeFD(b)
		d.expect(a, Closed)
		d.expect(a, Closed)
		d.watch(a, Read|Closed)
		d.expect(a, Read|Closed)
		d.watch(a, Read)
		d.expect(a, Read)
	})
}

func TestEdgeIsReportedOnce(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		if d.Method().Features&FeatureET == 0 {
			t.Skip("no edge triggering")
		}
		a, b := socketPair(t)
		d.watch(a, Read|Edge)
		d.expectNothing()
		writeFD(t, b, []byte("one"))
		d.expect(a, Read)
		d.expectNothing()
		writeFD(t, b, []byte("two"))
		d.expect(a, Read)
		d.expectNothing()

		// Without Edge the data that is still there counts.
		d.watch(a, 0)
		d.watch(a, Read)
		d.expect(a, Read)
		d.expect(a, Read)
	})
}

func TestBadDescriptorIsRefused(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		if err := d.Update(-1, 0, Read); err == nil {
			t.Error("a negative descriptor was accepted")
		}
		a, b := socketPair(t)
		d.watch(a, Read)
		writeFD(t, b, []byte("data"))
		d.expect(a, Read)
	})
}

func TestDescriptorClosedWhileWatchedHarmsNoOther(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		victim, _ := socketPair(t)
		d.watch(a, Read)
		d.watch(victim, Read)
		d.expectNothing()
		closeFD(victim)
		writeFD(t, b, []byte("data"))
		// It depends on the interface whether the victim is ready or gone.
		d.expectSome(a, Read)
		d.watch(victim, 0)
		d.expect(a, Read)
	})
}

// expectSome waits until want is ready on fd, whatever else is.
func (d *driver) expectSome(fd int, want Interest) {
	d.t.Helper()
	for start := time.Now(); ; {
		left := patience - time.Since(start)
		if left < 0 {
			d.t.Fatalf("fd %d never became ready for %v", fd, want)
		}
		if d.poll(left)[fd]&want == want {
			return
		}
	}
}

func TestTimeoutPasses(t *testing.T) {
	timeouts := []time.Duration{0, time.Nanosecond, 300 * time.Microsecond, 1500 * time.Microsecond, 20 * time.Millisecond}
	eachPoller(t, func(t *testing.T, d *driver) {
		a, _ := socketPair(t)
		d.watch(a, Read)
		for _, timeout := range timeouts {
			d.expectFullWait(timeout)
		}
	})
}

// expectFullWait checks that nothing happens for as long as timeout. A Wait
// may return early now and then, but not as a habit.
func (d *driver) expectFullWait(timeout time.Duration) {
	d.t.Helper()
	const mostWaits = 5
	start := time.Now()
	for waits := 1; ; waits++ {
		if ready := d.poll(max(0, timeout-time.Since(start))); len(ready) != 0 {
			d.t.Fatalf("ready: %v, want nothing", ready)
		}
		if time.Since(start) >= timeout {
			return
		}
		if waits == mostWaits {
			d.t.Fatalf("%d waits for %v returned early", waits, timeout)
		}
	}
}

func TestWakeBeforeWait(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		for range 3 {
			d.wake()
			d.poll(-1)
		}
		d.expectFullWait(10 * time.Millisecond)
	})
}

func TestManyWakesCountAsOne(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		for range 1000 {
			d.wake()
		}
		d.poll(-1)
		d.expectFullWait(10 * time.Millisecond)
	})
}

func TestWakeDoesNotHideEvents(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		d.watch(a, Read)
		writeFD(t, b, []byte("data"))
		d.wake()
		d.expect(a, Read)
	})
}

func TestWakeDuringWait(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
		d.exchangeWakes(200, func() {})
	})
}

// A Wait that blocks and keeps the only processor lasts until the scheduler
// interrupts it by force, so that it returns before it is woken.
func TestWaitingLeavesTheProcessorToOthers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	eachPoller(t, func(t *testing.T, d *driver) {
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
		const rounds = 20
		early := d.exchangeWakes(rounds, func() {
			for range 10 {
				runtime.Gosched() // to the waiting goroutine
			}
		})
		if early > rounds/2 {
			t.Errorf("%d of %d waits ended before they were woken", early, rounds)
		}
	})
}

// exchangeWakes ends as many endless Waits of another goroutine, calling pause
// before each Wake. It returns how many Waits ended too early.
func (d *driver) exchangeWakes(rounds int, pause func()) (early int) {
	d.t.Helper()
	var woken atomic.Bool
	returned := make(chan error)
	go func() {
		defer close(returned)
		for range rounds {
			_, err := d.wait(-1, nil)
			for err == nil && !woken.Swap(false) {
				early++
				_, err = d.wait(-1, nil)
			}
			returned <- err
		}
	}()
	for range rounds {
		pause()
		woken.Store(true)
		d.wake()
		if err := <-returned; err != nil {
			d.t.Errorf("wait: %v", err)
		}
	}
	<-returned
	return early
}

func (d *driver) wake() {
	d.t.Helper()
	if err := d.Wake(); err != nil {
		d.t.Fatalf("wake: %v", err)
	}
}

// TestUpdateDuringWait changes what is watched while another goroutine waits
// as a loop with a lock does: the lock is free during Wait only.
func TestUpdateDuringWait(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		var lock sync.Mutex
		var done bool
		seen := make(chan int)
		go func() {
			defer close(seen)
			for events := []Event(nil); ; {
				lock.Lock()
				stop, err := done, d.Flush()
				lock.Unlock()
				if stop {
					return
				}
				if err == nil {
					events, err = d.wait(-1, events[:0])
				}
				if err != nil {
					t.Errorf("flush or wait: %v", err)
					return
				}
				for _, e := range events {
					seen <- e.FD
				}
			}
		}()
		update := func(fd int, old, new Interest) {
			lock.Lock()
			defer lock.Unlock()
			if err := d.Update(fd, old, new); err != nil {
				t.Errorf("update: %v", err)
			}
			d.wake()
		}

		pairs := make([][2]int, 20)
		for i := range pairs {
			a, b := socketPair(t)
			pairs[i] = [2]int{a, b}
			writeFD(t, b, []byte("data"))
		}
		for _, p := range pairs {
			update(p[0], 0, Read)
			for fd := range seen {
				if fd == p[0] {
					break
				}
			}
			update(p[0], Read, 0)
		}
		lock.Lock()
		done = true
		d.wake()
		lock.Unlock()
		for range seen {
		}
	})
}

func TestWaitDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	eachPoller(t, func(t *testing.T, d *driver) {
		needsKernel(t)
		a, b := socketPair(t)
		writeFD(t, b, []byte("data"))
		d.watch(a, Read)
		d.expect(a, Read)
		idle, _ := socketPair(t)
		d.watch(idle, Read)

		events := make([]Event, 0, 16)
		cycle := func() {
			d.Update(a, Read, Read|Write)
			d.Flush()
			d.wait(0, events) // ready
			d.Update(a, Read|Write, 0)
			d.Flush()
			d.wait(0, events)                   // not ready
			d.wait(50*time.Microsecond, events) // times out
			d.Wake()
			d.wait(-1, events) // woken
			d.Update(a, 0, Read)
		}
		cycle()
		if n := testing.AllocsPerRun(100, cycle); n != 0 {
			t.Errorf("%v allocations in a cycle of waits, want none", n)
		}
	})
}
