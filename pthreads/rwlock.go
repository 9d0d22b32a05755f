package pthreads

import (
	"runtime"
	"sync"

	"github.com/go-libevent/libevent/core/evthread"
)

// An rwLock is a read-write lock. A reader may take it again for reading, even
// while a writer waits; anything else a holder takes on top would never end
// and is refused.
type rwLock struct {
	rw sync.RWMutex // what readers and writers wait on

	mu      sync.Mutex // guards the fields below; never held while waiting
	writer  uintptr    // identity of the writer, or 0
	readers []reader
}

// A reader is a goroutine that holds the lock for reading, depth times.
type reader struct {
	identity uintptr
	depth    int
}

func (l *rwLock) Lock(mode evthread.Mode) error {
	try := mode&evthread.ModeTry != 0
	switch mode &^ evthread.ModeTry {
	case evthread.ModeRead:
		return l.lockRead(try)
	case evthread.ModeWrite:
		return l.lockWrite(try)
	default:
		return evthread.ErrMode
	}
}

func (l *rwLock) Unlock(mode evthread.Mode) error {
	switch mode &^ evthread.ModeTry {
	case evthread.ModeRead:
		return l.unlockRead()
	case evthread.ModeWrite:
		return l.unlockWrite()
	default:
		return evthread.ErrMode
	}
}

func (l *rwLock) lockRead(try bool) error {
	me := evthread.Goroutine()
	l.mu.Lock()
	again := l.reader(me)
	if again != nil {
		again.depth++
	}
	writing := l.writer == me
	l.mu.Unlock()
	switch {
	case again != nil:
		return nil
	case writing && !try:
		return evthread.ErrRecursive
	case !try:
		l.rw.RLock()
	case !l.rw.TryRLock():
		return evthread.ErrBusy
	}
	runtime.LockOSThread()
	l.mu.Lock()
	l.readers = append(l.readers, reader{me, 1})
	l.mu.Unlock()
	return nil
}

func (l *rwLock) lockWrite(try bool) error {
	me := evthread.Goroutine()
	l.mu.Lock()
	inside := l.writer == me || l.reader(me) != nil
	l.mu.Unlock()
	switch {
	case inside && !try:
		return evthread.ErrRecursive
	case !try:
		l.rw.Lock()
	case !l.rw.TryLock():
		return evthread.ErrBusy
	}
	runtime.LockOSThread()
	l.mu.Lock()
	l.writer = me
	l.mu.Unlock()
	return nil
}

func (l *rwLock) unlockRead() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reader(evthread.Goroutine())
	if r == nil {
		return evthread.ErrNotHeld
	}
	if r.depth--; r.depth > 0 {
		return nil
	}
	last := len(l.readers) - 1
	*r = l.readers[last]
	l.readers = l.readers[:last]
	l.rw.RUnlock()
	runtime.UnlockOSThread()
	return nil
}

func (l *rwLock) unlockWrite() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writer != evthread.Goroutine() {
		return evthread.ErrNotHeld
	}
	l.writer = 0
	l.rw.Unlock()
	runtime.UnlockOSThread()
	return nil
}

// reader finds a reader by its identity. l.mu is held.
func (l *rwLock) reader(identity uintptr) *reader {
	for i := range l.readers {
		if l.readers[i].identity == identity {
			return &l.readers[i]
		}
	}
	return nil
}
