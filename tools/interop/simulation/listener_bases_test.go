package simulation_test

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A listenBase is a base of the server, with the listeners that belong to it.
type listenBase struct {
	scenario  *listenScenario
	base      *event.Base
	listeners []*modelListener

	iterations uint64 // of the loop
	spinning   int    // since time has gone on
	at         time.Time
}

// addBase adds a base, the first of which is the one that others use as well.
func (s *listenScenario) addBase() {
	b := &listenBase{scenario: s, base: s.server.Base()}
	if len(s.bases) > 0 {
		b.base = s.server.NewBase(nil)
	}
	s.bases = append(s.bases, b)
	b.post(func() { b.base.NewPrepare(b.onPrepare) })
}

// onPrepare sees that the loop does not go on without a reason: each of the connections
// and timers is one for a few iterations at one moment.
func (b *listenBase) onPrepare(*event.Watcher, event.PrepareInfo) {
	b.iterations++
	if now := time.Now(); !now.Equal(b.at) {
		b.at, b.spinning = now, 0
	}
	if b.spinning++; b.spinning == 400+5*b.scenario.connections {
		b.scenario.world.Failf("the loop has run %d times at one moment", b.spinning)
	}
}

// post has fn run on the loop.
func (b *listenBase) post(fn func()) {
	if err := b.base.Post(fn); err != nil {
		b.scenario.world.Failf("post: %v", err)
	}
}

// onEach calls fn on each of the loops, and waits until that is done.
func (s *listenScenario) onEach(what string, fn func(*listenBase)) {
	left := len(s.bases)
	for _, b := range s.bases {
		b.post(func() {
			fn(b)
			left--
		})
	}
	s.world.Await(what, func() bool { return left == 0 })
}
