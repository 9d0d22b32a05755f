package evbuffer_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
)

// enableLocks installs an implementation of locks for the time of the test, and
// counts what it frees.
func enableLocks(t *testing.T, alloc func() (evthread.Lock, error)) (freed *atomic.Int32) {
	t.Helper()
	freed = new(atomic.Int32)
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return alloc() },
		Free:           func(evthread.Lock, evthread.LockType) { freed.Add(1) },
	}))
	evthread.SetIDCallback(func() uint64 { return uint64(evthread.Goroutine()) })
	t.Cleanup(func() {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
		defer event.SetLogCallback(nil)
		evthread.SetLockCallbacks(nil)
		evthread.SetIDCallback(nil)
	})
	return freed
}

func newLock() (evthread.Lock, error) { return new(recursiveLock), nil }

// A recursiveLock belongs to a goroutine.
type recursiveLock struct {
	mu    sync.Mutex
	owner atomic.Uintptr
	depth int
}

func (l *recursiveLock) Lock(mode evthread.Mode) error {
	me := evthread.Goroutine()
	if l.owner.Load() != me {
		l.mu.Lock()
		l.owner.Store(me)
	}
	l.depth++
	return nil
}

func (l *recursiveLock) Unlock(evthread.Mode) error {
	if l.owner.Load() != evthread.Goroutine() {
		return evthread.ErrNotHeld
	}
	l.depth--
	if l.depth == 0 {
		l.owner.Store(0)
		l.mu.Unlock()
	}
	return nil
}

func TestLockingNeedsAnImplementation(t *testing.T) {
	var b evbuffer.Buffer
	wantError(t, "without", b.EnableLocking(nil), evbuffer.ErrLocking)
	b.Lock() // does nothing
	b.Unlock()
	ok(t, b.AddString("x"))
	wantContent(t, &b, "x")
}

func TestABufferHasOneLock(t *testing.T) {
	freed := enableLocks(t, newLock)
	var b evbuffer.Buffer
	ok(t, b.EnableLocking(nil))
	wantError(t, "another", b.EnableLocking(nil), evbuffer.ErrLocking)
	wantError(t, "another", b.EnableLocking(new(recursiveLock)), evbuffer.ErrLocking)
	b.Free()
	want(t, "locks freed", freed.Load(), 1)
	ok(t, b.EnableLocking(new(recursiveLock)))
	b.Free()
	want(t, "locks freed, one was the user's", freed.Load(), 1)
}

func TestErrorsOfAnImplementationAreReported(t *testing.T) {
	broken := errors.New("no locks today")
	enableLocks(t, func() (evthread.Lock, error) { return nil, broken })
	wantError(t, "broken", new(evbuffer.Buffer).EnableLocking(nil), broken)
}

// A brokenLock cannot be taken or, once it was, released.
type brokenLock struct{ unlock bool }

var errBrokenLock = errors.New("broken lock")

func (l *brokenLock) Lock(evthread.Mode) error {
	if l.unlock {
		return nil
	}
	return errBrokenLock
}

func (*brokenLock) Unlock(evthread.Mode) error { return errBrokenLock }

func TestBrokenLocksAreFatal(t *testing.T) {
	for _, lock := range []evthread.Lock{&brokenLock{unlock: false}, &brokenLock{unlock: true}} {
		var b, c evbuffer.Buffer
		ok(t, b.EnableLocking(lock))
		ok(t, c.EnableLocking(lock))
		var fatal []error
		event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
		ok(t, b.AddString("x"))
		ok(t, c.AddBuffer(&b))
		event.SetFatalCallback(nil)
		want(t, "fatal errors", len(fatal), 3)
		for _, err := range fatal {
			wantError(t, "fatal", err, errBrokenLock)
		}
	}
}

// A countedLock counts how often it is taken.
type countedLock struct {
	recursiveLock
	taken int
}

func (l *countedLock) Lock(m evthread.Mode) error {
	l.taken++
	return l.recursiveLock.Lock(m)
}

