package pthreads_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
)

// Goroutines that use one base, and what they do to it altogether.
const (
	hammers         = 8
	operations      = 1_000_000
	shortOperations = 50_000
)

// priorities is how many the base has.
const priorities = 3

// A way is one in which a loop can wait on this machine.
type way struct {
	name   string
	config event.Config
}

func ways() []way {
	var ways []way
	for _, method := range event.SupportedMethods() {
		avoid := slices.DeleteFunc(event.SupportedMethods(), func(name string) bool { return name == method })
		cfg := event.Config{AvoidMethods: avoid, Flags: event.IgnoreEnv}
		ways = append(ways, way{method, cfg})
		if method == "epoll" {
			cfg.Flags |= event.EpollUseChangelist
			ways = append(ways, way{"epoll with changelist", cfg})
		}
	}
	return ways
}

func TestEverythingFromAnyGoroutine(t *testing.T) {
	total := operations
	if testing.Short() {
		total = shortOperations
	}
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			forgetHooks(t)
			ok(t, pthreads.Use())
			evtest.Leaks(t)
			newAnvil(t, &way.config).strike(total / hammers)
		})
	}
}

// An anvil is a base that several goroutines hammer on, and what they share.
type anvil struct {
	t      *testing.T
	base   *event.Base
	common *event.CommonTimeout
	fds    []int // some of which are readable, and all writable
	shared [32]atomic.Pointer[event.Event]

	deferred   event.Deferred
	callbacks  atomic.Int64
	finalized  atomic.Int64
	finalizing atomic.Int64
}

func newAnvil(t *testing.T, cfg *event.Config) *anvil {
	base, err := event.NewBaseWithConfig(cfg)
	if errors.Is(err, event.ErrNoMethod) {
		t.Skip(err)
	}
	ok(t, err)
	ok(t, base.SetPriorities(priorities))
	base.EnableStats(true)
	a := &anvil{t: t, base: base}
	a.common, err = base.InitCommonTimeout(time.Millisecond)
	ok(t, err)
	for range 4 {
		pair, err := evutil.LoopbackPair()
		ok(t, err)
		a.fds = append(a.fds, pair[0], pair[1])
	}
	for _, fd := range a.fds[:4] {
		_, err := writeSocket(fd, []byte("something to read"))
		ok(t, err)
	}
	for i := range a.shared {
		a.shared[i].Store(a.newEvent(i, a.count))
	}
	a.deferred.Init(base, 0, func(*event.Deferred) { a.callbacks.Add(1) })
	return a
}

func (a *anvil) count(*event.Event, event.What) { a.callbacks.Add(1) }

// newEvent makes an event: one of each kind, as i says.
func (a *anvil) newEvent(i int, cb event.Callback) *event.Event {
	kinds := []struct {
		fd   int
		what event.What
	}{
		{-1, 0},
		{-1, event.Persist},
		{a.fds[i%len(a.fds)], event.Read},
		{a.fds[i%len(a.fds)], event.Write},
		{a.fds[i%len(a.fds)], event.Read | event.Write | event.Finalize},
		{a.fds[i%len(a.fds)], event.Read | event.Persist},
		{int(syscall.SIGTERM), event.Signal | event.Persist},
	}
	kind := kinds[i%len(kinds)]
	ev, err := a.base.NewEvent(kind.fd, kind.what, cb)
	if err != nil {
		a.t.Error(err)
	}
	return ev
}

// strike runs the loop while goroutines do so many operations each.
func (a *anvil) strike(each int) {
	var goroutines sync.WaitGroup
	for i := range hammers {
		goroutines.Go(func() { newHammer(a, i).strike(each) })
	}
	struck := make(chan struct{})
	go func() {
		goroutines.Wait()
		a.base.Post(func() { close(struck); a.base.LoopExit(0) })
	}()
	breaks := 0
	for ended := false; !ended; breaks++ {
		if _, err := a.base.Loop(event.LoopNoExitOnEmpty); err != nil {
			a.t.Error(err)
		}
		select {
		case <-struck:
			ended = true
		default:
		}
	}
	a.tidyUp()
	a.t.Logf("%d callbacks, %d finalizers, %d times out of the loop", a.callbacks.Load(), a.finalized.Load(), breaks)
}

