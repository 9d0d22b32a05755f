package bridge_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

func TestReaderReadsWhatTheLoopPuts(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		var r bridge.Reader
		r.Init(base, bridge.Config{})
		result := make(chan string)
		go func() {
			all, err := io.ReadAll(&r)
			if err != nil {
				t.Error(err)
			}
			result <- string(all)
		}()
		for _, part := range []string{"one ", "two ", "three"} {
			evtest.Do(t, base, func() { want(t, "room", r.Put(buffer(t, part)), true) })
		}
		evtest.Do(t, base, func() { r.End(nil) })
		want(t, "read", await(t, result), "one two three")
		wantError(t, "the next Read", readError(&r), io.EOF)
		wantError(t, "Err", r.Err(), io.EOF)
	})
}

// Data comes before the reason of the loop, and the first reason counts.
func TestReaderReadsDataBeforeTheEnd(t *testing.T) {
	base, cause := evtest.Base(t), errors.New("cause")
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	r.Put(buffer(t, "data"))
	r.End(cause)
	r.End(io.EOF)
	late := buffer(t, "late")
	want(t, "room after the end", r.Put(late), false)
	want(t, "what stays where it was", late.Len(), 4)
	want(t, "data", read(t, &r), "data")
	wantError(t, "Read", readError(&r), cause)
}

// Put stops at the high mark, and Ready is called once when the low one is reached.
func TestReaderPausesAtTheHighMark(t *testing.T) {
	for _, tt := range []struct {
		name      string
		low       int
		wakeAfter int // bytes that have to be read
	}{
		{"half by default", 0, 5},
		{"a mark", 8, 2},
		{"more than high", 20, 1},
		{"none may be left", -1, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := evtest.Base(t)
			var r bridge.Reader
			calls := 0
			r.Init(base, bridge.Config{High: 10, Low: tt.low, Ready: func() { calls++ }})
			src := buffer(t, "0123456789abcdef")
			want(t, "room", r.Put(src), false)
			want(t, "left in the source", src.Len(), 6)
			want(t, "in the pipe", r.Len(), 10)
			one := make([]byte, 1)
			for i := 1; i <= 10; i++ {
				_, err := r.Read(one)
				ok(t, err)
				evtest.Turn(t, base)
				want(t, "calls of Ready", calls == 1, i >= tt.wakeAfter)
			}
			want(t, "room", r.Put(src), true)
			want(t, "left in the source", src.Len(), 0)
		})
	}
}

// A Put that has exactly filled the pipe, and left nothing, is followed by Ready, too.
func TestReaderTellsOfRoomAfterAFitting(t *testing.T) {
	base := evtest.Base(t)
	var r bridge.Reader
	calls := 0
	r.Init(base, bridge.Config{High: 4, Ready: func() { calls++ }})
	want(t, "room", r.Put(buffer(t, "full")), false)
	want(t, "read", read(t, &r), "full")
	evtest.Turn(t, base)
	want(t, "calls", calls, 1)
	want(t, "room", r.Put(evbuffer.New()), true)
}

func TestReaderClose(t *testing.T) {
	cause := errors.New("cause")
	for _, tt := range []struct {
		name  string
		close func(r *bridge.Reader) error
		err   error
	}{
		{"Close", (*bridge.Reader).Close, bridge.ErrClosed},
		{"with an error", func(r *bridge.Reader) error { return r.CloseWithError(cause) }, cause},
		{"with none", func(r *bridge.Reader) error { return r.CloseWithError(nil) }, bridge.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := evtest.Base(t)
			var r bridge.Reader
			calls := 0
			r.Init(base, bridge.Config{Ready: func() { calls++ }})
			r.Put(buffer(t, "discarded"))
			ok(t, tt.close(&r))
			want(t, "left", r.Len(), 0)
			wantError(t, "Read", readError(&r), tt.err)
			wantError(t, "Err", r.Err(), tt.err)
			wantError(t, "a second Close", r.Close(), bridge.ErrClosed)
			evtest.Turn(t, base)
			want(t, "calls of Ready", calls, 1)
			src := buffer(t, "late")
			want(t, "room", r.Put(src), false)
			want(t, "left in the source", src.Len(), 4)
		})
	}
}

func TestReaderCloseEndsAReadThatWaits(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		var r bridge.Reader
		r.Init(base, bridge.Config{})
		one := background(func() error { return readError(&r) })
		two := background(func() error { return readError(&r) })
		ok(t, r.Close())
		wantError(t, "Read", await(t, one), bridge.ErrClosed)
		wantError(t, "Read", await(t, two), bridge.ErrClosed)
	})
}

// A source may call the pipe from its callbacks: the lock is not held.
func TestReaderPutWithCallbacksOfTheSource(t *testing.T) {
	base := evtest.Base(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{High: 4})
	src := buffer(t, "0123456789")
	calls := 0
	src.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
		calls++
		if calls == 2 {
			ok(t, r.Close())
		} else {
			r.Len()
		}
	})
	want(t, "room", r.Put(src), false)
	want(t, "read", read(t, &r), "0123")
	want(t, "room", r.Put(src), false) // closed meanwhile
	want(t, "left in the pipe", r.Len(), 0)
	want(t, "calls", calls, 2)
}

// A source that is frozen ends the pipe rather than leaving its reader to wait.
func TestReaderPutFromAFrozenSource(t *testing.T) {
	base := evtest.Base(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	src := buffer(t, "data")
	ok(t, src.Freeze(evbuffer.Front))
	want(t, "room", r.Put(src), false)
	wantError(t, "Read", readError(&r), evbuffer.ErrFrozen)
}

func TestReaderReadOfNothing(t *testing.T) {
	base := evtest.Base(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	n, err := r.Read(nil)
	ok(t, err)
	want(t, "read", n, 0)
}

// What is read and put without waiting costs no memory.
func TestReaderDoesNotAllocate(t *testing.T) {
	base := evtest.Base(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	src, p := evbuffer.New(), make([]byte, 1000)
	data := []byte(strings.Repeat("x", len(p)))
	n := testing.AllocsPerRun(100, func() {
		ok(t, src.Add(data))
		r.Put(src)
		_, err := io.ReadFull(&r, p)
		ok(t, err)
	})
	if n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
