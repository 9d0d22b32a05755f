package event

import "unsafe"

// A task is a node of the queues of what is to run: the part that an [Event]
// and a [Deferred] share.
//
// Each is the first field of the struct that it belongs to, so that the queues
// can hold both and get back from the task to its owner without a pointer to
// it in every event, of which there may be millions.
type task struct {
	next, prev *task
	flags      taskFlags
	result     What   // what the callback is told
	calls      uint16 // of a signal: how often it came
	priority   uint8
	kind       taskKind
}

type taskFlags uint16

const (
	flagAssigned   taskFlags = 1 << iota // the owner is set up
	flagInserted                         // in the I/O or signal map
	flagTimeout                          // in the heap or in a common timeout's queue
	flagCommon                           // with flagTimeout: in a common timeout's queue
	flagActive                           // in an active queue
	flagLater                            // in the queue for the next iteration
	flagFinalizing                       // only its finalizer may still run

	flagQueued = flagActive | flagLater
)

// taskKind says what running a task means.
type taskKind uint8

const (
	kindEvent    taskKind = iota // an event that is deleted before its callback
	kindPersist                  // an event that stays
	kindSignal                   // a signal event, called as often as it came
	kindFinalize                 // an event's finalizer
	kindDeferred                 // a Deferred
)

const (
	_ = -unsafe.Offsetof(Event{}.task)    // must be zero: see event
	_ = -unsafe.Offsetof(Deferred{}.task) // must be zero: see deferred
)

// event returns the event that t is part of; t.kind must not be kindDeferred.
func (t *task) event() *Event { return (*Event)(unsafe.Pointer(t)) }

// deferred returns the Deferred that t is part of; t.kind must be kindDeferred.
func (t *task) deferred() *Deferred { return (*Deferred)(unsafe.Pointer(t)) }

// taskQueue is a doubly linked list of tasks, first in, first out.
type taskQueue struct {
	head, tail *task
}

func (q *taskQueue) push(t *task) {
	t.prev = q.tail
	if q.tail == nil {
		q.head = t
	} else {
		q.tail.next = t
	}
	q.tail = t
}

func (q *taskQueue) remove(t *task) {
	if t.prev == nil {
		q.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		q.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
}
