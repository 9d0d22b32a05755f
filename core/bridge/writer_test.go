package bridge_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

func TestWriterHandsDataToTheLoop(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		var w bridge.Writer
		var got evbuffer.Buffer
		ended := make(chan error, 1)
		w.Init(base, bridge.Config{Ready: func() {
			n, err := w.Take(&got)
			w.Ack(n)
			if err != nil {
				ended <- err
			}
		}})
		for _, part := range []string{"one ", "two ", "three"} {
			n, err := w.Write([]byte(part))
			ok(t, err)
			want(t, "written", n, len(part))
		}
		ok(t, w.WriteBuffer(buffer(t, " four")))
		ok(t, w.Close())
		ok(t, w.Flush())
		wantError(t, "the end", await(t, ended), io.EOF)
		evtest.Do(t, base, func() { want(t, "taken", text(t, &got), "one two three four") })
		wantError(t, "Write", writeError(&w), bridge.ErrClosed)
		wantError(t, "WriteBuffer", w.WriteBuffer(buffer(t, "x")), bridge.ErrClosed)
		wantError(t, "Close", w.Close(), bridge.ErrClosed)
	})
}

// The end is reported with the last data.
func TestWriterCloseComesAfterData(t *testing.T) {
	cause := errors.New("cause")
	for _, tt := range []struct {
		name  string
		close func(w *bridge.Writer) error
		err   error
	}{
		{"Close", (*bridge.Writer).Close, io.EOF},
		{"with an error", func(w *bridge.Writer) error { return w.CloseWithError(cause) }, cause},
		{"with none", func(w *bridge.Writer) error { return w.CloseWithError(nil) }, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := evtest.Base(t)
			var w bridge.Writer
			w.Init(base, bridge.Config{})
			var got evbuffer.Buffer
			ok(t, w.WriteBuffer(buffer(t, "data")))
			n, err := w.Take(&got)
			ok(t, err)
			want(t, "taken", n, 4)
			ok(t, w.WriteBuffer(buffer(t, " and more")))
			ok(t, tt.close(&w))
			n, err = w.Take(&got)
			wantError(t, "Take", err, tt.err)
			want(t, "taken", n, 9)
			want(t, "all", text(t, &got), "data and more")
		})
	}
}

// What the loop has taken counts until it is acknowledged.
func TestWriterWaitsForAcknowledgement(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		var w bridge.Writer
		ready := make(chan struct{}, 100)
		w.Init(base, bridge.Config{High: 10, Low: 5, Ready: func() { ready <- struct{}{} }})
		ok(t, w.WriteBuffer(buffer(t, strings.Repeat("x", 14)))) // all of it, since there was room
		result := background(func() error { _, err := w.Write([]byte("yy")); return err })
		flushed := background(w.Flush)
		await(t, ready)
		var got evbuffer.Buffer
		evtest.Do(t, base, func() {
			n, err := w.Take(&got)
			ok(t, err)
			want(t, "taken", n, 14)
			w.Ack(8) // 6 are left
		})
		select {
		case err := <-result:
			t.Fatalf("Write has not waited: %v", err)
		case err := <-flushed:
			t.Fatalf("Flush has not waited: %v", err)
		default:
		}
		evtest.Do(t, base, func() { w.Ack(1) })
		ok(t, await(t, result))
		await(t, ready)
		evtest.Do(t, base, func() {
			n, err := w.Take(&got)
			ok(t, err)
			want(t, "taken", n, 2)
			w.Ack(7)
		})
		ok(t, await(t, flushed))
	})
}

// One notification is enough for all that is written before the loop comes to it.
func TestWriterNotifiesOnce(t *testing.T) {
	base := evtest.Base(t)
	var w bridge.Writer
	calls := 0
	w.Init(base, bridge.Config{Ready: func() { calls++ }})
	for range 10 {
		ok(t, writeError(&w))
	}
	ok(t, w.Close())
	evtest.Turn(t, base)
	evtest.Turn(t, base)
	want(t, "calls", calls, 1)
}

func TestWriterIsNotNotifiedAfterEnd(t *testing.T) {
	base := evtest.Base(t)
	var w bridge.Writer
	w.Init(base, bridge.Config{Ready: func() { t.Error("Ready was called") }})
	ok(t, writeError(&w))
	w.End(io.ErrUnexpectedEOF) // while the call is pending
	ok(t, w.Close())
	evtest.Turn(t, base)
}