func TestEveryMethodTakesTheLock(t *testing.T) {
	pair := socketPair(t)
	base := evtest.Base(t)
	file := writeFile(t, []byte("file"))
	segment := newSegment(t, file, 0)
	var p [1]byte
	var at evbuffer.Ptr
	vecs := make([][]byte, 1)
	entry := new(evbuffer.CallbackEntry)
	methods := map[string]func(b *evbuffer.Buffer){
		"Add":                    func(b *evbuffer.Buffer) { b.Add(p[:]) },
		"AddBuffer":              func(b *evbuffer.Buffer) { b.AddBuffer(evbuffer.New()) },
		"AddBufferReference":     func(b *evbuffer.Buffer) { b.AddBufferReference(evbuffer.New()) },
		"AddCallback":            func(b *evbuffer.Buffer) { entry = b.AddCallback(nil) },
		"AddFile":                func(b *evbuffer.Buffer) { b.AddFile(openFile(t, file), 0, -1) },
		"AddFileSegment":         func(b *evbuffer.Buffer) { b.AddFileSegment(segment, 0, -1) },
		"AddIOVec":               func(b *evbuffer.Buffer) { b.AddIOVec(vecs) },
		"AddReference":           func(b *evbuffer.Buffer) { b.AddReference(p[:], nil) },
		"AddReferenceWithOffset": func(b *evbuffer.Buffer) { b.AddReferenceWithOffset(p[:], 0, 1, nil) },
		"AddString":              func(b *evbuffer.Buffer) { b.AddString("x") },
		"AppendLine":             func(b *evbuffer.Buffer) { b.AppendLine(nil, evbuffer.EOLLF) },
		"ClearFlags":             func(b *evbuffer.Buffer) { b.ClearFlags(evbuffer.DrainsToFD) },
		"Commit":                 func(b *evbuffer.Buffer) { b.Commit(nil) },
		"Compact":                func(b *evbuffer.Buffer) { b.Compact() },
		"ContiguousSpace":        func(b *evbuffer.Buffer) { b.ContiguousSpace() },
		"CopyOut":                func(b *evbuffer.Buffer) { b.CopyOut(p[:]) },
		"CopyOutFrom":            func(b *evbuffer.Buffer) { b.CopyOutFrom(nil, p[:]) },
		"DeferCallbacks":         func(b *evbuffer.Buffer) { b.DeferCallbacks(base) },
		"Drain":                  func(b *evbuffer.Buffer) { b.Drain(0) },
		"Expand":                 func(b *evbuffer.Buffer) { b.Expand(0) },
		"Free":                   func(b *evbuffer.Buffer) { b.Free() },
		"Freeze":                 func(b *evbuffer.Buffer) { b.Freeze(evbuffer.Back) },
		"Len":                    func(b *evbuffer.Buffer) { b.Len() },
		"Lock":                   func(b *evbuffer.Buffer) { b.Lock(); b.Unlock() },
		"MaxRead":                func(b *evbuffer.Buffer) { b.MaxRead() },
		"Peek":                   func(b *evbuffer.Buffer) { b.Peek(0, nil, nil) },
		"Pieces": func(b *evbuffer.Buffer) {
			for range b.Pieces() {
			}
		},
		"Prepend":        func(b *evbuffer.Buffer) { b.Prepend(nil) },
		"PrependBuffer":  func(b *evbuffer.Buffer) { b.PrependBuffer(evbuffer.New()) },
		"Printf":         func(b *evbuffer.Buffer) { b.Printf("") },
		"Pullup":         func(b *evbuffer.Buffer) { b.Pullup(0) },
		"Read":           func(b *evbuffer.Buffer) { b.Read(nil) },
		"ReadByte":       func(b *evbuffer.Buffer) { b.ReadByte() },
		"ReadFD":         func(b *evbuffer.Buffer) { b.ReadFD(pair[0], -1) },
		"ReadFrom":       func(b *evbuffer.Buffer) { b.ReadFrom(evbuffer.New()) },
		"ReadLine":       func(b *evbuffer.Buffer) { b.ReadLine(evbuffer.EOLLF) },
		"Remove":         func(b *evbuffer.Buffer) { b.Remove(nil) },
		"RemoveBuffer":   func(b *evbuffer.Buffer) { b.RemoveBuffer(evbuffer.New(), 0) },
		"RemoveCallback": func(b *evbuffer.Buffer) { b.RemoveCallback(nil) },
		"Reserve":        func(b *evbuffer.Buffer) { b.Reserve(0, vecs) },
		"Search":         func(b *evbuffer.Buffer) { b.Search(nil, nil) },
		"SearchEOL":      func(b *evbuffer.Buffer) { b.SearchEOL(nil, evbuffer.EOLLF) },
		"SearchRange":    func(b *evbuffer.Buffer) { b.SearchRange(nil, nil, nil) },
		"SetFlags":       func(b *evbuffer.Buffer) { b.SetFlags(evbuffer.DrainsToFD) },
		"SetMaxRead":     func(b *evbuffer.Buffer) { b.SetMaxRead(0) },
		"SetPtr":         func(b *evbuffer.Buffer) { b.SetPtr(&at, 0, evbuffer.PtrSet) },
		"Unfreeze":       func(b *evbuffer.Buffer) { b.Unfreeze(evbuffer.Back) },
		"Unlock":         func(b *evbuffer.Buffer) { b.Lock(); b.Unlock() },
		"Write":          func(b *evbuffer.Buffer) { b.Write(nil) },
		"WriteByte":      func(b *evbuffer.Buffer) { b.WriteByte(0) },
		"WriteFD":        func(b *evbuffer.Buffer) { b.WriteFD(pair[0]) },
		"WriteFDAtMost":  func(b *evbuffer.Buffer) { b.WriteFDAtMost(pair[0], 0) },
		"WriteString":    func(b *evbuffer.Buffer) { b.WriteString("") },
		"WriteTo":        func(b *evbuffer.Buffer) { b.WriteTo(evbuffer.New()) },

		"(*CallbackEntry).SetFlags":   func(b *evbuffer.Buffer) { entry.SetFlags(0) },
		"(*CallbackEntry).ClearFlags": func(b *evbuffer.Buffer) { entry.ClearFlags(0) },
	}
	var b evbuffer.Buffer
	all := reflect.TypeOf(&b)
	for i := range all.NumMethod() {
		name := all.Method(i).Name
		if methods[name] == nil && name != "EnableLocking" {
			t.Errorf("what about %s?", name)
		}
	}
	for name, call := range methods {
		lock := new(countedLock)
		ok(t, b.EnableLocking(lock))
		entry = b.AddCallback(nil)
		lock.taken = 0
		call(&b)
		if lock.taken == 0 {
			t.Errorf("%s does not take the lock", name)
		}
		want(t, name+": depth of the lock afterwards", lock.depth, 0)
		b.Free()
	}
}

