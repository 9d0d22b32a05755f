package pthreads

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/evthread"
)

// A gate lets one goroutine through at a time, and keeps it on its thread until
// it leaves. It knows nothing of owners: that is what a mutex adds.
type gate interface {
	enter() error
	tryEnter() bool
	leave() error
}

// A semaphore is the gate of every system: goroutines queue for it, not
// threads, and are pinned only once they are through.
type semaphore struct{ mu sync.Mutex }

func newSemaphore() gate { return new(semaphore) }

func (s *semaphore) enter() error {
	s.mu.Lock()
	runtime.LockOSThread()
	return nil
}

func (s *semaphore) tryEnter() bool {
	if !s.mu.TryLock() {
		return false
	}
	runtime.LockOSThread()
	return true
}

func (s *semaphore) leave() error {
	s.mu.Unlock()
	runtime.UnlockOSThread()
	return nil
}

// A mutex is a plain or a recursive lock. The goroutine inside the gate is its
// owner. Only a goroutine itself ever stores or clears its own identity in
// owner, so a goroutine that finds itself there holds the mutex and one that
// does not find itself there does not, whatever others are doing meanwhile.
type mutex struct {
	gate      gate
	recursive bool
	owner     atomic.Uintptr // identity of the holder, 0 when there is none
	depth     int            // how often the owner holds it; the owner's alone
}

func (m *mutex) Lock(mode evthread.Mode) error {
	try := mode&evthread.ModeTry != 0
	if m.held() {
		return m.lockAgain(try)
	}
	if try {
		if !m.gate.tryEnter() {
			return evthread.ErrBusy
		}
	} else if err := m.gate.enter(); err != nil {
		return err
	}
	m.own(1)
	return nil
}

func (m *mutex) lockAgain(try bool) error {
	switch {
	case m.recursive:
		m.depth++
		return nil
	case try:
		return evthread.ErrBusy
	default:
		return evthread.ErrRecursive
	}
}

func (m *mutex) Unlock(evthread.Mode) error {
	if !m.held() {
		return evthread.ErrNotHeld
	}
	if m.depth > 1 {
		m.depth--
		return nil
	}
	return m.disown()
}

func (m *mutex) held() bool { return m.owner.Load() == evthread.Goroutine() }

// own makes the calling goroutine, which has entered the gate, the owner. The
// swap reads what disown stored, which orders the two for gates that the
// kernel, and not Go, hands from one thread to another.
func (m *mutex) own(depth int) {
	m.owner.Swap(evthread.Goroutine())
	m.depth = depth
}

func (m *mutex) disown() error {
	m.depth = 0
	m.owner.Store(0)
	return m.gate.leave()
}

// release frees the mutex however often the owner holds it, and reacquire
// takes it back as often. The caller stays on its thread in between.
func (m *mutex) release() (depth int, err error) {
	runtime.LockOSThread()
	depth = m.depth
	return depth, m.disown()
}

func (m *mutex) reacquire(depth int) error {
	defer runtime.UnlockOSThread()
	if err := m.gate.enter(); err != nil {
		return err
	}
	m.own(depth)
	return nil
}
