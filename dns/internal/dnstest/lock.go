package dnstest

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
)

// brokenLock is a lock that cannot be taken.
type brokenLock struct{}

var errBrokenLock = errors.New("broken lock")

func (brokenLock) Lock(evthread.Mode) error   { return errBrokenLock }
func (brokenLock) Unlock(evthread.Mode) error { return errBrokenLock }

// CheckBrokenLocks calls build while the hooks of evthread make locks that fail, and
// checks that the method that it returns reports both errors, of Lock and of Unlock, to
// the fatal callback.
func CheckBrokenLocks(t *testing.T, build func() (method func(), err error)) {
	t.Helper()
	OK(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return brokenLock{}, nil },
	}))
	var fatal []error
	event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
	event.SetLogCallback(func(event.LogSeverity, string) {}) // that hooks are removed
	t.Cleanup(func() {
		event.SetFatalCallback(nil)
		event.SetLogCallback(nil)
	})
	method, err := build()
	OK(t, evthread.SetLockCallbacks(nil))
	OK(t, err)
	fatal = nil
	method()
	if len(fatal) != 2 {
		t.Errorf("fatal errors %v, want two", fatal)
	}
	for _, err := range fatal {
		Is(t, "fatal error", err, errBrokenLock)
	}
}
