package event_test

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-libevent/libevent/core/event"
)

// This is the part of the model that is told what the base's loop does, and
// judges it.

// begin is the start of a loop.
func (m *model) begin(flags event.LoopFlag) {
	m.flags, m.looping, m.iterated = flags, true, false
	m.exiting, m.breaking = false, false
	m.running = -1
}

// prepare is the start of an iteration. It returns when the loop should stop
// waiting at the latest.
func (m *model) prepare() (wait deadline, err error) {
	if err := m.endPass(); err != nil {
		return 0, err
	}
	if ends, _ := m.ends(); ends {
		return 0, errors.New("the loop goes on, and should have ended")
	}
	if m.flags&event.LoopNonblock != 0 || m.hasWork() || m.exiting {
		return soon, nil
	}
	for _, s := range m.subjects {
		if s.timeout == soon || s.timeout == far && wait == never {
			wait = s.timeout
		}
	}
	return wait, nil
}

// wouldHang reports whether nothing is going to end a wait.
func (m *model) wouldHang(wait deadline) bool {
	if wait == soon {
		return false
	}
	for _, s := range m.subjects {
		if s.waiting && m.conns[s.conn].ready()&s.what != 0 {
			return false
		}
	}
	return true
}

// check is the end of the wait: what is ready by now becomes active.
func (m *model) check() {
	ready := make(map[*subject]event.What)
	passed := make(map[*subject]event.What)
	for _, s := range m.subjects {
		if s.waiting && m.conns[s.conn].ready()&s.what != 0 {
			ready[s] = m.conns[s.conn].ready() & s.what
		}
	}
	m.inOneBatch(ready)
	m.drain()
	for _, s := range m.subjects {
		if s.timeout == soon {
			s.timeout = never
			passed[s] = event.Timeout
		}
	}
	m.inOneBatch(passed)
	m.iterated, m.passing = true, true
	m.hadWork = m.hasWork()
	m.turn, m.last, m.posted, m.tasks, m.activated = len(m.posts), -1, 0, 0, 0
}

func (m *model) hasWork() bool { return m.activeCount() > 0 || len(m.posts) > 0 }

// limitAt is how many callbacks of a priority may run in a pass.
func (m *model) limitAt(priority int) int {
	if m.limit == 0 || priority < m.limitFrom {
		return math.MaxInt
	}
	return m.limit
}

// startPost is the start of a posted function.
func (m *model) startPost(id int) error {
	if m.passing && !m.postsGoOn() {
		if err := m.beginLast(); err != nil {
			return fmt.Errorf("post %d runs too late: %w", id, err)
		}
		m.last--
	}
	switch {
	case !m.passing:
		return fmt.Errorf("post %d runs at the wrong time", id)
	case m.breaking:
		return fmt.Errorf("post %d runs after LoopBreak", id)
	case m.last < -1:
		return fmt.Errorf("post %d runs in the iteration in which it was posted", id)
	case m.posts[0] != id:
		return fmt.Errorf("post %d runs before post %d", id, m.posts[0])
	}
	m.posts = m.posts[1:]
	m.posted++
	return nil
}

// postsGoOn reports whether the posted functions of a pass, which come before
// the active tasks, have not all run yet.
func (m *model) postsGoOn() bool {
	return m.running < 0 && m.last < 0 && m.tasks == 0 && m.posted < m.turn && !m.breaking &&
		(m.exiting || !m.continuing && m.posted < m.limitAt(0))
}

// beginLast is where all tasks have run and the loop is to exit: what has been
// posted by then runs, too.
func (m *model) beginLast() error {
	if m.last >= 0 {
		return nil
	}
	m.drain()
	switch {
	case !m.exiting:
		return errors.New("the loop is not to exit")
	case len(m.active) > 0:
		return fmt.Errorf("callback of %d did not run", m.active[0].name)
	}
	m.running, m.activated, m.last = -1, 0, len(m.posts)
	return nil
}

// start is the start of a callback of s.
func (m *model) start(s *subject, what event.What) error {
	if m.freed {
		return m.startFreed(s)
	}
	if m.running < 0 {
		if err := m.endPosts(); err != nil {
			return err
		}
		m.running = m.mostUrgent()
	}
	if m.exiting {
		m.running = m.mostUrgent()
	}
	if err := m.mayRun(s, what); err != nil {
		return fmt.Errorf("callback of %d with %v: %w", s.name, what, err)
	}
	m.cancel(s)
	m.tasks++
	switch s.kind {
	case oneShot:
		s.waiting, s.timeout = false, never
	case persistent:
		if s.interval != never {
			s.timeout = s.interval
		}
	case finalizer:
		s.kind, s.assigned = oneShot, false
	}
	m.count()
	return nil
}

