package event_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceIO(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a level-triggered event repeats until the data is read", testLevelTrigger},
		{"an edge-triggered event comes once for each arrival", testEdgeTrigger},
		{"an edge-triggered event that reads everything misses nothing", testEdgeTriggerEcho},
		{"an event without Persist is deleted before its callback", testOneShot},
		{"an event without Persist can add itself again", testOneShotAgain},
		{"a persistent event stays until Del", testPersistent},
		{"adding a pending event again changes nothing", testAddTwice},
		{"one event waits to read and to write", testReadAndWrite},
		{"a callback is told only what its event waits for", testOwnShare},
		{"interest in one direction ends and comes back", testChangeInterest},
		{"a change that is undone before the loop looks is none", testChangeUndone},
		{"a change of one descriptor leaves the others watched", testChangeAmongOthers},
		{"a descriptor is watched until the last of its events is deleted", testLastEvent},
		{"a thousand events on one descriptor all run", testThousandEvents},
		{"megabytes go through a connection both ways", testTransfer},
	})
}

func TestConformanceCallbacks(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"an event is added on another descriptor", testAddOther},
		{"an event is added on the same descriptor", testAddSameDescriptor},
		{"an active event that is deleted does not run", testDeleteOther},
		{"an active event on the same descriptor that is deleted does not run", testDeleteSameDescriptor},
		{"an event deletes itself", testDeleteItself},
		{"an event frees itself", testFreeItself},
		{"an event is assigned anew", testAssignItself},
		{"two events add each other in turn", testAddEachOther},
		{"a descriptor is closed and its number used again", testReuseDescriptor},
		{"readiness of a closed descriptor is not taken for its successor's", testStaleReadiness},
	})
}

func TestConformanceManyDescriptors(t *testing.T) {
	onEveryBackend(t, []behaviour{{"those that are ready are found", testManyDescriptors}})
}

func testLevelTrigger(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "abc")
	var got string
	addEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, what event.What) {
		same(t, "what", what, event.Read)
		var one [1]byte
		_, err := sysRead(r, one[:])
		ok(t, err)
		got += string(one[:])
		if got == "abc" {
			ok(t, ev.Del())
		}
	})
	dispatch(t, b)
	same(t, "read", got, "abc")
}

func testEdgeTrigger(t *testing.T, on backend) {
	if !on.has(t, event.FeatureET) {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	addEvent(t, b, r, event.Read|event.ET|event.Persist, c.note)
	const edge = event.Read | event.ET
	send(t, w, r, "ab")
	runOnce(t, b)
	c.want(t, edge)
	runReady(t, b)
	c.want(t, edge)
	send(t, w, r, "cd")
	runOnce(t, b)
	c.want(t, edge, edge)
	runReady(t, b)
	c.want(t, edge, edge)
}

func testEdgeTriggerEcho(t *testing.T, on backend) {
	if !on.has(t, event.FeatureET) {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	rounds, wrote := 0, ""
	addEvent(t, b, r, event.Read|event.ET|event.Persist, func(ev *event.Event, _ event.What) {
		data, _ := readAll(t, r)
		same(t, "read", data, wrote)
		if rounds++; rounds == 100 {
			ok(t, ev.Del())
			return
		}
		wrote = fmt.Sprint("round ", rounds)
		send(t, w, r, wrote)
	})
	wrote = "first"
	send(t, w, r, wrote)
	dispatch(t, b)
	same(t, "rounds", rounds, 100)
}

func testOneShot(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	addEvent(t, b, r, event.Read, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		same(t, "pending in the callback", ev.Pending(event.Read), 0)
		same(t, "events", added(b), 0)
	})
	dispatch(t, b)
	c.want(t, event.Read)
}

func testOneShotAgain(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	addEvent(t, b, r, event.Read, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		if len(c) < 3 {
			ok(t, ev.Add())
		}
	})
	dispatch(t, b)
	c.want(t, event.Read, event.Read, event.Read)
}

func testPersistent(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := addEvent(t, b, r, event.Read|event.Persist, c.note)
	for range 3 {
		send(t, w, r, "x")
		runOnce(t, b)
		readAll(t, r)
		same(t, "pending", ev.Pending(event.Read), event.Read)
	}
	c.want(t, event.Read, event.Read, event.Read)
	ok(t, ev.Del())
	send(t, w, r, "x")
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	c.want(t, event.Read, event.Read, event.Read)
}

