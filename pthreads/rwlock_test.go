package pthreads

import (
	"testing"

	"github.com/go-libevent/libevent/core/evthread"
)

const (
	read  = evthread.ModeRead
	write = evthread.ModeWrite
	try   = evthread.ModeTry
)

func TestReadWriteLockAdmitsReadersOrOneWriter(t *testing.T) {
	tests := []struct {
		name      string
		held      []evthread.Mode
		mayRead   bool
		mayWrite  bool
		unlockAll []evthread.Mode
	}{
		{"free", nil, true, true, nil},
		{"one reader", []evthread.Mode{read}, true, false, []evthread.Mode{read}},
		{"a reader twice", []evthread.Mode{read, read | try}, true, false, []evthread.Mode{read, read}},
		{"one writer", []evthread.Mode{write}, false, false, []evthread.Mode{write}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := new(rwLock)
			for _, mode := range tt.held {
				must(t, l.Lock(mode))
			}
			if free(l, read) != tt.mayRead {
				t.Errorf("another may read: %v, want %v", !tt.mayRead, tt.mayRead)
			}
			if free(l, write) != tt.mayWrite {
				t.Errorf("another may write: %v, want %v", !tt.mayWrite, tt.mayWrite)
			}
			for _, mode := range tt.unlockAll {
				if free(l, write) {
					t.Error("free before the last Unlock")
				}
				must(t, l.Unlock(mode))
			}
			if !free(l, write) || pinned() {
				t.Errorf("after the last Unlock: free %v, pinned %v", free(l, write), pinned())
			}
		})
	}
}

func TestReadWriteLockRefusesWhatWouldNeverEnd(t *testing.T) {
	tests := []struct {
		name       string
		held, then evthread.Mode
		want       error
	}{
		{"writer writes", write, write, evthread.ErrRecursive},
		{"writer reads", write, read, evthread.ErrRecursive},
		{"reader writes", read, write, evthread.ErrRecursive},
		{"writer tries to write", write, write | try, evthread.ErrBusy},
		{"writer tries to read", write, read | try, evthread.ErrBusy},
		{"reader tries to write", read, write | try, evthread.ErrBusy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := new(rwLock)
			must(t, l.Lock(tt.held))
			want(t, l.Lock(tt.then), tt.want)
			must(t, l.Unlock(tt.held))
			if !free(l, write) || pinned() {
				t.Error("not free, or pinned, after Unlock")
			}
		})
	}
}

func TestReadWriteLockIsUnlockedInTheModeItIsHeld(t *testing.T) {
	for _, tt := range []struct{ held, wrong evthread.Mode }{{read, write}, {write, read}} {
		l := new(rwLock)
		want(t, l.Unlock(tt.held), evthread.ErrNotHeld)
		must(t, l.Lock(tt.held))
		want(t, l.Unlock(tt.wrong), evthread.ErrNotHeld)
		want(t, elsewhere(func() error { return l.Unlock(tt.held) }), evthread.ErrNotHeld)
		if free(l, write) {
			t.Error("a refused Unlock freed it")
		}
		must(t, l.Unlock(tt.held))
	}
}

func TestReadWriteLockNeedsOneMode(t *testing.T) {
	l := new(rwLock)
	for _, mode := range []evthread.Mode{0, try, read | write} {
		want(t, l.Lock(mode), evthread.ErrMode)
		want(t, l.Unlock(mode), evthread.ErrMode)
	}
}

func TestReadersComeAgainWhileAWriterWaits(t *testing.T) {
	l := new(rwLock)
	must(t, l.Lock(read))
	written := make(chan struct{})
	go func() {
		defer close(written)
		must(t, l.Lock(write))
		must(t, l.Unlock(write))
	}()
	for free(l, read) { // until the writer waits, new readers get in
	}
	must(t, l.Lock(read))
	must(t, l.Unlock(read))
	must(t, l.Unlock(read))
	<-written
}

func TestReadWriteLockExcludesWritersFromAll(t *testing.T) {
	l := new(rwLock)
	var a, b int
	inParallel(func() {
		for range 200 {
			must(t, l.Lock(write))
			a++
			b++
			must(t, l.Unlock(write))

			must(t, l.Lock(read))
			must(t, l.Lock(read))
			if a != b {
				t.Errorf("read %d and %d in the middle of a write", a, b)
			}
			must(t, l.Unlock(read))
			must(t, l.Unlock(read))
		}
	})
	if a != 8*200 {
		t.Errorf("counted %d", a)
	}
}
