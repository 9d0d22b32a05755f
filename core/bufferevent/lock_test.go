package bufferevent_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
)

// enableLocks gives bases and bufferevents locks from here to the end of the
// test.
func enableLocks(t testing.TB) *lockMaker {
	t.Helper()
	m := new(lockMaker)
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          m.alloc,
		Free: func(l evthread.Lock, _ evthread.LockType) {
			l.(*lock).freed.Store(true)
			m.freed.Add(1)
		},
	}))
	ok(t, evthread.SetConditionCallbacks(&evthread.ConditionCallbacks{
		APIVersion: evthread.ConditionAPIVersion,
		Alloc:      func(uint) (evthread.Cond, error) { return new(condition), nil },
	}))
	evthread.SetIDCallback(func() uint64 { return uint64(evthread.Goroutine()) })
	t.Cleanup(func() {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
		defer event.SetLogCallback(nil)
		evthread.SetLockCallbacks(nil)
		evthread.SetConditionCallbacks(nil)
		evthread.SetIDCallback(nil)
	})
	return m
}

type lockMaker struct {
	made, freed atomic.Int32
	latest      atomic.Pointer[lock]
}

// awaitFree waits until n locks were freed, which happens some time after the
// garbage collector has noticed that nobody can use them any more.
func (m *lockMaker) awaitFree(t testing.TB, n int32) {
	for deadline := time.Now().Add(10 * time.Second); m.freed.Load() < n; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("%d locks were freed, want %d", m.freed.Load(), n)
		}
	}
}

func (m *lockMaker) alloc(evthread.LockType) (evthread.Lock, error) {
	m.made.Add(1)
	l := new(lock)
	m.latest.Store(l)
	return l, nil
}

// locked reports whether the lock that was made last is held by anybody.
func (m *lockMaker) locked() bool { return m.latest.Load().owner.Load() != 0 }

// A lock is recursive and belongs to a goroutine.
type lock struct {
	mu    sync.Mutex
	owner atomic.Uintptr // 0: nobody
	depth int            // the owner's alone
	freed atomic.Bool    // nobody may take it any more
}

func (l *lock) held() bool { return l.owner.Load() == evthread.Goroutine() }

func (l *lock) Lock(mode evthread.Mode) error {
	if l.freed.Load() {
		return evthread.ErrFreed
	}
	if l.held() {
		l.depth++
		return nil
	}
	if mode&evthread.ModeTry == 0 {
		l.mu.Lock()
	} else if !l.mu.TryLock() {
		return evthread.ErrBusy
	}
	l.owner.Store(evthread.Goroutine())
	l.depth = 1
	return nil
}

func (l *lock) Unlock(evthread.Mode) error {
	if !l.held() {
		return evthread.ErrNotHeld
	}
	if l.depth--; l.depth == 0 {
		l.owner.Store(0)
		l.mu.Unlock()
	}
	return nil
}

// A condition is guarded by the lock that its users wait with.
type condition struct{ waiting []chan struct{} }

func (c *condition) Signal(broadcast bool) {
	for len(c.waiting) > 0 {
		close(c.waiting[0])
		c.waiting = c.waiting[1:]
		if !broadcast {
			return
		}
	}
}

func (c *condition) Wait(with evthread.Lock, timeout time.Duration) (timedOut bool, err error) {
	if timeout >= 0 {
		return false, errors.ErrUnsupported // a base never asks for it
	}
	l := with.(*lock)
	signalled := make(chan struct{})
	c.waiting = append(c.waiting, signalled)
	depth := l.depth
	l.owner.Store(0)
	l.mu.Unlock()
	<-signalled
	l.mu.Lock()
	l.owner.Store(evthread.Goroutine())
	l.depth = depth
	return false, nil
}

func TestThreadSafeGivesALock(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	before := m.made.Load()
	plain, _ := newSocket(t, base, 0)
	want(t, "locks made", m.made.Load(), before)
	plain.Lock() // means nothing
	plain.Unlock()

	b, _ := newSocket(t, base, bufferevent.ThreadSafe)
	want(t, "locks made", m.made.Load(), before+1)
	b.Lock()
	want(t, "locked", m.locked(), true)
	b.Output().Lock() // the same one
	b.Output().Unlock()
	b.Unlock()
	want(t, "locked", m.locked(), false)
	b.Input().Lock()
	want(t, "locked by its input", m.locked(), true)
	b.Input().Unlock()
}