func testAddTwice(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := addEvent(t, b, r, event.Read|event.Persist, c.note)
	ok(t, ev.Add())
	same(t, "events", added(b), 1)
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
	ok(t, ev.Del())
	ok(t, ev.Del())
	same(t, "events", added(b), 0)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
}

func testReadAndWrite(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	addEvent(t, b, r, event.Read|event.Write|event.Persist, c.note)
	runOnce(t, b)
	c.want(t, event.Write)
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Write, event.Read|event.Write)
}

func testOwnShare(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var reads, writes, both calls
	addEvent(t, b, r, event.Read, reads.note)
	addEvent(t, b, r, event.Write, writes.note)
	addEvent(t, b, r, event.Read|event.Write, both.note)
	dispatch(t, b)
	reads.want(t, event.Read)
	writes.want(t, event.Write)
	if len(both) != 1 || both[0] == 0 || both[0]&^(event.Read|event.Write) != 0 {
		t.Errorf("the event for both was told %v", both)
	}
}

func testChangeInterest(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var reads, writes calls
	reader := addEvent(t, b, r, event.Read|event.Persist, reads.note)
	writer := addEvent(t, b, r, event.Write|event.Persist, writes.note)
	runOnce(t, b)
	writes.want(t, event.Write)

	ok(t, writer.Del())
	send(t, w, r, "x")
	runOnce(t, b)
	reads.want(t, event.Read)
	writes.want(t, event.Write)

	ok(t, writer.Add())
	ok(t, reader.Del())
	runOnce(t, b)
	reads.want(t, event.Read)
	writes.want(t, event.Write, event.Write)
}

func testChangeUndone(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var reads, writes calls
	reader := addEvent(t, b, r, event.Read|event.Persist, reads.note)
	runReady(t, b) // the kernel knows of reader
	writer := addEvent(t, b, r, event.Write|event.Persist, writes.note)
	ok(t, writer.Del())
	ok(t, reader.Del())
	ok(t, reader.Add())
	send(t, w, r, "x")
	runOnce(t, b)
	reads.want(t, event.Read)
	writes.want(t)
}

func testChangeAmongOthers(t *testing.T, on backend) {
	b := on.base(t)
	var pairs [5][2]int
	var got [5]calls
	var events [5]*event.Event
	for i := range pairs {
		pairs[i][0], pairs[i][1] = socketPair(t)
		events[i] = addEvent(t, b, pairs[i][0], event.Read|event.Persist, got[i].note)
	}
	for i, changed := range events {
		ok(t, changed.Del())
		runReady(t, b)
		ok(t, changed.Add())
		runReady(t, b)
		for j, p := range pairs {
			send(t, p[1], p[0], "x")
			runOnce(t, b)
			same(t, fmt.Sprintf("calls of %d after a change of %d", j, i), len(got[j]), i+1)
			readAll(t, p[0])
		}
	}
}

func testLastEvent(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var first, second calls
	one := addEvent(t, b, r, event.Read|event.Persist, first.note)
	two := addEvent(t, b, r, event.Read|event.Persist, second.note)
	runOnce(t, b)
	ok(t, one.Del())
	runOnce(t, b)
	first.want(t, event.Read)
	second.want(t, event.Read, event.Read)
	ok(t, two.Del())
	runReady(t, b)
	second.want(t, event.Read, event.Read)
}

func testThousandEvents(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	const n = 1000
	var ran [n]int
	var events [n]*event.Event
	for i := range events {
		events[i] = addEvent(t, b, r, event.Read|event.Persist, func(*event.Event, event.What) { ran[i]++ })
	}
	same(t, "events", added(b), n)
	send(t, w, r, "x")
	runOnce(t, b)

	for i := 0; i < n; i += 2 { // the first, the last and those between
		ok(t, events[i].Del())
	}
	ok(t, events[n-1].Del())
	same(t, "events left", added(b), n/2-1)
	runOnce(t, b)
	for i := range events {
		want := 2
		if i%2 == 0 || i == n-1 {
			want = 1
		}
		same(t, fmt.Sprint("calls of event ", i), ran[i], want)
	}

	for _, ev := range events {
		ok(t, ev.Del())
	}
	same(t, "events left", added(b), 0)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	ok(t, events[7].Add())
	runOnce(t, b)
	same(t, "calls of event 7", ran[7], 3)
}

