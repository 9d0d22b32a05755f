package evthread_test

import (
	"errors"
	"fmt"
	"sync"

	"github.com/go-libevent/libevent/core/evthread"
)

// A chanLock is a lock that does not know its holder. It is enough for a
// program that never takes a lock twice, although every implementation must
// claim recursion; package pthreads has one that is true to its word.
type chanLock chan struct{}

func (l chanLock) Lock(mode evthread.Mode) error {
	if mode&evthread.ModeTry == 0 {
		l <- struct{}{}
		return nil
	}
	select {
	case l <- struct{}{}:
		return nil
	default:
		return evthread.ErrBusy
	}
}

func (l chanLock) Unlock(evthread.Mode) error {
	select {
	case <-l:
		return nil
	default:
		return evthread.ErrNotHeld
	}
}

var chanLocks = evthread.LockCallbacks{
	APIVersion:     evthread.LockAPIVersion,
	SupportedTypes: evthread.Recursive,
	Alloc: func(evthread.LockType) (evthread.Lock, error) {
		return make(chanLock, 1), nil
	},
}

func ExampleSetLockCallbacks() {
	if err := evthread.SetLockCallbacks(&chanLocks); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(evthread.Enabled())

	lock, err := evthread.NewLock(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evthread.FreeLock(lock, 0)

	var wg sync.WaitGroup
	lock.Lock(0)
	wg.Go(func() {
		err := lock.Lock(evthread.ModeTry)
		fmt.Println("busy:", errors.Is(err, evthread.ErrBusy))
	})
	wg.Wait()
	lock.Unlock(0)
	// Output:
	// true
	// busy: true
}

func ExampleEnableLockDebugging() {
	evthread.EnableLockDebugging()
	if err := evthread.SetLockCallbacks(&chanLocks); err != nil {
		fmt.Println(err)
		return
	}
	lock, err := evthread.NewLock(0)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Unless the program has installed a fatal callback of its own, a mistake
	// panics.
	defer func() {
		err, _ := recover().(error)
		fmt.Println(errors.Is(err, evthread.ErrNotHeld))
	}()
	lock.Unlock(0)
	// Output: true
}