func TestOperationsTellCallbacksWithTheLockHeld(t *testing.T) {
	lock := new(recursiveLock)
	var b evbuffer.Buffer
	ok(t, b.EnableLocking(lock))
	held := 0
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { held = max(held, lock.depth) })
	for _, e := range endTests(t) {
		ok(t, b.AddString("a line\n"))
		held = 0
		before := b.Len()
		ok(t, e.do(&b))
		want(t, e.name+": depth of the lock afterwards", lock.depth, 0)
		if changed := b.Len() != before; changed && held == 0 {
			t.Errorf("%s has told callbacks without the lock", e.name)
		}
		ok(t, b.Drain(b.Len()))
	}
}

// A plainLock is one that has no address.
type plainLock struct{ l *recursiveLock }

func (l plainLock) Lock(m evthread.Mode) error   { return l.l.Lock(m) }
func (l plainLock) Unlock(m evthread.Mode) error { return l.l.Unlock(m) }

func TestLocksWithoutAnAddressAreRefused(t *testing.T) {
	var b evbuffer.Buffer
	wantError(t, "a struct", b.EnableLocking(plainLock{new(recursiveLock)}), evbuffer.ErrLocking)
	ok(t, b.EnableLocking(&plainLock{new(recursiveLock)}))
}

// A chanLock notes the order in which locks are taken.
type chanLock chan *[]chanLock

