package listener

import (
	"fmt"
	"runtime"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// initLock gives the listener a lock if its flags want one. It is given back
// when nobody can take it any more, which after Free is still possible.
func (l *Listener) initLock() error {
	if l.flags&ThreadSafe == 0 {
		return nil
	}
	lock, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		return err
	}
	if lock == nil {
		return ErrLocking
	}
	l.lock = lock
	runtime.AddCleanup(l, func(lock evthread.Lock) { evthread.FreeLock(lock, evthread.Recursive) }, lock)
	return nil
}

// enter begins an operation on the listener: it takes the lock, if there is
// one.
func (l *Listener) enter() {
	if l.lock != nil {
		l.check(l.lock.Lock(0))
	}
}

func (l *Listener) leave() {
	if l.lock != nil {
		l.check(l.lock.Unlock(0))
	}
}

func (l *Listener) check(err error) {
	if err != nil {
		evlog.Fatal(fmt.Errorf("listener fd %d: %w", l.fd, err))
	}
}
