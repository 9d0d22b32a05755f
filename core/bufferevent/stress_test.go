package bufferevent_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// TestEverythingAtOnce does everything that a bufferevent can from many goroutines
// while the loop runs. It is most of all for the race detector; and no loop may
// get stuck, nor anything stay behind.
func TestEverythingAtOnce(t *testing.T) {
	enableLocks(t)
	base := newBase(t)
	g := newGroup(t, base, limit(t, 1<<20, 1<<20, time.Millisecond))
	s := &stress{t: t, base: base, group: g, limit: limit(t, 1<<20, 1<<20, time.Millisecond)}
	for i := range s.streams {
		s.replace(i)
	}
	running(t, base)
	operations := 4000
	if testing.Short() {
		operations = 500
	}
	var members sync.WaitGroup
	for i := range writers {
		members.Go(func() { s.work(rand.New(rand.NewPCG(1, uint64(i))), operations) })
	}
	members.Wait()
	for i := range s.streams {
		s.streams[i].Load().Free()
	}
	onLoop(t, base, func() {})
	t.Logf("%d callbacks", s.calls.Load())
	if s.calls.Load() == 0 {
		t.Error("no callback was called")
	}
}

// A stress is a few streams that many goroutines use.
type stress struct {
	t       *testing.T
	base    *event.Base
	group   *bufferevent.RateLimitGroup
	limit   *bufferevent.TokenBucketConfig
	streams [6]atomic.Pointer[bufferevent.Bufferevent]
	calls   atomic.Int64
}

// replace makes new streams in the place of i and its partner.
func (s *stress) replace(i int) {
	i &^= 1
	opts := bufferevent.ThreadSafe
	switch i {
	case 2:
		opts |= bufferevent.DeferCallbacks
	case 4:
		opts |= bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks
	}
	one, two := connectedPair(quiet{s.t}, s.base, opts)
	for j, b := range []*bufferevent.Bufferevent{one, two} {
		b.SetCallbacks(s.onRead, s.onWrite, s.onEvent)
		b.Enable(event.Read)
		if old := s.streams[i+j].Swap(b); old != nil {
			old.Free()
		}
	}
}

// quiet keeps the test from piling up cleanups, of which every one would be for
// what was freed long ago.
type quiet struct{ *testing.T }

func (quiet) Cleanup(func()) {}

func (s *stress) onRead(b *bufferevent.Bufferevent) {
	s.calls.Add(1)
	if b.Output().Len() < 1<<16 {
		b.WriteBuffer(b.Input())
	} else {
		b.Input().Drain(b.Input().Len())
	}
}

func (s *stress) onWrite(*bufferevent.Bufferevent) { s.calls.Add(1) }

func (s *stress) onEvent(b *bufferevent.Bufferevent, _ bufferevent.Events) {
	s.calls.Add(1)
	b.Err()
}

func (s *stress) work(r *rand.Rand, operations int) {
	for range operations {
		s.operate(r, s.streams[r.IntN(len(s.streams))].Load())
		if r.IntN(8) == 0 {
			runtime.Gosched()
		}
	}
}

func (s *stress) operate(r *rand.Rand, b *bufferevent.Bufferevent) {
	what := event.Read
	if r.IntN(2) == 0 {
		what = event.Write
	}
	switch r.IntN(22) {
	case 0, 1, 2, 3:
		b.Write(make([]byte, r.IntN(3000)))
	case 4:
		b.WriteBuffer(s.streams[r.IntN(len(s.streams))].Load().Input())
	case 5:
		b.Read(make([]byte, 100))
	case 6, 7, 8:
		b.Enable(what)
	case 9:
		b.Disable(what)
	case 10:
		b.SetWatermark(what, r.IntN(100), r.IntN(2)*(1000+r.IntN(1000)))
	case 11:
		b.SetTimeouts(time.Duration(r.IntN(2))*time.Millisecond, time.Duration(r.IntN(2))*time.Millisecond)
	case 12:
		b.Trigger(what, bufferevent.TriggerOptions(r.IntN(4)))
	case 13:
		b.TriggerEvent(bufferevent.EventReading, nil, bufferevent.TriggerOptions(r.IntN(4)))
	case 14:
		b.SetRateLimit([]*bufferevent.TokenBucketConfig{nil, s.limit}[r.IntN(2)])
	case 15:
		b.AddToRateLimitGroup(s.group)
	case 16:
		b.RemoveFromRateLimitGroup()
	case 17:
		b.Lock()
		b.WriteString("two ")
		b.WriteString("parts")
		b.Unlock()
	case 18:
		b.IncRef()
		b.DecRef()
	case 19:
		b.SetCallbacks(s.onRead, s.onWrite, s.onEvent)
		b.MaxToRead()
		b.WriteLimit()
		_ = b.String()
	case 20:
		s.group.DecrementWrite(r.IntN(100))
		b.DecrementReadLimit(r.IntN(100))
		b.SetMaxSingleRead(r.IntN(1000))
		b.SetMaxSingleWrite(r.IntN(1000))
	case 21:
		switch r.IntN(10) {
		case 0:
			b.Free()
		case 1:
			b.CloseWrite()
		case 2:
			s.replace(r.IntN(len(s.streams)))
		}
	}
}
