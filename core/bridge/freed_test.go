package bridge_test

import (
	"io"
	"testing"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// stopped makes a base with a loop that has ended.
func stopped(t testing.TB) *event.Base {
	t.Helper()
	base, err := event.NewBase()
	ok(t, err)
	return base
}

func TestFreeOfTheBaseEndsWhatWaits(t *testing.T) {
	for range 20 { // before, while, and after the calls begin to wait
		base := stopped(t)
		var r bridge.Reader
		r.Init(base, bridge.Config{})
		var w bridge.Writer
		w.Init(base, bridge.Config{High: 1})
		ok(t, writeError(&w))
		results := []<-chan error{
			background(func() error { return readError(&r) }),
			background(func() error { return readError(&r) }),
			background(func() error { return writeError(&w) }),
			background(w.Flush),
		}
		base.Free()
		for _, result := range results {
			wantError(t, "result", await(t, result), event.ErrFreed)
		}
		wantError(t, "Read", readError(&r), event.ErrFreed)
		wantError(t, "Write", writeError(&w), event.ErrFreed)
		want(t, "Err", r.Err(), event.ErrFreed)
		want(t, "Err", w.Err(), event.ErrFreed)
		ok(t, r.Close())
		ok(t, w.Close())
	}
}

// What has come before is read, and what was written is freed.
func TestFreeOfTheBaseWithData(t *testing.T) {
	base := stopped(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	r.Put(buffer(t, "data"))
	var w bridge.Writer
	w.Init(base, bridge.Config{})
	src, cleaned := evbuffer.New(), make(chan struct{})
	ok(t, src.AddReference([]byte("reference"), func([]byte) { close(cleaned) }))
	ok(t, w.WriteBuffer(src))
	flushed := background(w.Flush)
	base.Free()
	wantError(t, "Flush", await(t, flushed), event.ErrFreed)
	await(t, cleaned)
	want(t, "read", read(t, &r), "data")
	wantError(t, "Read", readError(&r), event.ErrFreed)
}

// A pipe whose base was freed before anything has waited is ended as well.
func TestPipeOfABaseThatWasFreed(t *testing.T) {
	base := stopped(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	var w, full bridge.Writer
	w.Init(base, bridge.Config{Ready: func() {}})
	full.Init(base, bridge.Config{High: 1})
	ok(t, writeError(&full))
	base.Free()
	wantError(t, "Read", readError(&r), event.ErrFreed)
	src, cleaned := evbuffer.New(), false
	ok(t, src.AddReference([]byte("reference"), func([]byte) { cleaned = true }))
	ok(t, w.WriteBuffer(src)) // it is found out by notifying the loop
	want(t, "cleaned", cleaned, true)
	wantError(t, "Write", writeError(&w), event.ErrFreed)
	wantError(t, "Write", writeError(&full), event.ErrFreed)
	wantError(t, "Flush", w.Flush(), event.ErrFreed)
}

// Flush may wait after Close, and learns that the base is freed even then.
func TestFreeOfTheBaseAfterClose(t *testing.T) {
	base := stopped(t)
	var w bridge.Writer
	w.Init(base, bridge.Config{High: 1})
	ok(t, writeError(&w))
	early := background(w.Flush)
	ok(t, w.Close())
	late := background(w.Flush)
	var b evbuffer.Buffer
	_, err := w.Take(&b)
	wantError(t, "Take", err, io.EOF)
	base.Free()
	wantError(t, "Flush", await(t, early), event.ErrFreed)
	wantError(t, "Flush", await(t, late), event.ErrFreed)
}
