package listener

import (
	"fmt"

	"github.com/go-libevent/libevent/core/evthread"
)

// initGuard gives the listener a lock if its flags want one.
func (l *Listener) initGuard() (err error) {
	if l.flags&ThreadSafe != 0 {
		l.guard, err = evthread.NewLockGuard(l.guardName())
	}
	return err
}

// confine has debug mode check which goroutine uses a listener without a lock. A listener
// that is Disabled may be made by any goroutine, so this comes last.
func (l *Listener) confine() {
	if l.guard.IsZero() {
		l.guard = l.base.Guard(l.guardName())
	}
}

func (l *Listener) guardName() string { return fmt.Sprintf("listener fd %d", l.fd) }