func TestOptionsSayWhetherCallbacksHoldTheLock(t *testing.T) {
	m := enableLocks(t)
	for _, tt := range []struct {
		opts  bufferevent.Options
		holds bool
	}{
		{bufferevent.ThreadSafe, true},
		{bufferevent.ThreadSafe | bufferevent.DeferCallbacks, true},
		{bufferevent.ThreadSafe | bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks, false},
	} {
		base := newBase(t)
		b, _ := newSocket(t, base, tt.opts)
		calls := 0
		check := func() {
			calls++
			want(t, "locked", m.locked(), tt.holds)
		}
		b.SetCallbacks(
			func(*bufferevent.Bufferevent) { check() },
			func(*bufferevent.Bufferevent) { check() },
			func(*bufferevent.Bufferevent, bufferevent.Events) { check() })
		b.Trigger(event.Read|event.Write, 0)
		b.TriggerEvent(bufferevent.EventEOF, nil, 0)
		settle(t, base)
		want(t, "calls", calls, 3)
		want(t, "locked afterwards", m.locked(), false)
	}
}

// Methods do not keep the lock, whatever becomes of the bufferevent.
func TestNoLockIsLeftBehind(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	for _, s := range scenes {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks, bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks} {
			b, peer := newTCP(t, base, opts|bufferevent.ThreadSafe)
			told := false
			free := func(*bufferevent.Bufferevent) { told = true; b.Free() }
			b.SetCallbacks(free, free, func(*bufferevent.Bufferevent, bufferevent.Events) { free(b) })
			if s.hook == nil {
				s.act(t, b, peer)
				evtest.Await(t, base, s.name, func() bool { return told })
			}
			want(t, s.name+": locked", m.locked(), false)
			b.Free()
			want(t, "locked after Free", m.locked(), false)
		}
	}
}

// What was to be written at the end of the iteration finds neither bufferevent
// nor lock.
func TestFreeAfterAWriteInTheSameIteration(t *testing.T) {
	enableLocks(t)
	base := newBase(t)
	b, peer := newSocket(t, base, bufferevent.ThreadSafe)
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		write(t, b, "never sent")
		b.Free()
	}, nil, nil)
	ok(t, b.Enable(event.Read))
	peer.send("hello")
	settle(t, base)
}

const writers = 8

// What eight goroutines write arrives, each part in one piece and those of each in
// order; and the loop notices at once.
func TestManyGoroutinesWrite(t *testing.T) {
	enableLocks(t)
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks, bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks} {
		base := newBase(t)
		one, two := connectedPair(t, base, opts|bufferevent.ThreadSafe)
		var next [writers]byte
		total := 0
		all := make(chan struct{})
		two.SetCallbacks(func(b *bufferevent.Bufferevent) {
			var message [2]byte
			for b.Input().Len() >= 2 {
				if _, err := b.Read(message[:]); err != nil {
					t.Error(err)
				}
				if who := message[0]; message[1] != next[who] {
					t.Errorf("writer %d: got message %d, want %d", who, message[1], next[who])
				}
				next[message[0]]++
				if total++; total == writers*rounds {
					close(all)
				}
			}
		}, nil, nil)
		ok(t, two.Enable(event.Read))
		running(t, base)
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for i := range rounds {
					message := []byte{byte(w), byte(i)}
					var err error
					switch i % 3 {
					case 0:
						_, err = one.Write(message)
					case 1:
						err = one.Output().Add(message)
					case 2:
						err = one.WriteBuffer(buffer(t, string(message)))
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		select {
		case <-all:
		case <-time.After(patience):
			one.Lock()
			t.Fatalf("%d bytes are still in the output", one.Output().Len())
		}
	}
}

// Some write, others free it meanwhile: then writing is an error, and nothing
// else happens.
func TestFreeWhileManyGoroutinesWrite(t *testing.T) {
	enableLocks(t)
	base := newBase(t)
	running(t, base)
	for i := range 100 {
		one, two := connectedPair(t, base, bufferevent.ThreadSafe|bufferevent.Options(i%2)*bufferevent.DeferCallbacks)
		echo := func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }
		two.SetCallbacks(echo, nil, nil)
		one.SetCallbacks(func(b *bufferevent.Bufferevent) { b.Input().Drain(b.Input().Len()) }, nil, nil)
		ok(t, one.Enable(event.Read))
		ok(t, two.Enable(event.Read))
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for {
					_, err := one.Write([]byte("hello"))
					if err == nil {
						err = one.WriteBuffer(buffer(t, "hello"))
					}
					if errors.Is(err, bufferevent.ErrFreed) {
						return
					}
					if err != nil && !errors.Is(err, bufferevent.ErrBroken) {
						t.Error(err)
						return
					}
					one.Enable(event.Read)
					if w == 0 {
						one.Disable(event.Read)
					}
				}
			})
		}
		group.Go(func() { runtime.Gosched(); one.Free() })
		group.Go(func() { two.Free() })
		group.Wait()
	}
}

