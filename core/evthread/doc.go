// Package evthread connects the library to threads: how to lock what several
// goroutines share, how to wait for one another, and which thread is calling.
//
// # When it is needed
//
// By default there are no locks. Everything belongs to one base and is used
// from the goroutine that runs it, and the few calls that are safe from
// anywhere say so. A program that wants to use bases, events, buffers and
// bufferevents from any goroutine installs an implementation of locks first,
// almost always the one in module pthreads:
//
//	if err := pthreads.Use(); err != nil {
//		return err
//	}
//	base, err := event.NewBase() // has locks from here on
//
// The hooks are looked at when an object is made. What was made before has no
// locks and never gets any.
//
// # An implementation of one's own
//
// Three hooks make an implementation: SetLockCallbacks for locks,
// SetConditionCallbacks for condition variables and SetIDCallback for the
// identity of the calling thread. Locks must come in the recursive type; a
// lock may be asked for as a read-write lock if SupportedTypes says so. The
// callbacks are pointers to descriptions which are compared by address: the
// same one may be installed any number of times, but to replace one by another
// fails with ErrInstalled, because objects with locks of the first kind may
// exist.
//
// Here a thread is whatever holds a lock and has an identity of its own. In
// package pthreads that is an operating-system thread, to which a goroutine is
// pinned while it holds a lock. Code that compares identities over a longer time
// must make sure that they last: with such an implementation, by staying pinned
// (runtime.LockOSThread).
//
// # For packages that need locks
//
// NewLock, FreeLock, NewCond and FreeCond make and free what the installed
// implementation provides. Without one they make nil, and the caller goes
// without:
//
//	lock, err := evthread.NewLock(evthread.Recursive)
//	...
//	if lock != nil {
//		lock.Lock(0)
//		defer lock.Unlock(0)
//	}
//
// A [Guard] is how objects do that: it takes the lock if there is one, or else, in
// debug mode, checks the goroutine (event.Base.Guard makes such guards), and
// takes what goes wrong to the fatal callback. A guard that has neither costs one
// comparison.
//
// # Debugging
//
// After EnableLockDebugging every new lock checks how it is used: unlocking what
// one does not hold, taking a plain lock twice, using the wrong mode, freeing a
// lock that is held and waiting without the lock all reach the fatal callback,
// with an error that says which lock, which thread and which mistake. Held lets
// code assert that its caller has taken the lock. Checking alone locks nothing:
// it needs an installed implementation to check.
//
// # Coming from C
//
// A lock is an object with methods rather than a pointer handed to callbacks,
// so an implementation provides one function to make locks instead of four.
// There is no evthread_make_base_notifiable: every base can be woken from any
// goroutine.
//
// # Files
//
//	hooks.go    installing an implementation; making and freeing what it provides
//	lock.go     Lock, Cond, their types and modes
//	guard.go    Guard: a lock, a check of the goroutine, or nothing
//	errors.go   errors of callbacks, guards and locks
//	debug.go    lock debugging
//	goroutine.go goroutine_*.s  Goroutine, by architecture
package evthread