func newChanLock(order *[]chanLock) chanLock {
	l := make(chanLock, 1)
	l <- order
	return l
}

func (l chanLock) Lock(evthread.Mode) error {
	order := <-l
	*order = append(*order, l)
	l <- order
	return nil
}

func (l chanLock) Unlock(evthread.Mode) error { return nil }

// Otherwise two goroutines that move data in opposite directions could wait for
// each other.
func TestTwoLocksAreTakenInOneOrder(t *testing.T) {
	var order []chanLock
	var a, b evbuffer.Buffer
	ok(t, a.EnableLocking(newChanLock(&order)))
	ok(t, b.EnableLocking(newChanLock(&order)))
	for name, do := range map[string]func(a, b *evbuffer.Buffer) error{
		"AddBuffer":          func(a, b *evbuffer.Buffer) error { return a.AddBuffer(b) },
		"PrependBuffer":      func(a, b *evbuffer.Buffer) error { return a.PrependBuffer(b) },
		"AddBufferReference": func(a, b *evbuffer.Buffer) error { return a.AddBufferReference(b) },
		"RemoveBuffer":       func(a, b *evbuffer.Buffer) error { _, err := a.RemoveBuffer(b, 1); return err },
	} {
		order = nil
		ok(t, do(&a, &b))
		ok(t, do(&b, &a))
		want(t, name+": locks taken", len(order), 4)
		if order[0] == order[1] || order[0] != order[2] || order[1] != order[3] {
			t.Errorf("%s has taken %v", name, order)
		}
	}
}

// A watchedLock tells when somebody has to wait for it.
type watchedLock struct {
	recursiveLock
	waiting chan struct{}
}

func (l *watchedLock) Lock(m evthread.Mode) error {
	if owner := l.owner.Load(); owner != 0 && owner != evthread.Goroutine() {
		l.waiting <- struct{}{}
	}
	return l.recursiveLock.Lock(m)
}

// A loop that is about to call deferred callbacks when the buffer is freed finds
// a lock that it can take, and gives it back.
func TestFreeWhileALoopWaitsForTheLock(t *testing.T) {
	freeing := map[string]func(t *testing.T, b *evbuffer.Buffer){
		"freed": func(t *testing.T, b *evbuffer.Buffer) { b.Free() },
		"moved to another base and freed": func(t *testing.T, b *evbuffer.Buffer) {
			ok(t, b.DeferCallbacks(evtest.Base(t)))
			b.Free()
		},
		"changed and freed": func(t *testing.T, b *evbuffer.Buffer) {
			ok(t, b.AddString("y")) // which makes the loop come twice
			b.Free()
		},
	}
	for name, free := range freeing {
		t.Run(name, func(t *testing.T) {
			var lock *watchedLock
			freed := enableLocks(t, func() (evthread.Lock, error) {
				lock = &watchedLock{waiting: make(chan struct{}, 10)}
				return lock, nil
			})
			base := evtest.Base(t)
			var b evbuffer.Buffer
			ok(t, b.EnableLocking(nil))
			waiting := lock.waiting
			ok(t, b.DeferCallbacks(base))
			b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { t.Error("called") })
			ok(t, b.AddString("x"))
			leave, holds := evbuffer.Hold(&b)
			done := make(chan error)
			go func() {
				_, err := base.Loop(event.LoopNonblock)
				done <- err
			}()
			<-waiting
			free(t, &b)
			want(t, "locks freed before the loop has its turn", freed.Load(), 0)
			leave()
			ok(t, <-done)
			evtest.Turn(t, base)
			want(t, "locks freed", freed.Load(), 1)
			want(t, "holds", holds(), 0)
		})
	}
}

func TestFreeInACallbackGivesTheLockBack(t *testing.T) {
	freed := enableLocks(t, newLock)
	for _, deferred := range []bool{false, true} {
		base := evtest.Base(t)
		var b evbuffer.Buffer
		ok(t, b.EnableLocking(nil))
		if deferred {
			ok(t, b.DeferCallbacks(base))
		}
		b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { b.Free() })
		ok(t, b.AddString("x"))
		evtest.Turn(t, base)
		want(t, "locks freed", freed.Swap(0), 1)
	}
}