// testTransfer sends a pattern each way, far more than fits into the buffers.
func testTransfer(t *testing.T, on backend) {
	b := on.base(t)
	x, y := socketPair(t)
	pattern := make([]byte, 3<<20)
	for i := range pattern {
		pattern[i] = byte(i ^ i>>8 ^ i>>16)
	}
	for _, way := range [][2]int{{x, y}, {y, x}} {
		unsent := pattern
		addEvent(t, b, way[0], event.Write|event.Persist, func(ev *event.Event, _ event.What) {
			n, err := sysWrite(ev.FD(), unsent)
			if !wouldBlock(err) {
				ok(t, err)
				unsent = unsent[n:]
			}
			if len(unsent) == 0 {
				ok(t, ev.Del())
			}
		})
		missing := pattern
		buf := make([]byte, 1<<16)
		addEvent(t, b, way[1], event.Read|event.Persist, func(ev *event.Event, _ event.What) {
			n, err := sysRead(ev.FD(), buf)
			if wouldBlock(err) {
				return
			}
			ok(t, err)
			if n == 0 || !bytes.HasPrefix(missing, buf[:n]) {
				t.Fatal("what came is not what was sent")
			}
			if missing = missing[n:]; len(missing) == 0 {
				ok(t, ev.Del())
			}
		})
	}
	dispatch(t, b)
	same(t, "events left", added(b), 0)
}

func testAddOther(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var tr trace
	other := newEvent(t, b, w, event.Write, tr.cb("other"))
	addEvent(t, b, r, event.Read, func(*event.Event, event.What) {
		tr.add("first")
		ok(t, other.Add())
	})
	dispatch(t, b)
	tr.want(t, "first", "other")
}

func testAddSameDescriptor(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var tr trace
	addEvent(t, b, r, event.Read, func(ev *event.Event, _ event.What) {
		tr.add("reader")
		addEvent(t, b, r, event.Read, tr.cb("second reader"))
	})
	dispatch(t, b)
	tr.want(t, "reader", "second reader")
}

// testDeleteOther has each of two active events delete the other, so that the one
// that comes first must be the only one.
func testDeleteOther(t *testing.T, on backend) {
	x, y := socketPair(t)
	deleteEachOther(t, on, x, y)
}

func testDeleteSameDescriptor(t *testing.T, on backend) {
	x, _ := socketPair(t)
	deleteEachOther(t, on, x, x)
}

func deleteEachOther(t *testing.T, on backend, fd1, fd2 int) {
	b := on.base(t)
	ran := 0
	var one, two *event.Event
	delBoth := func(*event.Event, event.What) {
		ran++
		same(t, "active", one.Pending(event.Write)|two.Pending(event.Write), event.Write)
		ok(t, one.Del())
		ok(t, two.Del())
	}
	one = addEvent(t, b, fd1, event.Write|event.Persist, delBoth)
	two = addEvent(t, b, fd2, event.Write|event.Persist, delBoth)
	awaitReady(t, one, two)
	dispatch(t, b)
	same(t, "callbacks", ran, 1)
	same(t, "active events", b.NumEvents(event.CountActive), 0)
}

// awaitReady makes sure that the loop will find all the events ready at once,
// even where what was done to a socket takes its time.
func awaitReady(t testing.TB, events ...*event.Event) {
	t.Helper()
	probe, err := event.NewBase()
	ok(t, err)
	defer probe.Free()
	for _, ev := range events {
		ok(t, probe.Once(ev.FD(), ev.What()&(event.Read|event.Write), -1, ignore))
	}
	dispatch(t, probe)
}

func testDeleteItself(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	var c calls
	addEvent(t, b, r, event.Write|event.Persist, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		ok(t, ev.Del())
		same(t, "pending", ev.Pending(event.Write), 0)
	})
	dispatch(t, b)
	c.want(t, event.Write)
}