// End discards data, and runs the cleanup of references without the lock.
func TestWriterEnd(t *testing.T) {
	base := evtest.Base(t)
	var w bridge.Writer
	w.Init(base, bridge.Config{})
	src, cleaned := evbuffer.New(), false
	ok(t, src.AddReference([]byte("reference"), func([]byte) { cleaned = w.Len() == 0 }))
	ok(t, w.WriteBuffer(src))
	cause := errors.New("cause")
	w.End(cause)
	w.End(io.ErrUnexpectedEOF)
	want(t, "cleaned", cleaned, true)
	wantError(t, "Write", writeError(&w), cause)
	wantError(t, "Flush", w.Flush(), cause)
	wantError(t, "Err", w.Err(), cause)
	ok(t, w.Close())
	wantError(t, "Write", writeError(&w), bridge.ErrClosed)
}

// What was acknowledged before the end has been flushed.
func TestWriterFlushAfterEnd(t *testing.T) {
	base := evtest.Base(t)
	var w bridge.Writer
	w.Init(base, bridge.Config{})
	ok(t, writeError(&w))
	n, err := w.Take(evbuffer.New())
	ok(t, err)
	w.Ack(n)
	w.End(io.ErrNoProgress)
	ok(t, w.Flush())
	wantError(t, "Write", writeError(&w), io.ErrNoProgress)
}

func TestWriterEndEndsWhatWaits(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		var w bridge.Writer
		w.Init(base, bridge.Config{High: 1})
		ok(t, writeError(&w))
		one := background(func() error { return writeError(&w) })
		two := background(func() error { return writeError(&w) })
		three := background(w.Flush)
		evtest.Do(t, base, func() { w.End(io.ErrNoProgress) })
		for _, result := range []<-chan error{one, two, three} {
			wantError(t, "result", await(t, result), io.ErrNoProgress)
		}
	})
}

func TestWriterCloseEndsAWriteThatWaits(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		var w bridge.Writer
		w.Init(base, bridge.Config{High: 4})
		type result struct {
			n   int
			err error
		}
		results := make(chan result)
		go func() {
			n, err := w.Write([]byte("0123456789"))
			results <- result{n, err}
		}()
		for w.Len() < 4 { // it is on its way
			evtest.Do(t, base, func() {})
		}
		ok(t, w.Close())
		got := await(t, results)
		want(t, "written", got.n, 4)
		wantError(t, "Write", got.err, bridge.ErrClosed)
		evtest.Do(t, base, func() {
			var b evbuffer.Buffer
			_, err := w.Take(&b)
			wantError(t, "Take", err, io.EOF)
			want(t, "taken", text(t, &b), "0123")
		})
	})
}

// What several goroutines write at the same time is not mixed.
func TestWriterDoesNotMixWrites(t *testing.T) {
	onEveryMethod(t, func(t *testing.T, base *event.Base) {
		const writers, size = 4, 1000
		var w bridge.Writer
		var got evbuffer.Buffer
		w.Init(base, bridge.Config{High: 7, Ready: func() {
			n, err := w.Take(&got)
			ok(t, err)
			w.Ack(n)
		}})
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() {
				if _, err := w.Write([]byte(strings.Repeat(string(rune('a'+i)), size))); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		ok(t, w.Flush())
		evtest.Do(t, base, func() {
			all := text(t, &got)
			want(t, "written", len(all), writers*size)
			for i := range writers {
				part := all[i*size : (i+1)*size]
				want(t, "one writer's part", part, strings.Repeat(part[:1], size))
			}
		})
	})
}

// A destination may call the pipe from its callbacks; one that is frozen ends it.
func TestWriterTakeToAnyBuffer(t *testing.T) {
	base := evtest.Base(t)
	var w bridge.Writer
	w.Init(base, bridge.Config{})
	dst := evbuffer.New()
	dst.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { w.Ack(w.Len() + 1) })
	ok(t, writeError(&w))
	n, err := w.Take(dst)
	ok(t, err)
	want(t, "taken", n, 1)
	ok(t, w.Flush())
	ok(t, writeError(&w))
	ok(t, dst.Freeze(evbuffer.Back))
	_, err = w.Take(dst)
	wantError(t, "Take", err, evbuffer.ErrFrozen)
	wantError(t, "Write", writeError(&w), evbuffer.ErrFrozen)
}

func TestWriterWritesNothing(t *testing.T) {
	base := evtest.Base(t)
	var w bridge.Writer
	w.Init(base, bridge.Config{Ready: func() { t.Error("Ready was called") }})
	n, err := w.Write(nil)
	ok(t, err)
	want(t, "written", n, 0)
	ok(t, w.WriteBuffer(evbuffer.New()))
	ok(t, w.Flush())
	evtest.Turn(t, base)
	var got evbuffer.Buffer
	n, err = w.Take(&got)
	ok(t, err)
	want(t, "taken", n, 0)
}
