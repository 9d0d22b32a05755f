package evtest

import (
	"fmt"
	"sync/atomic"
)

// Failf fails the test, as T().Errorf does, and ends what it waits for with Await. So
// the trace that is printed ends with what has led to the failure. All checkers
// report what they find in this way.
func (w *World) Failf(format string, args ...any) {
	w.t.Helper()
	err := fmt.Errorf(format, args...)
	w.t.Error(err)
	w.network.Fail(err)
}

// AtMost has the world check at each step that something that has a limit keeps it: the
// length of a buffer or queue, say, or the number of events of a base.
func (w *World) AtMost(what string, limit int, count func() int) {
	w.Always(what, func() error {
		if n := count(); n > limit {
			return fmt.Errorf("%d, and the limit is %d", n, limit)
		}
		return nil
	})
}

// A checker is one of those that belong to a host, and end with it.
type checker interface {
	stop()   // its host loses power: what it still waits for never comes
	finish() // the world ends: what it still waits for is missing
}

// A subject is what a checker checks, as failures name it.
type subject struct {
	host    *Host
	name    string
	stopped atomic.Bool
}

func (s *subject) failf(format string, args ...any) {
	if s.stopped.Load() {
		return // of a program that is dead nothing is known
	}
	s.host.world.t.Helper()
	s.host.world.Failf("%s: %s: %s", s.host.name, s.name, fmt.Sprintf(format, args...))
}

func (s *subject) stop() { s.stopped.Store(true) }

// check has c end with the host, or the world.
func (h *Host) check(c checker) { h.checkers = append(h.checkers, c) }
