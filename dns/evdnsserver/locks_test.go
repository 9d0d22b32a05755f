package evdnsserver_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// brokenLock is a lock that cannot be taken.
type brokenLock struct{}

var errBrokenLock = errors.New("broken lock")

func (brokenLock) Lock(evthread.Mode) error   { return errBrokenLock }
func (brokenLock) Unlock(evthread.Mode) error { return errBrokenLock }

// Errors of locks go to the fatal callback, as everywhere.
func TestBrokenLocksAreFatal(t *testing.T) {
	loop, err := event.NewBase()
	ok(t, err)
	t.Cleanup(loop.Free)
	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return brokenLock{}, nil },
	}))
	var fatal []error
	event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
	event.SetLogCallback(func(event.LogSeverity, string) {}) // that locks are removed
	t.Cleanup(func() {
		event.SetFatalCallback(nil)
		event.SetLogCallback(nil)
	})
	s, err := evdnsserver.NewUDP(loop, fd, func(*evdnsserver.Request) {})
	ok(t, evthread.SetLockCallbacks(nil))
	ok(t, err)
	t.Cleanup(s.Close)
	fatal = nil
	s.Stats()
	if len(fatal) != 2 { // of Lock and of Unlock
		t.Errorf("fatal errors %v, want two", fatal)
	}
	for _, err := range fatal {
		is(t, "fatal error", err, errBrokenLock)
	}
}
