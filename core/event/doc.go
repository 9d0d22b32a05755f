// Package event runs callbacks when descriptors become ready, timers expire,
// signals arrive, or the program says so. It is the core of libevent, in Go,
// with libevent's names.
//
// # Bases and events
//
// A [Base] holds events and has a loop. An [Event] is a condition and a
// callback. Make a base, add events, run the loop:
//
//	base, err := event.NewBase()
//	...
//	ev, err := base.NewEvent(fd, event.Read|event.Persist, onReadable)
//	...
//	err = ev.Add()
//	...
//	err = base.Dispatch() // until no events are left, or base.LoopExit
//
// The callback gets the event and what has happened:
//
//	func onReadable(ev *event.Event, what event.What) {
//		n, err := unix.Read(ev.FD(), buf)
//		...
//	}
//
// An event is one-shot unless it has [Persist]. It may have a timeout besides
// what else it waits for ([Event.AddTimeout]), and [Event.Del] ends its
// waiting. The descriptor must be non-blocking and remains the caller's:
// delete the event before closing it.
//
// Timers are events without a descriptor ([Base.NewTimer], [Base.NewTicker]), signals come as
// events ([Base.NewSignal]), and any event can be made to fire by hand
// ([Event.Activate]). [Event.Data] carries a value of the user's, so that one
// function can serve a million events without a closure for each. An Event can
// be a field of a larger structure ([Event.Assign]): then adding, firing and
// deleting it allocates nothing.
//
// # Goroutines
//
// A base belongs to the goroutine that runs its loop, and its callbacks run
// there, one after the other; so they need no locks, and must not block.
// Other goroutines hand over work with [Base.Post], or with [Base.Call] if they have
// to wait for it, and may call [Base.LoopExit], [Base.LoopBreak] and
// [Event.Activate]. [Base.Data] carries what belongs to a loop. Nothing else is safe
// for them, unless locking was enabled before the base was made, see the
// package pthreads. [EnableDebugMode] detects uses that break this rule.
//
// A loop that waits holds no processor: other goroutines run as if it were not
// there. With epoll it holds no thread either. Callbacks may do anything:
// delete, free, add or activate any event, including their own, and nothing
// runs for an event after it was deleted.
//
// # The order of things
//
// Each iteration of the loop calls the prepare watchers ([Base.NewPrepare]),
// waits until something happens or the next timeout passes, calls the check
// watchers, runs the posted functions, and then the callbacks of active
// events: those of the most urgent priority that has any, in the order in
// which they became active; at the end come the objects that have asked for it
// ([Base.AtIterationEnd]), which is when bufferevents write. Priorities ([Base.SetPriorities]) go from 0, the
// most urgent, upwards; events start in the middle. Less urgent callbacks run
// only when nothing more urgent is active, so urgent ones can starve them;
// [Config] can bound how long the loop goes without looking for news.
//
// Events become active in this order: those that were activated before the wait
// ([Event.Activate], [Base.ActiveByFD]); those whose descriptors are ready, as the
// method reports them; those that others activated during the wait; signals; and
// those whose timeouts have passed, by their deadlines, each common timeout after
// all others. An event that is active already keeps its place and gets one call for
// all.
//
// Callbacks that activate events run in the same iteration only up to a fixed
// number; the rest follows in the next. So, unlike in C, activating an event
// from its own callback cannot keep the loop from everything else.
//
// [Base.LoopExit] ends the loop after an iteration that runs what is active in all
// priorities, and what was posted. [Base.LoopBreak] ends it after the callback that
// runs, and leaves the rest for the next loop.
//
// # Time
//
// Time is monotonic and stands still while callbacks run ([Base.Now]): it is that
// of the end of the last wait. Timeouts that callbacks start count from there, so
// that a callback that takes 20 ms before it starts a timeout of 50 ms sees it pass
// 30 ms later. [Base.UpdateCacheTime] reads the clock anew, and with [NoCacheTime]
// a base reads it each time. Outside of the loop, timeouts count from the call. A
// persistent event's timeout counts from when it passed last, or from the callback
// that something else caused.
//
// Timeouts are exact to about a millisecond, and never early; [PreciseTimer] asks
// for better. They include the time during which the process is stopped, but not
// that during which the machine sleeps, where the system's monotonic clock does not
// count it, as on Linux.
//
// # Signals
//
// Signals come by way of os/signal, whose goroutine tells the loop. So they are
// asynchronous: when kill has returned, even one that the process sent to itself,
// the loop may not know of the signal yet, and [LoopNonblock] may not find it. They
// are counted, and the callback is called as often; only of a burst of more than 256
// that the loop has no time to count, some may be taken as one.
//
// # Panics
//
// A panic in a callback, or a runtime.Goexit, comes out of Loop, Dispatch or Run. A
// program that recovers it finds the base as if the callback had returned and
// LoopBreak had ended the loop: the event counts as called, what else is active or
// posted is left for the next loop, and the base can be used and freed.
//
// # Methods
//
// The loop uses the best method of the platform: epoll on Linux, kqueue on
// macOS and the BSDs, event ports on Solaris and illumos, wepoll on Windows;
// and /dev/poll, poll and select. Environment variables disable them, for
// tests: EVENT_NOEPOLL, EVENT_NOPOLL and so on; EVENT_SHOW_METHOD logs which
// one is in use, EVENT_PRECISE_TIMER and EVENT_EPOLL_USE_CHANGELIST set the
// flags of these names. [IgnoreEnv] makes a base deaf to them. Asking an event
// for what the method cannot do, such as edge triggering with poll, is an
// error when it is added.
//
// # Errors
//
// Errors name the operation and its object, and wrap what the system said:
//
//	epoll_ctl add fd 7: bad file descriptor
//
// All modules log with [Logger], which writes to the function of
// [SetLogCallback], or without one to log/slog's default logger. Messages that a
// peer can cause at will are limited ([LogLimiter]).
// What the library cannot go on from goes to [SetFatalCallback]; by default it
// panics.
//
// # Files
//
//	base.go        Base: making, freeing and asking
//	config.go what.go  configurations, and the flags of events
//	loop.go        the loop, and how it ends
//	active.go task.go  what is due, by priority
//	timerheap.go commontimeout.go clock.go  timers, their queues of one length, and the time
//	iomap.go iomap_*.go  events by descriptor
//	event.go add.go  Event: assigning, adding, deleting
//	signal.go signal_*.go  signals, by platform
//	inbox.go       what other goroutines ask for: Post, Activate, ending the loop
//	deferred.go iteration_end.go afterfree.go  what runs later: soon, at the end of an iteration, after Free
//	call.go        Call: running a function on the loop and waiting for it
//	once.go watch.go finalize.go  one-shot events, watchers, finalizers
//	lock.go        locks, and waiting for a callback in another thread
//	debug.go errors.go  debug mode, and errors
//	log.go loglimit.go  the logger, the log and fatal callbacks, and limits of messages
//	count.go dump.go stats.go version.go  looking in from outside
package event