// Data is moved between two bufferevents in both directions by different
// goroutines, which must not wait for each other.
func TestMovingBetweenTwoInBothDirections(t *testing.T) {
	enableLocks(t)
	base := newBase(t)
	one, _ := newSocket(t, base, bufferevent.ThreadSafe)
	two, _ := newSocket(t, base, bufferevent.ThreadSafe)
	done := make(chan struct{})
	var group sync.WaitGroup
	for _, pair := range [][2]*bufferevent.Bufferevent{{one, two}, {two, one}} {
		from, to := pair[0], pair[1]
		ok(t, to.Disable(event.Write))
		group.Go(func() {
			for range 2000 {
				if err := to.WriteBuffer(from.Input()); err != nil {
					t.Error(err)
				}
				if err := from.ReadBuffer(to.Output()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("they wait for each other")
	}
}

// The base may be freed first.
func TestFreeWithALockAfterTheBase(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	b, peer := newSocket(t, base, bufferevent.ThreadSafe)
	ok(t, b.Enable(event.Read))
	base.Free()
	b.Free()
	want(t, "locked", m.locked(), false)
	peer.expectEnd(newBase(t), "")
}

// What could not be moved is where it was.
func TestMovesThatFail(t *testing.T) {
	enableLocks(t)
	base := newBase(t)
	b, peer := newSocket(t, base, bufferevent.ThreadSafe)
	ok(t, b.Enable(event.Read))
	peer.send("hello")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 5 })
	frozen := buffer(t, "frozen")
	frozen.Freeze(evbuffer.Back)
	if b.ReadBuffer(frozen) == nil {
		t.Error("could read to a frozen buffer")
	}
	want(t, "input", contents(t, b), "hello")
	stuck := buffer(t, "stuck")
	stuck.Freeze(evbuffer.Front)
	wantError(t, "WriteBuffer of a frozen one", b.WriteBuffer(stuck), evbuffer.ErrFrozen)
	want(t, "length", stuck.Len(), 5)
	want(t, "output", b.Output().Len(), 0)
	ok(t, b.CloseWrite())
	buf := buffer(t, "world")
	wantError(t, "WriteBuffer", b.WriteBuffer(buf), bufferevent.ErrClosed)
	want(t, "length", buf.Len(), 5)
}

// Pairs share a lock, and so do filters and what they stand on.
func TestSharedLocks(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	before := m.made.Load()
	one, two, err := bufferevent.NewPair(base, bufferevent.ThreadSafe)
	ok(t, err)
	want(t, "locks made", m.made.Load(), before+1)
	one.Lock()
	want(t, "the other half is locked", m.locked(), true)
	one.Unlock()
	one.Free()
	want(t, "locked", m.locked(), false)
	two.Free()

	under, _ := newSocket(t, base, 0)
	f, err := bufferevent.NewFilter(under, nil, nil, bufferevent.ThreadSafe|bufferevent.CloseOnFree, nil)
	ok(t, err)
	f.Lock()
	want(t, "what is below is locked", m.locked(), true)
	f.Unlock()
	f.Free()
}

// When nobody has a bufferevent any more, its lock is given back.
func TestLocksAreGivenBack(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	before := m.made.Load()
	for range 10 {
		one, two, err := bufferevent.NewPair(base, bufferevent.ThreadSafe)
		ok(t, err)
		one.Free()
		two.Free()
	}
	want(t, "locks made", m.made.Load(), before+10)
	settle(t, base)
	m.awaitFree(t, 9) // the last one may still be on the stack
}

// The members of a group may belong to several bases, whose loops run in
// several goroutines.
func TestAGroupOverSeveralBases(t *testing.T) {
	enableLocks(t)
	const loops = 2
	var bases [loops]*event.Base
	for i := range bases {
		bases[i] = newBase(t)
	}
	g := newGroup(t, bases[0], limit(t, 1000, 1000, time.Millisecond))
	var left atomic.Int32
	all := make(chan struct{})
	const size = 20_000
	for _, base := range bases {
		for range 3 {
			one, two := connectedPair(t, base, bufferevent.ThreadSafe)
			ok(t, one.AddToRateLimitGroup(g))
			left.Add(1)
			received := 0
			two.SetCallbacks(func(b *bufferevent.Bufferevent) {
				n := drain(b) // which is 0 if it was read meanwhile
				if received += n; n > 0 && received == size && left.Add(-1) == 0 {
					close(all)
				}
			}, nil, nil)
			ok(t, two.Enable(event.Read))
			write(t, one, string(make([]byte, size)))
		}
	}
	for _, base := range bases {
		running(t, base)
	}
	for i := 0; ; i++ {
		select {
		case <-all:
			// The loop of the group may have written for a member of another loop,
			// and count that after the data has arrived.
			missing := func() int { _, written := g.Totals(); return int(6*size - written) }
			want(t, "bytes that are not counted", evtest.Settled(missing, 0), 0)
			return
		case <-time.After(time.Millisecond):
			g.DecrementWrite(1)
			g.DecrementWrite(-1)
			if i > int(patience/time.Millisecond) {
				t.Fatalf("%d members are not done", left.Load())
			}
		}
	}
}