func testFreeItself(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	for _, what := range []event.What{event.Write, event.Write | event.Persist} {
		var c calls
		ev := addEvent(t, b, r, what, func(ev *event.Event, what event.What) {
			c.note(ev, what)
			ev.Free()
		})
		dispatch(t, b)
		c.want(t, event.Write)
		same(t, "initialized", ev.Initialized(), false)
		if err := ev.Add(); !errors.Is(err, event.ErrNotAssigned) {
			t.Fatalf("adding a freed event: %v", err)
		}
	}
}

func testAssignItself(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	var tr trace
	addEvent(t, b, r, event.Write|event.Persist, func(ev *event.Event, _ event.What) {
		tr.add("writable")
		ok(t, ev.Del())
		ok(t, ev.AssignTimer(b, tr.cb("timer")))
		ok(t, ev.AddTimeout(0))
	})
	dispatch(t, b)
	tr.want(t, "writable", "timer")
}

func testAddEachOther(t *testing.T, on backend) {
	b := on.base(t)
	x, y := socketPair(t)
	ran := 0
	var one, two *event.Event
	addNext := func(ev *event.Event, _ event.What) {
		if ran++; ran == 100 {
			return
		}
		if ev == one {
			ok(t, two.Add())
		} else {
			ok(t, one.Add())
		}
	}
	one = newEvent(t, b, x, event.Write, addNext)
	two = newEvent(t, b, y, event.Write, addNext)
	ok(t, one.Add())
	dispatch(t, b)
	same(t, "callbacks", ran, 100)
}

// testReuseDescriptor closes a descriptor in a callback and opens another, which
// gets the same number on Unix, so that the loop sees no change in what is
// watched, and yet everything has changed.
func testReuseDescriptor(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "old")
	var data string
	addEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, _ event.What) {
		ok(t, ev.Del())
		closeFD(t, r)
		closeFD(t, w)
		r, w = socketPair(t)
		addEvent(t, b, r, event.Read, func(*event.Event, event.What) { data, _ = readAll(t, r) })
		onlyNew := addEvent(t, b, w, event.Write, ignore)
		ok(t, onlyNew.Del())
		send(t, w, r, "new")
	})
	dispatch(t, b)
	same(t, "read", data, "new")
}

func testStaleReadiness(t *testing.T, on backend) {
	b := on.base(t)
	x1, y1 := socketPair(t)
	x2, y2 := socketPair(t)
	send(t, y1, x1, "x")
	send(t, y2, x2, "x")
	var stale calls
	var one, two *event.Event
	replaceOther := func(ev *event.Event, _ event.What) {
		other := one
		if ev == one {
			other = two
		}
		ok(t, other.Del())
		closeFD(t, other.FD())
		r, _ := socketPair(t)
		ok(t, other.Assign(b, r, event.Read|event.Persist, stale.note))
		ok(t, other.Add())
	}
	one = addEvent(t, b, x1, event.Read, replaceOther)
	two = addEvent(t, b, x2, event.Read, replaceOther)
	awaitReady(t, one, two)
	runOnce(t, b)
	runReady(t, b)
	stale.want(t)
}

// testManyDescriptors watches as many as a busy server has, of which few are ready.
func testManyDescriptors(t *testing.T, on backend) {
	needsHighDescriptors(t, on)
	if on.method == "select" && runtime.GOOS == "darwin" {
		t.Skip("select takes descriptors below 1024 here")
	}
	allowDescriptors(t, 2*manyPairs)
	b := on.base(t)
	var peers [manyPairs]int
	ready := make(map[int]int)
	for i := range peers {
		r, w := socketPair(t)
		peers[i] = w
		addEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, _ event.What) {
			ready[i]++
			readAll(t, ev.FD())
			if len(ready) == manyPairs/7 {
				b.LoopBreak()
			}
		})
		addEvent(t, b, w, event.Read|event.Persist, func(*event.Event, event.What) {
			t.Error("nothing was sent this way")
		})
	}
	for i := 0; i < manyPairs/7; i++ {
		_, err := sysWrite(peers[7*i], []byte("x"))
		ok(t, err)
	}
	dispatch(t, b)
	for i := range peers {
		want := 0
		if i%7 == 0 && i/7 < manyPairs/7 {
			want = 1
		}
		same(t, fmt.Sprint("calls of connection ", i), ready[i], want)
	}
}
