package poller

import (
	"errors"
	"testing"

	"golang.org/x/sys/windows"
)

func newWepoll(t *testing.T) (*wepoll, *driver) {
	t.Helper()
	p, err := openWepoll(Options{CPUs: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*wepoll), &driver{Poller: p, t: t, watched: make(map[int]Interest)}
}

func TestWepollPollsThroughAsFewHandlesAsItMay(t *testing.T) {
	const sockets = 3*wepollGroupSize + 1
	w, d := newWepoll(t)
	var near [sockets]int
	for i := range near {
		near[i], _ = socketPair(t)
	}
	for range 3 { // places are used again
		for _, fd := range near {
			d.watch(fd, Read)
		}
		if got := len(w.groups); got != 4 {
			t.Errorf("%d sockets took %d handles, want 4", sockets, got)
		}
		for _, fd := range near {
			d.watch(fd, 0)
		}
		for w.polling > 0 {
			d.poll(patience)
		}
	}
}

func TestWepollTellsWhatIsAddedToAPollUnderWay(t *testing.T) {
	_, d := newWepoll(t)
	a, _ := socketPair(t)
	d.watch(a, Read)
	d.expectNothing()
	d.watch(a, Read|Write)
	d.expect(a, Write)
}

func TestWepollPassesOverWhatIsNoLongerWatched(t *testing.T) {
	_, d := newWepoll(t)
	a, b := socketPair(t)
	d.watch(a, Read|Write)
	d.watch(a, Read) // the poll that has found Write remains
	d.expectNothing()
	if len(d.events) != 0 {
		t.Errorf("events %v, want none", d.events)
	}
	writeFD(t, b, []byte("x"))
	d.expect(a, Read)
}

func TestWepollWatchesASocketUnderTheNumberOfAClosedOne(t *testing.T) {
	w, d := newWepoll(t)
	a, b := socketPair(t)
	d.watch(a, Read)
	d.expectNothing()
	before := w.sockets[a]
	if err := d.Update(a, 0, Read); err != nil { // as after closing it without a word
		t.Fatal(err)
	}
	if w.sockets[a] == before {
		t.Error("the poll of the closed socket still counts")
	}
	writeFD(t, b, []byte("x"))
	d.expect(a, Read)
	d.expect(a, Read)
}

func TestWepollLearnsThatASocketWasClosed(t *testing.T) {
	w, d := newWepoll(t)
	a, _ := socketPair(t)
	d.watch(a, Read)
	d.expectNothing()
	closeFD(a)
	events, err := d.wait(patience, nil)
	if len(events) != 0 || err != nil || len(w.sockets) != 0 {
		t.Errorf("events %v, %v, %d sockets, want none", events, err, len(w.sockets))
	}
}

func TestWepollChangesThatCancelOutCostNoPoll(t *testing.T) {
	w, d := newWepoll(t)
	a, _ := socketPair(t)
	d.watch(a, Read)
	d.expectNothing()
	d.watch(a, Read|Write)
	d.watch(a, Read)
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	if s := w.sockets[a]; s.cancelled || s.asked != afdEvents(Read) {
		t.Error("the poll under way was replaced")
	}
}

func TestWepollClosesWithPollsUnderWay(t *testing.T) {
	p, err := openWepoll(Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := p.(*wepoll)
	var near, far [2*wepollGroupSize + 1]int
	for i := range near {
		near[i], far[i] = socketPair(t)
		if err := w.Update(near[i], 0, Read); err != nil {
			t.Fatal(err)
		}
	}
	writeFD(t, far[0], []byte("x")) // one is answered, the others wait
	if _, ok := openWepolls.Load(w); !ok {
		t.Error("an open wepoll is not kept from the garbage collector")
	}
	for range 2 { // the second time does nothing
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if w.polling != 0 {
		t.Errorf("%d polls are still under way", w.polling)
	}
	if _, ok := openWepolls.Load(w); ok {
		t.Error("a closed wepoll is kept from the garbage collector")
	}
	if err := w.Wake(); err != nil {
		t.Errorf("Wake after Close: %v", err)
	}
}

func TestWepollWakesCountAsOne(t *testing.T) {
	w, _ := newWepoll(t)
	for range 3 {
		for range 5 {
			if err := w.Wake(); err != nil {
				t.Fatal(err)
			}
		}
		n, err := takePackets(w.port, w.packets, 0)
		if n != 1 || err != nil {
			t.Fatalf("%d packets, %v, want 1", n, err)
		}
		w.complete(&w.packets[0], nil)
	}
}

func TestWepollTakesMorePacketsWhenManyCome(t *testing.T) {
	w, d := newWepoll(t)
	all := make(map[int]Interest)
	for range 2 * minPackets {
		a, _ := socketPair(t)
		d.watch(a, Write)
		all[a] = Write
	}
	d.expectAll(all)
	if len(w.packets) <= minPackets {
		t.Errorf("room for %d packets, want more", len(w.packets))
	}
}

func TestWepollTellsOfAPeerThatShutsDown(t *testing.T) {
	_, d := newWepoll(t)
	a, b := socketPair(t)
	d.watch(a, Closed)
	d.expectNothing()
	if err := windows.Shutdown(windows.Handle(b), windows.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	d.expect(a, Closed)
	d.expect(a, Closed)
	d.watch(a, Read|Write|Closed)
	d.expect(a, Read|Write|Closed)
}

func TestBaseSocketOfAPlainSocketIsItself(t *testing.T) {
	a, _ := socketPair(t)
	base, err := baseSocket(windows.Handle(a))
	if base != windows.Handle(a) || err != nil {
		t.Errorf("got %v, %v, want %v", base, err, a)
	}
	if _, err := baseSocket(windows.InvalidHandle); !errors.Is(err, windows.WSAENOTSOCK) {
		t.Errorf("got %v for no socket, want WSAENOTSOCK", err)
	}
}