func TestFreeInACallbackReleasesTheLock(t *testing.T) {
	lock := new(recursiveLock)
	var b evbuffer.Buffer
	ok(t, b.EnableLocking(lock))
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { b.Free() })
	ok(t, b.AddString("x"))
	want(t, "depth of the lock", lock.depth, 0)
}

const (
	workers = 8
	rounds  = 300
)

// TestManyGoroutines lets goroutines add, move and take away at the same time.
// What matters is that the race detector stays quiet and no byte is lost.
func TestManyGoroutines(t *testing.T) {
	enableLocks(t, newLock)
	var buffers [4]evbuffer.Buffer
	for i := range buffers {
		ok(t, buffers[i].EnableLocking(nil))
	}
	var added, removed, cleaned atomic.Int64
	changes := 0 // guarded by the lock of the first buffer
	buffers[0].AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { changes++ })
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			memory, p := make([]byte, 700), make([]byte, rounds)
			for i := range rounds {
				from, to := &buffers[(w+i)%4], &buffers[(w*3+i*7+1)%4]
				switch i % 8 {
				case 0, 1:
					ok(t, from.Add(memory[:i+1]))
					added.Add(int64(i + 1))
				case 2:
					ok(t, from.AddReference(memory, func([]byte) { cleaned.Add(1) }))
					added.Add(int64(len(memory)))
				case 3:
					ok(t, to.AddBuffer(from))
				case 4:
					_, err := from.RemoveBuffer(to, i*3)
					ok(t, err)
				case 5:
					n, err := from.Remove(p[:i])
					ok(t, err)
					removed.Add(int64(n))
				case 6:
					ok(t, to.PrependBuffer(from))
				case 7:
					from.Lock()
					ok(t, from.AddString("xyz"))
					ok(t, from.Drain(3))
					from.Unlock()
				}
			}
		})
	}
	wg.Wait()
	left := 0
	for i := range buffers {
		mustCheck(t, &buffers[i])
		left += buffers[i].Len()
		buffers[i].Free()
	}
	if changes == 0 {
		t.Error("the callback was not called")
	}
	want(t, "bytes", int64(left), added.Load()-removed.Load())
	want(t, "cleanups", cleaned.Load(), workers*int64((rounds+5)/8))
}

// Two buffers that refer to each other's memory are used by two goroutines.
func TestSharedMemoryInManyGoroutines(t *testing.T) {
	enableLocks(t, newLock)
	var source evbuffer.Buffer
	ok(t, source.EnableLocking(nil))
	var cleaned atomic.Int64
	ok(t, source.AddReference(make([]byte, 5000), func([]byte) { cleaned.Add(1) }))
	ok(t, source.Add(make([]byte, 5000)))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				var own evbuffer.Buffer
				ok(t, own.AddBufferReference(&source))
				_, err := own.Pullup(6000)
				ok(t, err)
				ok(t, own.Drain(9000))
				own.Free()
			}
		})
	}
	wg.Wait()
	want(t, "cleanups before the end", cleaned.Load(), 0)
	source.Free()
	want(t, "cleanups", cleaned.Load(), 1)
}

// A loop tells callbacks of changes that other goroutines make, until one of
// them frees the buffer.
func TestDeferredCallbacksOfManyGoroutines(t *testing.T) {
	freed := enableLocks(t, newLock)
	base := evtest.Base(t)
	loop := make(chan error)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		loop <- err
	}()
	for range rounds {
		var b evbuffer.Buffer
		ok(t, b.EnableLocking(nil))
		ok(t, b.DeferCallbacks(base))
		b.AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) { e.Buffer().Drain(info.Added) })
		ok(t, b.AddString("hello"))
		b.Free()
	}
	ok(t, base.LoopExit(0))
	ok(t, <-loop)
	evtest.Turn(t, base)
	want(t, "locks freed", freed.Load(), rounds)
}