// startFreed is the start of a callback that Free runs.
func (m *model) startFreed(s *subject) error {
	if s.kind != finalizer {
		return fmt.Errorf("callback of %d: in a base that is being freed", s.name)
	}
	s.kind, s.assigned = oneShot, false
	return nil
}

func (m *model) mayRun(s *subject, what event.What) error {
	switch {
	case !m.passing:
		return errors.New("at the wrong time")
	case m.breaking:
		return errors.New("after LoopBreak")
	case m.continuing && !m.exiting:
		return errors.New("after LoopContinue, or before more urgent ones")
	case m.last >= 0:
		return errors.New("after the last posts")
	case !slices.Contains(m.active, s):
		return errors.New("is not active")
	case s.priority != m.running:
		return fmt.Errorf("has priority %d, those of %d run", s.priority, m.running)
	case m.tasks >= m.limitAt(m.running) && !m.exiting:
		return errors.New("is beyond MaxDispatchCallbacks")
	case s.kind != deferred && s.result != what:
		return fmt.Errorf("should have been told %v", s.result)
	}
	first := m.first(m.running)
	if s.batch != first.batch {
		return fmt.Errorf("runs before that of %d, which became active before", first.name)
	}
	return nil
}

// finish is the end of a callback.
func (m *model) finish() { m.drain() }

// mostUrgent is the best priority of what is active, or -1.
func (m *model) mostUrgent() int {
	best := -1
	for _, s := range m.active {
		if best < 0 || s.priority < best {
			best = s.priority
		}
	}
	return best
}

func (m *model) first(priority int) *subject {
	for _, s := range m.active {
		if s.priority == priority {
			return s
		}
	}
	return nil
}

// endPosts is where the posted functions of a pass have run.
func (m *model) endPosts() error {
	goOn := m.postsGoOn()
	m.drain()
	if goOn {
		return fmt.Errorf("post %d did not run", m.posts[0])
	}
	return nil
}

// endPass is where no more callbacks run before the loop looks for news.
func (m *model) endPass() error {
	if !m.passing {
		return nil
	}
	m.passing = false
	if m.running < 0 {
		if err := m.endPosts(); err != nil {
			return err
		}
		m.running = m.mostUrgent()
	}
	if m.exiting && !m.breaking {
		return m.endLast()
	}
	pri := m.running
	m.running, m.activated = -1, 0
	if m.breaking || m.continuing || pri < 0 {
		return nil
	}
	if s := m.first(pri); s != nil && m.tasks < m.limitAt(pri) {
		return fmt.Errorf("callback of %d did not run", s.name)
	}
	return nil
}

// endLast is endPass in the last iteration of a loop that is to exit.
func (m *model) endLast() error {
	if err := m.beginLast(); err != nil {
		return err
	}
	m.running, m.activated = -1, 0
	if m.last > 0 {
		return fmt.Errorf("post %d did not run before the loop exits", m.posts[0])
	}
	return nil
}

// ends says whether the loop has to end by now, and how. If not, it is the start
// of an iteration.
func (m *model) ends() (bool, event.Status) {
	ran := m.posted + m.tasks
	switch {
	case m.exiting || m.breaking:
		return true, event.LoopDone
	case m.iterated && m.hadWork && m.flags&event.LoopOnce != 0 && ran > 0 && !m.hasWork():
		return true, event.LoopDone
	case m.iterated && !m.hadWork && m.flags&event.LoopNonblock != 0:
		return true, event.LoopDone
	}
	m.continuing = false
	later := m.later
	m.later = nil
	for _, s := range later {
		m.pushActive(s)
	}
	m.drain() // an exit that was asked for before the loop ends it after an iteration
	if m.flags&event.LoopNoExitOnEmpty == 0 && m.added() == 0 && m.virtual <= 0 && !m.hasWork() && !m.exiting {
		return true, event.LoopNoEvents
	}
	return false, 0
}

// end is the end of a loop.
func (m *model) end(status event.Status) error {
	if err := m.endPass(); err != nil {
		return err
	}
	ends, want := m.ends()
	m.drain()
	m.looping = false
	if !ends {
		return errors.New("the loop ended, and should have gone on")
	}
	if status != want {
		return fmt.Errorf("the loop ended with status %d, want %d", status, want)
	}
	return nil
}
