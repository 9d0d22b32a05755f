package bufferevent_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A lock is there for as long as somebody may ask for it.
func TestTheLockOfAPairLivesAsLongAsEitherHalf(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	for _, first := range []int{0, 1} {
		made := m.made.Load()
		a, b := halves(t, base, bufferevent.ThreadSafe)
		want(t, "locks made", m.made.Load(), made+1)
		pair := []*bufferevent.Bufferevent{a, b}
		pair[first].Free()
		settle(t, base)
		pair[1-first].Lock()
		want(t, "locked", m.locked(), true)
		pair[1-first].Unlock()
		pair[1-first].Free()
		settle(t, base)
		_, err := pair[first].Write([]byte("late"))
		wantError(t, "Write after Free", err, bufferevent.ErrFreed)
	}
}

func TestTheLockOfAFilterLivesAsLongAsWhatIsBelow(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	before := m.made.Load()
	under, far := halves(t, base, 0)
	middle := newFilter(t, under, nil, nil, 0)
	f := newFilter(t, middle, nil, nil, bufferevent.ThreadSafe)
	want(t, "locks made", m.made.Load(), before+1)
	for _, b := range []*bufferevent.Bufferevent{f, middle, under, far} {
		b.Lock()
		want(t, "locked", m.locked(), true)
		b.Unlock()
		want(t, "locked", m.locked(), false)
	}
	for _, b := range []*bufferevent.Bufferevent{f, middle, under} {
		b.Free()
		settle(t, base)
		far.Lock()
		want(t, "locked", m.locked(), true)
		far.Unlock()
	}
}

func TestAFilterTakesTheLockThatIsThere(t *testing.T) {
	m := enableLocks(t)
	base := newBase(t)
	under, _ := halves(t, base, bufferevent.ThreadSafe)
	made := m.made.Load()
	f := newFilter(t, under, nil, nil, bufferevent.ThreadSafe|bufferevent.CloseOnFree)
	want(t, "locks made", m.made.Load(), made)
	f.Lock()
	want(t, "locked", m.locked(), true)
	f.Unlock()
}

// A lock cannot be given to what is at work without one: a thread-safe bufferevent
// over it is refused then, and leaves it as it was.
func TestThreadSafeOverWhatIsInUse(t *testing.T) {
	// over tries to put a thread-safe bufferevent over b.
	over := func(b *bufferevent.Bufferevent) error {
		f, err := bufferevent.NewFilter(b, nil, nil, bufferevent.ThreadSafe, nil)
		if err == nil {
			f.Free()
		}
		return err
	}
	// inCallback runs f in a callback of b.
	inCallback := func(t *testing.T, base *event.Base, b *bufferevent.Bufferevent, f func()) {
		told := false
		b.SetCallbacks(nil, nil, func(*bufferevent.Bufferevent, bufferevent.Events) {
			told = true
			f()
		})
		b.TriggerEvent(bufferevent.EventConnected, nil, 0)
		settle(t, base)
		want(t, "told", told, true)
	}
	tests := []struct {
		name string
		try  func(t *testing.T, base *event.Base, under, far *bufferevent.Bufferevent) error
		want error // or nil
	}{
		{"idle", func(_ *testing.T, _ *event.Base, under, _ *bufferevent.Bufferevent) error {
			return over(under)
		}, nil},
		{"with a reference", func(_ *testing.T, _ *event.Base, under, _ *bufferevent.Bufferevent) error {
			under.IncRef()
			defer under.DecRef()
			return over(under)
		}, bufferevent.ErrOptions},
		{"whose reference is gone", func(_ *testing.T, _ *event.Base, under, _ *bufferevent.Bufferevent) error {
			under.IncRef()
			under.DecRef()
			return over(under)
		}, nil},
		{"between Lock and Unlock", func(_ *testing.T, _ *event.Base, under, _ *bufferevent.Bufferevent) error {
			under.Lock()
			defer under.Unlock()
			return over(under)
		}, bufferevent.ErrOptions},
		{"in its callback", func(t *testing.T, base *event.Base, under, _ *bufferevent.Bufferevent) (err error) {
			inCallback(t, base, under, func() { err = over(under) })
			return err
		}, bufferevent.ErrOptions},
		{"in its partner's callback", func(t *testing.T, base *event.Base, under, far *bufferevent.Bufferevent) (err error) {
			inCallback(t, base, far, func() { err = over(under) })
			return err
		}, bufferevent.ErrOptions},
		{"whose partner has a reference", func(_ *testing.T, _ *event.Base, under, far *bufferevent.Bufferevent) error {
			far.IncRef()
			defer far.DecRef()
			return over(under)
		}, bufferevent.ErrOptions},
		{"under a filter", func(t *testing.T, _ *event.Base, under, _ *bufferevent.Bufferevent) error {
			return over(newFilter(t, under, nil, nil, 0))
		}, nil},
		{"under a filter with a reference to what is below", func(t *testing.T, _ *event.Base, under, _ *bufferevent.Bufferevent) error {
			middle := newFilter(t, under, nil, nil, 0)
			under.IncRef()
			defer under.DecRef()
			return over(middle)
		}, bufferevent.ErrOptions},
		{"in the callback of a filter", func(t *testing.T, base *event.Base, under, _ *bufferevent.Bufferevent) (err error) {
			middle := newFilter(t, under, nil, nil, 0)
			inCallback(t, base, middle, func() { err = over(middle) })
			return err
		}, bufferevent.ErrOptions},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := enableLocks(t)
			base := newBase(t)
			under, far := halves(t, base, 0)
			wantError(t, "NewFilter", tt.try(t, base, under, far), tt.want)
			for name, b := range map[string]*bufferevent.Bufferevent{"it": under, "its partner": far} {
				b.Lock()
				want(t, name+" has a lock", m.locked(), tt.want == nil)
				b.Unlock()
			}
		})
	}
}

// Goroutines write at both ends of a pair with filters, while the loop reads.
func TestManyGoroutinesWriteThroughFilters(t *testing.T) {
	enableLocks(t)
	const each = 40
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks, bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks} {
		base := newBase(t)
		a, b := halves(t, base, bufferevent.ThreadSafe)
		ends := []*bufferevent.Bufferevent{
			stack(t, a, 1, opts|bufferevent.ThreadSafe),
			newFilter(t, b, nil, nil, opts|bufferevent.ThreadSafe|bufferevent.CloseOnFree),
		}
		var read [2]atomic.Int64
		done := make(chan struct{})
		finish := sync.OnceFunc(func() { close(done) }) // a callback may find that another has read all
		for i, end := range ends {
			end.SetCallbacks(func(end *bufferevent.Bufferevent) {
				end.Lock()
				n := end.Input().Len()
				end.Input().Drain(n)
				end.Unlock()
				if read[i].Add(int64(n)) == 4*each*10 && read[1-i].Load() == 4*each*10 {
					finish()
				}
			}, nil, nil)
			ok(t, end.SetWatermark(event.Read, 0, 1000))
			ok(t, end.Enable(event.Read))
		}
		running(t, base)
		var writers sync.WaitGroup
		for _, end := range ends {
			for range 4 {
				writers.Go(func() {
					for range each {
						if _, err := end.WriteString("0123456789"); err != nil {
							t.Error(err)
						}
						if _, err := end.Flush(event.Write, bufferevent.ModeNormal); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		writers.Wait()
		<-done
	}
}
