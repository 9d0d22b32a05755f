package evtls_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// Handshakes that end at random points, in all the ways there are, leave nothing
// behind.
func TestAbortedHandshakes(t *testing.T) {
	count := 10_000
	if testing.Short() {
		count = 500
	}
	for name, workers := range map[string]*evtls.Workers{"loop": nil, "workers": evtls.NewWorkers(2)} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			random := rand.New(rand.NewPCG(1, 2))
			goroutines := runtime.NumGoroutine()
			before := heap()
			for i := range count / 2 {
				abort(t, base, random, workers)
				if i%100 == 0 {
					settle(t, base)
				}
			}
			evtest.Goroutines(t, goroutines)
			settle(t, base)
			want(t, "events left", base.NumEvents(event.CountAdded), 0)
			want(t, "virtual events left", base.NumEvents(event.CountVirtual), 0)
			if now := heap(); now > before+2<<20 {
				t.Errorf("%d bytes of memory are held, %d before", now, before)
			}
		})
	}
}

// heap returns how much memory is in use.
func heap() uint64 {
	var m runtime.MemStats
	for range 2 { // pools let go of what they have in two steps
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// abort begins a handshake and ends it somehow.
func abort(t testing.TB, base *event.Base, random *rand.Rand, workers *evtls.Workers) {
	client, server := plain(0)
	client.Workers, server.Workers = workers, workers
	a, b, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	c, err := evtls.NewFilter(a, evtls.Connecting, client, bufferevent.CloseOnFree)
	ok(t, err)
	s, err := evtls.NewFilter(b, evtls.Accepting, server, bufferevent.CloseOnFree)
	ok(t, err)
	ends := []*bufferevent.Bufferevent{c, s}
	for _, e := range ends {
		ok(t, e.SetWatermark(event.Read, 0, 1+random.IntN(3000)))
		e.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			if random.IntN(2) == 0 {
				b.Free()
			}
		})
		ok(t, e.Enable(event.Read))
	}
	for range random.IntN(6) {
		evtest.Turn(t, base)
		runtime.Gosched() // workers get on
	}
	one := random.IntN(2)
	switch random.IntN(6) {
	case 0: // the peer ends the stream
		ends[one].Underlying().CloseWrite()
	case 1: // the peer vanishes
		ends[one].Free()
	case 2: // the time is over
		expire(base)
	case 3: // what is below fails
		ends[one].Underlying().TriggerEvent(bufferevent.EventError|bufferevent.EventReading, fmt.Errorf("aborted"), 0)
	case 4: // garbage
		ends[one].Underlying().WriteString("\x16\x03\x03\x00\x02no, this is no TLS")
	case 5: // what is below is freed by somebody else
		ends[one].Underlying().Free()
	}
	for range random.IntN(3) {
		evtest.Turn(t, base)
	}
	c.Free()
	s.Free()
}

// A base may be freed while a handshake computes elsewhere.
func TestBaseFreedWhileWorking(t *testing.T) {
	evtest.Leaks(t)
	base, err := event.NewBase()
	ok(t, err)
	a, b, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	started, stop := make(chan bool), make(chan bool)
	client, server := plain(0)
	server.Workers = evtls.NewWorkers(1)
	server.TLS.GetConfigForClient = blocked(started, stop)
	c, err := evtls.NewFilter(a, evtls.Connecting, client, bufferevent.CloseOnFree)
	ok(t, err)
	s, err := evtls.NewFilter(b, evtls.Accepting, server, bufferevent.CloseOnFree)
	ok(t, err)
	settle(t, base)
	<-started
	base.Free()
	close(stop)
	s.Free()
	c.Free()
}

// A bufferevent may be freed while its handshake computes elsewhere, and the
// loop need not wait for that.
func TestFreeWhileWorking(t *testing.T) {
	base := newBase(t)
	started, stop := make(chan bool), make(chan bool)
	client, server := plain(0)
	server.Workers = evtls.NewWorkers(1)
	server.TLS.GetConfigForClient = blocked(started, stop)
	c, s := newEnds(t, base, client, server, 0)
	settle(t, base)
	<-started
	want(t, "virtual events", base.NumEvents(event.CountVirtual), 1)
	s.b.Free()
	want(t, "virtual events", base.NumEvents(event.CountVirtual), 0)
	c.b.Free()
	close(stop)
	settle(t, base)
	s.want(t)
}

// One that waits for a worker goes away without having had one.
func TestFreeWhileWaitingForWorker(t *testing.T) {
	base := newBase(t)
	started, stop := make(chan bool), make(chan bool)
	workers := evtls.NewWorkers(1)
	client, server := plain(0)
	server.Workers = workers
	server.TLS.GetConfigForClient = blocked(started, stop)
	_, busy := newEnds(t, base, client, server, 0)
	settle(t, base)
	<-started
	goroutines := runtime.NumGoroutine()
	for range 10 {
		client, _ := plain(0)
		client.Workers = workers
		a, b := newPair(t, base, 0)
		c := newEnd(t, a, evtls.Connecting, client, 0)
		settle(t, base)
		want(t, "bytes sent without a worker", b.Input().Len(), 0)
		c.b.Free()
	}
	evtest.Goroutines(t, goroutines)
	close(stop)
	evtest.Await(t, base, "the one that was busy", func() bool { return busy.has(connected) })
}
