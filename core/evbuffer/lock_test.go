package evbuffer

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
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
	var b Buffer
	wantError(t, "without", b.EnableLocking(nil), ErrLocking)
	b.Lock() // does nothing
	b.Unlock()
	ok(t, b.AddString("x"))
	wantContent(t, &b, "x")
}

func TestABufferHasOneLock(t *testing.T) {
	freed := enableLocks(t, newLock)
	var b Buffer
	ok(t, b.EnableLocking(nil))
	wantError(t, "another", b.EnableLocking(nil), ErrLocking)
	wantError(t, "another", b.EnableLocking(new(recursiveLock)), ErrLocking)
	b.Free()
	want(t, "locks freed", freed.Load(), 1)
	ok(t, b.EnableLocking(new(recursiveLock)))
	b.Free()
	want(t, "locks freed, one was the user's", freed.Load(), 1)
}

func TestErrorsOfAnImplementationAreReported(t *testing.T) {
	broken := errors.New("no locks today")
	enableLocks(t, func() (evthread.Lock, error) { return nil, broken })
	wantError(t, "broken", new(Buffer).EnableLocking(nil), broken)
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
		var b, c Buffer
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
	base := newBase(t)
	file := writeFile(t, []byte("file"))
	segment := newSegment(t, file, 0)
	var p [1]byte
	var at Ptr
	vecs := make([][]byte, 1)
	entry := new(CallbackEntry)
	methods := map[string]func(b *Buffer){
		"Add":                    func(b *Buffer) { b.Add(p[:]) },
		"AddBuffer":              func(b *Buffer) { b.AddBuffer(New()) },
		"AddBufferReference":     func(b *Buffer) { b.AddBufferReference(New()) },
		"AddCallback":            func(b *Buffer) { entry = b.AddCallback(nil) },
		"AddFile":                func(b *Buffer) { b.AddFile(openFile(t, file), 0, -1) },
		"AddFileSegment":         func(b *Buffer) { b.AddFileSegment(segment, 0, -1) },
		"AddIOVec":               func(b *Buffer) { b.AddIOVec(vecs) },
		"AddReference":           func(b *Buffer) { b.AddReference(p[:], nil) },
		"AddReferenceWithOffset": func(b *Buffer) { b.AddReferenceWithOffset(p[:], 0, 1, nil) },
		"AddString":              func(b *Buffer) { b.AddString("x") },
		"AppendLine":             func(b *Buffer) { b.AppendLine(nil, EOLLF) },
		"ClearFlags":             func(b *Buffer) { b.ClearFlags(DrainsToFD) },
		"Commit":                 func(b *Buffer) { b.Commit(nil) },
		"Compact":                func(b *Buffer) { b.Compact() },
		"ContiguousSpace":        func(b *Buffer) { b.ContiguousSpace() },
		"CopyOut":                func(b *Buffer) { b.CopyOut(p[:]) },
		"CopyOutFrom":            func(b *Buffer) { b.CopyOutFrom(nil, p[:]) },
		"DeferCallbacks":         func(b *Buffer) { b.DeferCallbacks(base) },
		"Drain":                  func(b *Buffer) { b.Drain(0) },
		"Expand":                 func(b *Buffer) { b.Expand(0) },
		"Free":                   func(b *Buffer) { b.Free() },
		"Freeze":                 func(b *Buffer) { b.Freeze(Back) },
		"Len":                    func(b *Buffer) { b.Len() },
		"Lock":                   func(b *Buffer) { b.Lock(); b.Unlock() },
		"MaxRead":                func(b *Buffer) { b.MaxRead() },
		"Peek":                   func(b *Buffer) { b.Peek(0, nil, nil) },
		"Pieces": func(b *Buffer) {
			for range b.Pieces() {
			}
		},
		"Prepend":        func(b *Buffer) { b.Prepend(nil) },
		"PrependBuffer":  func(b *Buffer) { b.PrependBuffer(New()) },
		"Printf":         func(b *Buffer) { b.Printf("") },
		"Pullup":         func(b *Buffer) { b.Pullup(0) },
		"Read":           func(b *Buffer) { b.Read(nil) },
		"ReadByte":       func(b *Buffer) { b.ReadByte() },
		"ReadFD":         func(b *Buffer) { b.ReadFD(pair[0], -1) },
		"ReadFrom":       func(b *Buffer) { b.ReadFrom(New()) },
		"ReadLine":       func(b *Buffer) { b.ReadLine(EOLLF) },
		"Remove":         func(b *Buffer) { b.Remove(nil) },
		"RemoveBuffer":   func(b *Buffer) { b.RemoveBuffer(New(), 0) },
		"RemoveCallback": func(b *Buffer) { b.RemoveCallback(nil) },
		"Reserve":        func(b *Buffer) { b.Reserve(0, vecs) },
		"Search":         func(b *Buffer) { b.Search(nil, nil) },
		"SearchEOL":      func(b *Buffer) { b.SearchEOL(nil, EOLLF) },
		"SearchRange":    func(b *Buffer) { b.SearchRange(nil, nil, nil) },
		"SetFlags":       func(b *Buffer) { b.SetFlags(DrainsToFD) },
		"SetMaxRead":     func(b *Buffer) { b.SetMaxRead(0) },
		"SetPtr":         func(b *Buffer) { b.SetPtr(&at, 0, PtrSet) },
		"Unfreeze":       func(b *Buffer) { b.Unfreeze(Back) },
		"Unlock":         func(b *Buffer) { b.Lock(); b.Unlock() },
		"Write":          func(b *Buffer) { b.Write(nil) },
		"WriteByte":      func(b *Buffer) { b.WriteByte(0) },
		"WriteFD":        func(b *Buffer) { b.WriteFD(pair[0]) },
		"WriteFDAtMost":  func(b *Buffer) { b.WriteFDAtMost(pair[0], 0) },
		"WriteString":    func(b *Buffer) { b.WriteString("") },
		"WriteTo":        func(b *Buffer) { b.WriteTo(New()) },

		"(*CallbackEntry).SetFlags":   func(b *Buffer) { entry.SetFlags(0) },
		"(*CallbackEntry).ClearFlags": func(b *Buffer) { entry.ClearFlags(0) },
	}
	var b Buffer
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
	var b Buffer
	ok(t, b.EnableLocking(lock))
	held := 0
	b.AddCallback(func(*CallbackEntry, CallbackInfo) { held = max(held, lock.depth) })
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
	var b Buffer
	wantError(t, "a struct", b.EnableLocking(plainLock{new(recursiveLock)}), ErrLocking)
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
	var a, b Buffer
	ok(t, a.EnableLocking(newChanLock(&order)))
	ok(t, b.EnableLocking(newChanLock(&order)))
	for name, do := range map[string]func(a, b *Buffer) error{
		"AddBuffer":          func(a, b *Buffer) error { return a.AddBuffer(b) },
		"PrependBuffer":      func(a, b *Buffer) error { return a.PrependBuffer(b) },
		"AddBufferReference": func(a, b *Buffer) error { return a.AddBufferReference(b) },
		"RemoveBuffer":       func(a, b *Buffer) error { _, err := a.RemoveBuffer(b, 1); return err },
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
	freeing := map[string]func(b *Buffer){
		"freed": func(b *Buffer) { b.Free() },
		"moved to another base and freed": func(b *Buffer) {
			ok(t, b.DeferCallbacks(newBase(t)))
			b.Free()
		},
		"changed and freed": func(b *Buffer) {
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
			base := newBase(t)
			var b Buffer
			ok(t, b.EnableLocking(nil))
			waiting := lock.waiting
			ok(t, b.DeferCallbacks(base))
			late := b.rare
			b.AddCallback(func(*CallbackEntry, CallbackInfo) { t.Error("called") })
			ok(t, b.AddString("x"))
			held := late.enter()
			done := make(chan error)
			go func() {
				_, err := base.Loop(event.LoopNonblock)
				done <- err
			}()
			<-waiting
			free(&b)
			want(t, "locks freed before the loop has its turn", freed.Load(), 0)
			held.leave()
			ok(t, <-done)
			loopOnce(t, base)
			want(t, "locks freed", freed.Load(), 1)
			want(t, "holds", late.holds, 0)
		})
	}
}

