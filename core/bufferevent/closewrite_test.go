package bufferevent

import (
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// A half of a pair that reads little at a time still gets everything before it
// is told of the end.
func TestPairReportsTheEndAfterTheData(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	a, b, err := NewPair(base, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	defer b.Free()
	got, ended := 0, 0
	b.SetCallbacks(func(b *Bufferevent) {
		if ended > 0 {
			t.Errorf("%d bytes came after the end", b.Input().Len())
		}
		got += b.Input().Len()
		b.Input().Drain(b.Input().Len())
	}, nil, func(_ *Bufferevent, what Events) {
		if what != EventReading|EventEOF {
			t.Errorf("event %v, want the end", what)
		}
		ended++
	})
	if err := b.SetWatermark(event.Read, 0, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	settle := func() {
		for base.NumEvents(event.CountActive) > 0 {
			if _, err := base.Loop(event.LoopNonblock); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle()
	if got != 0 || ended != 0 {
		t.Errorf("%d bytes and %d ends came before anything was read", got, ended)
	}
	if err := b.Enable(event.Read); err != nil {
		t.Fatal(err)
	}
	settle()
	if got != 100 || ended != 1 {
		t.Errorf("%d bytes of 100 came, and %d ends", got, ended)
	}
}
