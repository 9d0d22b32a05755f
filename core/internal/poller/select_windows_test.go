package poller

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

func newSelector(t *testing.T) (*selector, *driver) {
	t.Helper()
	p, err := openSelect(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*selector), &driver{Poller: p, t: t, watched: make(map[int]Interest)}
}

func TestFDSetIsLaidOutAsInC(t *testing.T) {
	var s fdSet
	s.clear()
	if s.pointer() != nil {
		t.Error("an empty set is not nil")
	}
	s.add(7)
	s.add(9)
	c := (*struct {
		count   uint32
		sockets [2]windows.Handle
	})(s.pointer())
	if c.count != 2 || c.sockets != [2]windows.Handle{7, 9} {
		t.Errorf("C would see %+v", *c)
	}
	if unsafe.Offsetof(c.sockets) != unsafe.Sizeof(s[0]) {
		t.Error("the number of sockets takes more or less than a word")
	}
}

func TestWin32WaitsWithoutSockets(t *testing.T) {
	_, d := newSelector(t)
	d.poll(1)
	d.wake()
	d.poll(-1)
}

func TestWin32ReportsASocketOnce(t *testing.T) {
	_, d := newSelector(t)
	a, b := socketPair(t)
	writeFD(t, b, []byte("x"))
	d.watch(a, Read|Write)
	d.expect(a, Read|Write)
	if len(d.events) != 1 {
		t.Errorf("events %v, want one", d.events)
	}
}

func TestWin32IgnoresUrgentData(t *testing.T) {
	p, d := newSelector(t)
	a, b := socketPair(t)
	fill(t, a)
	d.watch(a, Read|Write)
	const outOfBand = 1 // MSG_OOB
	if _, err := send(b, []byte("!"), outOfBand); err != nil {
		t.Fatal(err)
	}
	for !p.sockets[0].connected {
		if d.poll(patience)[a]&Read != 0 {
			t.Fatal("readable, but there is nothing to read")
		}
	}
	p.fillSets()
	if len(p.except.members()) != 0 {
		t.Error("urgent data will end every Wait")
	}
}

func TestWin32ForgetsTheStateOfAClosedSocket(t *testing.T) {
	p, d := newSelector(t)
	a, _ := socketPair(t)
	d.watch(a, Write)
	d.expect(a, Write)
	if err := d.Update(a, 0, Write); err != nil { // as after closing it without a word
		t.Fatal(err)
	}
	if len(p.sockets) != 1 || p.sockets[0].connected {
		t.Errorf("sockets are %+v", p.sockets)
	}
}
