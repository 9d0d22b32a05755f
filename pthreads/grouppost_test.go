package pthreads_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/pthreads"
)

// What Post has accepted runs before Teardown, whenever it came.
func TestPostsThatAGroupAcceptedRun(t *testing.T) {
	for name, cfg := range map[string]event.Config{
		"plain":          {},
		"in small doses": {MaxDispatchCallbacks: 1},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T) {
				const loops, posters, backlog = 2, 4, 1000
				var ran, accepted, tornDown atomic.Int64
				g := newGroup(t, &pthreads.GroupConfig{
					Loops:    loops,
					Config:   cfg,
					Teardown: func(int, *event.Base) { tornDown.Add(1) },
				})
				var posting sync.WaitGroup
				begun := make(chan struct{}, posters)
				for i := range posters {
					posting.Go(func() {
						late := func() {
							ran.Add(1)
							if tornDown.Load() == loops {
								t.Error("a function ran after the last Teardown")
							}
						}
						for n := 0; ; n++ {
							for accepted.Load()-ran.Load() > backlog && tornDown.Load() == 0 {
								runtime.Gosched() // or the loops would never catch up on a busy machine
							}
							if err := g.Base(i % loops).Post(late); err != nil {
								if !errors.Is(err, event.ErrFreed) {
									t.Errorf("post: %v", err)
								}
								return
							}
							accepted.Add(1)
							if n == 10 {
								begun <- struct{}{}
							}
						}
					})
				}
				for range posters {
					wait(t, begun)
				}
				stop(t, g)
				posting.Wait()
				if ran.Load() != accepted.Load() {
					t.Errorf("%d functions ran of %d that were accepted", ran.Load(), accepted.Load())
				}
			})
		})
	}
}

// Stop may come before the loops' goroutines have begun.
func TestPostsRunInAGroupThatIsStoppedAtOnce(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		for range 20 {
			var ran, accepted atomic.Int64
			g := newGroup(t, &pthreads.GroupConfig{Loops: 3})
			for i := range 3 {
				if g.Base(i).Post(func() { ran.Add(1) }) == nil {
					accepted.Add(1)
				}
			}
			stop(t, g)
			if ran.Load() != accepted.Load() || accepted.Load() != 3 {
				t.Fatalf("%d functions ran of %d that were accepted", ran.Load(), accepted.Load())
			}
		}
	})
}