func TestFreeInACallbackGivesTheLockBack(t *testing.T) {
	freed := enableLocks(t, newLock)
	for _, deferred := range []bool{false, true} {
		base := newBase(t)
		var b Buffer
		ok(t, b.EnableLocking(nil))
		if deferred {
			ok(t, b.DeferCallbacks(base))
		}
		b.AddCallback(func(*CallbackEntry, CallbackInfo) { b.Free() })
		ok(t, b.AddString("x"))
		loopOnce(t, base)
		want(t, "locks freed", freed.Swap(0), 1)
	}
}

func TestFreeInACallbackReleasesTheLock(t *testing.T) {
	lock := new(recursiveLock)
	var b Buffer
	ok(t, b.EnableLocking(lock))
	b.AddCallback(func(*CallbackEntry, CallbackInfo) { b.Free() })
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
	var buffers [4]Buffer
	for i := range buffers {
		ok(t, buffers[i].EnableLocking(nil))
	}
	var added, removed, cleaned atomic.Int64
	changes := 0 // guarded by the lock of the first buffer
	buffers[0].AddCallback(func(*CallbackEntry, CallbackInfo) { changes++ })
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
	var source Buffer
	ok(t, source.EnableLocking(nil))
	var cleaned atomic.Int64
	ok(t, source.AddReference(make([]byte, 5000), func([]byte) { cleaned.Add(1) }))
	ok(t, source.Add(make([]byte, 5000)))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				var own Buffer
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
	base := newBase(t)
	loop := make(chan error)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		loop <- err
	}()
	for range rounds {
		var b Buffer
		ok(t, b.EnableLocking(nil))
		ok(t, b.DeferCallbacks(base))
		b.AddCallback(func(e *CallbackEntry, info CallbackInfo) { e.Buffer().Drain(info.Added) })
		ok(t, b.AddString("hello"))
		b.Free()
	}
	ok(t, base.LoopExit(0))
	ok(t, <-loop)
	loopOnce(t, base)
	want(t, "locks freed", freed.Load(), rounds)
}
