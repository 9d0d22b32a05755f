package poller

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Interest is the set of conditions to watch on a descriptor, and, in an
// [Event], the set that holds. The bits are those of event.What, so that the
// event package needs no translation.
type Interest uint8

const (
	// Read is readability: data, an incoming connection, end of file, or an
	// error that a read would report.
	Read Interest = 0x02
	// Write is writability, or an error that a write would report.
	Write Interest = 0x04
	// Edge asks to be told of changes only instead of for as long as the
	// condition holds. It needs FeatureET.
	Edge Interest = 0x20
	// Closed is the peer's shutdown of its writing half, reported without the
	// need to read the data before it. It needs FeatureEarlyClose.
	Closed Interest = 0x80
)

// Conditions is the part of an Interest that can become ready.
const Conditions = Read | Write | Closed

// Feature is a set of properties of a kernel interface.
type Feature uint8

const (
	// FeatureET is support for Edge.
	FeatureET Feature = 1 << iota
	// FeatureO1 says that one ready descriptor among many is found in
	// constant time.
	FeatureO1
	// FeatureFDs says that descriptors of every type work, regular files
	// included, and not just sockets, pipes and the like.
	FeatureFDs
	// FeatureEarlyClose is support for Closed.
	FeatureEarlyClose
)

// An Event says that a descriptor is ready.
type Event struct {
	FD    int
	Ready Interest
}

// A Poller is one instance of a kernel interface.
//
// Wake may be called from any goroutine at any time. Update, Flush and Close
// are for one goroutine at a time, and Wait for one goroutine at a time;
// Update may be called while another goroutine is in Wait, and takes effect
// at the latest in the Wait after the next Flush. Flush is never called
// during Wait.
type Poller interface {
	// Method is the interface that this is an instance of.
	Method() *Method

	// Update changes what is watched on fd from old to new, either of which
	// may be zero, but they are never equal. Edge is set in both or in none
	// of old and new when both are not zero. If Update fails, old stays in
	// force.
	Update(fd int, old, new Interest) error

	// Flush hands over to the kernel what earlier Updates left to be done.
	// It is called before each Wait.
	Flush() error

	// Wait waits until a descriptor is ready, Wake is called or deadline has
	// passed, and appends what is ready to events. An early return without
	// events is allowed. The Poller decides how many events it reports at
	// once; the rest come with the next Wait. yielded says that other
	// goroutines could run meanwhile: the wait had to block.
	Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error)

	// Wake makes the Wait that is under way, or else the next one that would
	// block, return early. Any number of Wakes before that count as one.
	Wake() error

	// Close releases the descriptors of the Poller itself.
	Close() error
}

// A Tracer is a Poller that wants to know what the loop does with its events.
type Tracer interface {
	// TraceCallback is called before each callback: with the descriptor of its event,
	// or -1, and what the event has been told, which is 0 for a posted or deferred
	// function.
	TraceCallback(fd int, what uint16)
}

// Options tune a Poller. What an interface has no use for does not matter to
// it: the names say which interface they are for.
type Options struct {
	// PreciseTimer asks for timeouts finer than a millisecond.
	PreciseTimer bool
	// DisallowTimerFD keeps PreciseTimer on epoll from using a timerfd.
	DisallowTimerFD bool
	// Changelist lets epoll gather changes and apply them in Flush.
	Changelist bool
	// BlockThread says that the goroutine that calls Wait has a thread of
	// its own (runtime.LockOSThread), so that blocking the thread is cheaper
	// than parking the goroutine.
	BlockThread bool
	// CPUs is the number of threads that may process a Windows completion
	// port's packets at once; zero means as many as there are processors.
	CPUs int
}

// A Method is a way to make Pollers of one kind.
type Method struct {
	Name     string // that libevent gives the interface, such as "epoll"
	Features Feature
	// Env is the environment variable, without the prefix "EVENT_NO", that
	// disables the method.
	Env  string
	Open func(Options) (Poller, error)
}

// replaced has what Methods returns in place of the methods of the platform, or nil.
var replaced atomic.Pointer[[]Method]

// Methods returns the methods of this platform, best first, or those of SetMethods.
func Methods() []Method {
	if other := replaced.Load(); other != nil {
		return *other
	}
	return methods
}

// SetMethods makes Methods return others from now on, such as that of a simulated
// network; nil is those of the platform. Pollers that are open stay as they are. The
// result puts back what was there before.
func SetMethods(m []Method) (restore func()) {
	next := &m
	if m == nil {
		next = nil
	}
	before := replaced.Swap(next)
	return func() { replaced.Store(before) }
}

// opError adds the operation and the descriptor to a system error.
func opError(op string, fd int, err error) error {
	return fmt.Errorf("%s fd %d: %w", op, fd, err)
}

// clampMillis converts a timeout for interfaces that count in milliseconds.
// It rounds up, so that a wait never ends before a timer is due, and stays
// within what every kernel takes.
func clampMillis(d time.Duration) int {
	const most = 35 * 60 * 1000
	switch {
	case d < 0:
		return -1
	case d >= most*time.Millisecond:
		return most
	default:
		return int((d + time.Millisecond - 1) / time.Millisecond)
	}
}