// tidyUp deletes what is left, after which there must be nothing.
func (a *anvil) tidyUp() {
	for i := range a.shared {
		a.shared[i].Load().Free()
	}
	for range priorities { // each iteration runs one of them
		if _, err := a.base.Loop(event.LoopNonblock); err != nil {
			a.t.Error(err)
		}
	}
	if n := a.base.NumEvents(event.CountAdded, event.CountActive); n != 0 {
		a.t.Errorf("%d events are left", n)
	}
	if a.finalized.Load() != a.finalizing.Load() {
		a.t.Errorf("%d of %d finalizers ran", a.finalized.Load(), a.finalizing.Load())
	}
	a.base.Free()
	for _, fd := range a.fds {
		evutil.CloseSocket(fd)
	}
}

// A hammer is one of the goroutines. It has events of its own, of which it knows
// when their callbacks may run, and shares others.
type hammer struct {
	*anvil
	rand *rand.Rand
	own  [16]*ownEvent
}

// An ownEvent may have its callback run only while it is armed.
type ownEvent struct {
	*event.Event
	armed atomic.Bool
}

func newHammer(a *anvil, number int) *hammer {
	h := &hammer{anvil: a, rand: rand.New(rand.NewPCG(1, uint64(number)))}
	for i := range h.own {
		h.renew(i)
	}
	return h
}

func (h *hammer) renew(i int) {
	own := new(ownEvent)
	own.Event = h.newEvent(i, func(ev *event.Event, what event.What) {
		h.callbacks.Add(1)
		if !own.armed.Load() {
			h.t.Errorf("%v: callback with %v after Del", ev, what)
		}
	})
	h.own[i] = own
}

func (h *hammer) strike(times int) {
	for n := 0; n < times && !h.t.Failed(); n++ {
		switch h.rand.IntN(8) {
		case 0, 1, 2:
			h.strikeOwn(h.rand.IntN(len(h.own)))
		case 3, 4, 5, 6:
			h.strikeShared(h.rand.IntN(len(h.shared)))
		default:
			h.strikeBase()
		}
	}
	for i := range h.own {
		h.disarm(i, (*event.Event).DelBlock)
		h.own[i].Free()
	}
}

// strikeOwn does something to an event that no other goroutine changes.
func (h *hammer) strikeOwn(i int) {
	own := h.own[i]
	switch h.rand.IntN(8) {
	case 0, 1, 2:
		own.armed.Store(true)
		h.check(h.add(own.Event))
	case 3:
		own.armed.Store(true)
		own.Activate(event.Timeout)
	case 4:
		h.disarm(i, (*event.Event).Del)
	case 5:
		h.disarm(i, (*event.Event).DelBlock)
	case 6:
		own.Free()
		if own.What()&event.Finalize == 0 {
			own.armed.Store(false)
		}
		h.renew(i)
	default:
		h.finalize(own.Event)
		h.renew(i)
	}
}

// disarm deletes an event in a way that waits for its callback.
func (h *hammer) disarm(i int, del func(*event.Event) error) {
	own := h.own[i]
	h.check(del(own.Event))
	if own.What()&event.Finalize != 0 {
		h.check(own.DelBlock()) // Del alone does not wait
	}
	own.armed.Store(false)
}

func (h *hammer) add(ev *event.Event) error {
	switch h.rand.IntN(4) {
	case 0:
		return ev.Add()
	case 1:
		return ev.AddCommon(h.common)
	default:
		return ev.AddTimeout(time.Duration(h.rand.IntN(int(time.Millisecond))))
	}
}

func (h *hammer) finalize(ev *event.Event) {
	err := ev.Finalize(func(*event.Event) { h.finalized.Add(1) })
	if h.check(err); err == nil {
		h.finalizing.Add(1)
	}
}

