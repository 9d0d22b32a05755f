// Package pthreads lets a program use the library from many threads.
//
//	if err := pthreads.Use(); err != nil {
//		return err
//	}
//	base, err := event.NewBase()
//
// # When to use it
//
// By default a base and all that belongs to it are confined to the goroutine
// that runs the loop, and nothing is locked. That is the fastest way, and most
// programs need no other: whatever another goroutine wants done, it hands to
// the loop with Base.Post. Use is for programs that call into bases, events,
// buffers or bufferevents from several goroutines directly, as programs written
// for libevent in C often do. Call it first of all: what was made before has no
// locks and never gets any.
//
// # Locks
//
// Locks belong to threads, as they do in C. A goroutine that takes one is pinned
// to its operating-system thread (runtime.LockOSThread) until it has unlocked
// what it locked, so while it is inside, its thread is its own. Only the holder
// can unlock; any other gets evthread.ErrNotHeld.
//
// Three types are made, by evthread.NewLock: recursive locks, which is what the
// library uses; plain locks, which answer a second Lock of their holder with
// evthread.ErrRecursive instead of hanging; and read-write locks, which readers
// may take again while they read, and which refuse a writer, or a reader that
// locks for writing, in the same way. With evthread.ModeTry no call waits: it
// returns evthread.ErrBusy. Taking and releasing a lock allocates nothing and,
// when no other thread holds it, makes no system call.
//
// Conditions, made by evthread.NewCond, wait with a plain or a recursive lock,
// however often it is held, and give it back as they found it. They wake one
// waiter, the one that has waited longest, or all, and keep to timeouts.
//
// evthread.EnableLockDebugging turns misuse of any of these into fatal errors.
//
// # Identities
//
// evthread.ID gives the number that the operating system has for the calling
// thread. A goroutine that is not pinned may run on another thread a moment
// later. OpenBSD, Solaris, illumos and the lesser-used systems do not tell Go
// that number; there each goroutine has an identity of its own, which for a
// pinned goroutine comes to the same.
//
// # Groups of loops
//
// A [Group] runs a number of loops, each on a thread of its own, and spreads the
// connections of its listeners over them. It is how a server puts all processors
// to work without locks, and needs no Use: each connection belongs to one loop.
//
//	g, err := pthreads.NewGroup(&pthreads.GroupConfig{Teardown: closeConnections})
//	...
//	addr, err := g.Listen(":7777", func(b *event.Base, fd int, peer netip.AddrPort) {
//		ev, err := b.NewEvent(fd, event.Read|event.Persist, onReadable)
//		...
//	})
//	...
//	err = g.Stop(ctx) // waits for the loops until ctx is done
//
// [Serve] is both in one call for a [Service]. HTTP on all cores is
//
//	servers := evhttp.NewServers(func(s *evhttp.Server) error { return s.Handle("/", hello) })
//	g, addr, err := pthreads.Serve(nil, ":8080", servers)
//
// Where the system can spread connections by itself (Linux, FreeBSD, DragonFly
// BSD), each loop has a listener on the same port; elsewhere, for Unix sockets
// and on request, one loop accepts and hands the connections to all in turn.
// [GroupConfig] can confine the loops to processors, and has functions to set up
// and tear down what else a loop has. From outside, [Group.Base] and
// [Group.Next] give bases to Post to.
//
// # Coroutines
//
// Go ends the program when a coroutine (iter.Pull) is resumed with its caller
// pinned otherwise than when the coroutine was made. Do not hold a lock of this
// package in one of these moments and not in the other.
//
// # Priority inheritance
//
// UseWithFlags(PrioInherit) makes locks that lend the priority of a waiting thread
// to the holder, so that a real-time thread is not kept waiting by an
// unimportant one. The kernel of Linux does this; elsewhere the call fails with
// errors.ErrUnsupported. Such a lock asks for the number of its thread each time
// it is taken, one system call, and waiting for it blocks a thread. Two threads
// that would wait for each other for ever get an error, EDEADLK, instead.
// Read-write locks never inherit.
//
// # Coming from C
//
// Use is evthread_use_pthreads as well as evthread_use_windows_threads: the
// package is the same on every system and needs no C library. A Group has no
// counterpart: it is what servers written in C build by hand from a base for
// each thread and a pipe to hand connections over.
//
// # Files
//
//	pthreads.go     Use, UseWithFlags: installing the locks
//	mutex.go        plain and recursive locks
//	rwlock.go       read-write locks
//	cond.go         conditions
//	pifutex_*.go    locks that inherit priorities, by system
//	thread_*.go     numbers of threads, by system
//	affinity_*.go   threads that are confined to processors, by system
//	group.go        Group, its configuration, start and end
//	loop.go         one loop of a group
//	listen.go       Group.Listen
//	serve.go        Serve: a group for a Service
//	acceptor.go     accepting connections, and handing them to loops
//	errors.go       errors
package pthreads
