package evbuffer_test

import (
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evtest"
)

// What would break the object that a buffer is a part of is refused, and has no
// effect.
func TestUsersOfAnOwnedBufferCannotTakeItAway(t *testing.T) {
	var log []string
	own := observer{&log, "owner "}
	tests := []struct {
		name string
		do   func(b *evbuffer.Buffer) error
		want error
	}{
		{"free", (*evbuffer.Buffer).Free, evbuffer.ErrOwned},
		{"unfreeze the owner's end", func(b *evbuffer.Buffer) error { return b.Unfreeze(evbuffer.Back) }, evbuffer.ErrOwned},
		{"freeze the owner's end", func(b *evbuffer.Buffer) error { return b.Freeze(evbuffer.Back) }, evbuffer.ErrOwned},
		{"freeze the user's end", func(b *evbuffer.Buffer) error { return b.Freeze(evbuffer.Front) }, nil},
		{"unfreeze the user's end", func(b *evbuffer.Buffer) error { return b.Unfreeze(evbuffer.Front) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o evbuffer.Owned
			o.Own(&own)
			ok(t, o.AddString("abc"))
			o.Freeze(evbuffer.Back)
			wantError(t, tt.name, tt.do(&o.Buffer), tt.want)
			ok(t, o.Buffer.Unfreeze(evbuffer.Front))
			wantError(t, "add", o.AddString("d"), evbuffer.ErrFrozen)
			want(t, "length", o.Len(), 3)
			log = nil
			ok(t, o.Drain(1))
			wantLog(t, &log, "owner 3+0-1=2")
			o.Unfreeze(evbuffer.Back)
			ok(t, o.AddString("d"))
		})
	}
}

// The owner's freezing and the user's do not undo each other.
func TestAnEndIsFrozenByItsOwnerAndItsUser(t *testing.T) {
	var o evbuffer.Owned
	o.Own(nil)
	ok(t, o.Buffer.Freeze(evbuffer.Back))
	o.Freeze(evbuffer.Back)
	o.Unfreeze(evbuffer.Back)
	wantError(t, "frozen by the user", o.AddString("x"), evbuffer.ErrFrozen)
	o.Freeze(evbuffer.Back)
	wantError(t, "unfreeze what the owner holds", o.Buffer.Unfreeze(evbuffer.Back), evbuffer.ErrOwned)
	o.Unfreeze(evbuffer.Back)
	ok(t, o.Buffer.Unfreeze(evbuffer.Back))
	ok(t, o.AddString("x"))
}

func TestTheOwnerFreesItsBuffer(t *testing.T) {
	var o evbuffer.Owned
	var log []string
	o.Own(&observer{&log, ""})
	o.Freeze(evbuffer.Back)
	cleaned := 0
	o.Unfreeze(evbuffer.Back)
	ok(t, o.AddReference([]byte("x"), func([]byte) { cleaned++ }))
	log = nil
	o.Free()
	want(t, "cleanups", cleaned, 1)
	ok(t, o.AddString("again"))
	wantLog(t, &log)
	ok(t, o.Buffer.Free()) // it has no owner any more
}

func TestARetiredBufferIsOfNoUse(t *testing.T) {
	var o evbuffer.Owned
	b := &o.Buffer
	lock := new(recursiveLock)
	ok(t, b.EnableLocking(lock))
	called, cleaned := 0, 0
	ok(t, b.AddReference([]byte("x"), func([]byte) { cleaned++ }))
	e := b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { called++ })
	ok(t, b.DeferCallbacks(evtest.Base(t)))
	o.Retire()
	want(t, "cleanups", cleaned, 1)
	want(t, "calls of the callback", called, 0)
	want(t, "length", b.Len(), 0)
	wantError(t, "add", b.AddString("x"), evbuffer.ErrFrozen)
	wantError(t, "prepend", b.Prepend([]byte("x")), evbuffer.ErrFrozen)
	wantError(t, "unfreeze", b.Unfreeze(evbuffer.Back), evbuffer.ErrOwned)
	wantError(t, "free", b.Free(), evbuffer.ErrOwned)
	wantError(t, "removing the callback", b.RemoveCallback(e), evbuffer.ErrNoCallback)
	b.Lock()
	want(t, "depth of the lock", lock.depth, 1)
	b.Unlock()
	o.Free()
	ok(t, b.AddString("again"))
	wantContent(t, b, "again")
}

// Others may use a buffer while it retires. What matters is that the race detector
// stays quiet.
func TestRetireAmongManyGoroutines(t *testing.T) {
	for range 100 {
		var o evbuffer.Owned
		b := &o.Buffer
		ok(t, b.EnableLocking(new(recursiveLock)))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				var own evbuffer.Buffer
				for b.AddString("hello") == nil {
					b.Len()
					own.AddBuffer(b)
				}
			})
		}
		wg.Go(o.Retire)
		wg.Wait()
		want(t, "length", b.Len(), 0)
	}
}

// Every method of Owned takes the lock, as those of Buffer do.
func TestTheOwnersMethodsLock(t *testing.T) {
	tests := map[string]func(o *evbuffer.Owned){
		"Own":      func(o *evbuffer.Owned) { o.Own(nil) },
		"Freeze":   func(o *evbuffer.Owned) { o.Freeze(evbuffer.Back) },
		"Unfreeze": func(o *evbuffer.Owned) { o.Unfreeze(evbuffer.Back) },
		"Free":     (*evbuffer.Owned).Free,
		"Retire":   (*evbuffer.Owned).Retire,
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			var o evbuffer.Owned
			lock := new(countedLock)
			ok(t, o.EnableLocking(lock))
			do(&o)
			if lock.taken == 0 || lock.depth != 0 {
				t.Errorf("taken %d times, %d deep", lock.taken, lock.depth)
			}
		})
	}
}