// strikeShared does something to an event that others change meanwhile.
func (h *hammer) strikeShared(i int) {
	ev := h.shared[i].Load()
	switch h.rand.IntN(13) {
	case 0, 1, 2:
		h.check(h.add(ev))
	case 3:
		ev.Activate(event.Read)
	case 4:
		h.check(ev.Del())
	case 5:
		h.check(ev.DelBlock())
	case 6:
		h.check(ev.DelNoBlock())
	case 7:
		h.check(ev.RemoveTimer())
	case 8:
		ev.Pending(event.Read | event.Timeout)
		ev.Remaining()
	case 9:
		if err := ev.SetPriority(h.rand.IntN(priorities)); !errors.Is(err, event.ErrPending) {
			h.check(err)
		}
	case 10:
		ev.Initialized()
		ev.Priority()
	case 11:
		h.shared[i].Swap(h.newEvent(i, h.count)).Free()
	default:
		h.finalize(h.shared[i].Swap(h.newEvent(i, h.count)))
	}
}

// strikeBase does something to the base.
func (h *hammer) strikeBase() {
	b := h.base
	switch h.rand.IntN(15) {
	case 0:
		b.LoopBreak()
	case 1:
		h.check(b.LoopExit(0))
	case 2:
		h.check(b.LoopExit(time.Microsecond))
	case 3:
		b.LoopContinue()
	case 4:
		h.check(b.UpdateCacheTime())
		b.NumEvents(event.CountAdded, event.CountActive)
		b.MaxEvents(false, event.CountAdded)
	case 5:
		h.check(b.Post(func() { h.callbacks.Add(1) }))
	case 6:
		h.check(b.Once(-1, event.Timeout, 0, h.count))
	case 7:
		b.ActiveByFD(h.fds[h.rand.IntN(len(h.fds))], event.Read)
	case 8:
		b.ActiveBySignal(syscall.SIGTERM)
	case 9:
		b.Now()
	case 10:
		b.AddVirtual()
		b.DelVirtual()
	case 11:
		h.deferred.Schedule()
	case 12:
		h.deferred.Cancel()
	case 13:
		b.NewCheck(func(w *event.Watcher, _ event.CheckInfo) { h.callbacks.Add(1); w.Free() })
	default:
		b.RunningEvent()
		b.Stats()
	}
}

// check fails the test for an error, unless it only says that another goroutine
// was first.
func (h *hammer) check(err error) {
	if err != nil && !errors.Is(err, event.ErrNotAssigned) && !errors.Is(err, event.ErrFinalizing) {
		h.t.Error(fmt.Errorf("unexpected: %w", err))
	}
}

func TestDelWaitsForTheCallback(t *testing.T) {
	tests := []struct {
		name  string
		what  event.What
		del   func(*event.Event) error
		waits bool
	}{
		{"Del", 0, (*event.Event).Del, true},
		{"Del of an event with Finalize", event.Finalize, (*event.Event).Del, false},
		{"DelBlock", 0, (*event.Event).DelBlock, true},
		{"DelBlock of an event with Finalize", event.Finalize, (*event.Event).DelBlock, true},
		{"DelNoBlock", 0, (*event.Event).DelNoBlock, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			forgetHooks(t)
			ok(t, pthreads.Use())
			evtest.Leaks(t)
			base, err := event.NewBase()
			ok(t, err)
			defer base.Free()

			inside, deleted := make(chan struct{}), make(chan error)
			var left atomic.Bool
			ev, err := base.NewEvent(-1, tt.what, func(*event.Event, event.What) {
				close(inside)
				if !tt.waits {
					ok(t, wait(t, deleted))
				}
				for range 1000 { // a chance for Del to return too early
					runtime.Gosched()
				}
				left.Store(true)
			})
			ok(t, err)
			go func() {
				<-inside
				err := tt.del(ev)
				if tt.waits && !left.Load() {
					t.Error("returned during the callback")
				}
				deleted <- err
			}()
			ev.Activate(event.Timeout)
			ok(t, base.Dispatch())
			if tt.waits {
				ok(t, wait(t, deleted))
			}
		})
	}
}
