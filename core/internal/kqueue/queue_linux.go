package kqueue

import (
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// key is what identifies an event that belongs to no descriptor.
type key struct {
	ident  uint64
	filter int16
}

// A queue is a kqueue. Its number is that of one of its epolls.
type queue struct {
	system        *System
	reads, writes int // epolls with the edges of what is watched
	poke          int // an eventfd that ends waits

	mu      sync.Mutex
	watched map[int]*watched
	byID    map[int32]*watched
	lastID  int32
	others  map[key]*knote // timers and user events
	pending []*knote       // in the order in which they are looked at
	looked  []*knote       // memory for the next pending
	edges   []unix.EpollEvent
	calls   int

	// Memory that is used again, so that tests can tell what a caller allocates.
	spareKnotes  []*knote
	spareWatched []*watched
}

var queues struct {
	sync.Mutex
	open map[int]*queue

	// interrupt makes each call of that number fail with EINTR, once it has applied
	// its changes.
	interrupt int
}

// Interrupt makes every nth call fail with EINTR if it has nothing to report, as if
// a signal had come. It has applied its changes then. Zero ends that.
func Interrupt(n int) {
	queues.Lock()
	defer queues.Unlock()
	queues.interrupt = n
}

// Open makes a queue as that of a system, and returns its descriptor (kqueue).
func Open(s *System) (int, error) {
	q := &queue{
		system:  s,
		watched: make(map[int]*watched),
		byID:    make(map[int32]*watched),
		others:  make(map[key]*knote),
		edges:   make([]unix.EpollEvent, 64),
	}
	var err error
	if q.reads, err = unix.EpollCreate1(0); err != nil {
		return -1, err
	}
	if q.writes, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		_ = unix.Close(q.reads) // the error that counts is the first
		return -1, err
	}
	if q.poke, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(q.reads)  // the error that counts is the first
		_ = unix.Close(q.writes) // the same
		return -1, err
	}
	queues.Lock()
	defer queues.Unlock()
	if queues.open == nil {
		queues.open = make(map[int]*queue)
	}
	queues.open[q.reads] = q
	return q.reads, nil
}

// Close closes a queue.
func Close(fd int) error {
	queues.Lock()
	defer queues.Unlock()
	q := queues.open[fd]
	if q == nil {
		return unix.EBADF
	}
	delete(queues.open, fd)
	return errors.Join(unix.Close(q.reads), unix.Close(q.writes), unix.Close(q.poke))
}

// Kevent applies changes to a queue and takes events out of it, for which it waits
// until timeout has passed, or for ever if that is negative (kevent).
func Kevent(fd int, changes, events []Event, timeout time.Duration) (int, error) {
	queues.Lock()
	q, every := queues.open[fd], queues.interrupt
	queues.Unlock()
	if q == nil {
		return -1, unix.EBADF
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n, err := q.apply(changes, events)
	if err != nil {
		return -1, err
	}
	q.calls++
	interrupted := every > 0 && q.calls%every == 0
	if n > 0 || len(events) == 0 && !interrupted {
		return n, nil
	}
	return q.wait(events, timeout, interrupted)
}

// apply applies changes. What goes wrong, and what asks for a receipt, becomes an event
// for as long as there is room.
func (q *queue) apply(changes, events []Event) (n int, err error) {
	for _, c := range changes {
		err := q.change(c)
		receipt := c.Flags&Receipt != 0 && q.system.HasReceipt
		if err == nil && !receipt {
			continue
		}
		if n == len(events) {
			return n, err
		}
		c.Flags, c.Data = c.Flags|Error, 0
		if errno, ok := err.(unix.Errno); ok {
			c.Data = int64(errno)
		}
		events[n] = c
		n++
	}
	return n, nil
}

func (q *queue) change(c Event) error {
	k, w, err := q.find(c)
	if err != nil {
		return err
	}
	switch {
	case c.Flags&Add != 0:
		if k, err = q.add(c, k, w); err != nil {
			return err
		}
	case k == nil:
		if w != nil {
			q.unwatchUnused(w)
		}
		return unix.ENOENT
	case c.Flags&Delete != 0:
		q.remove(k)
		q.wake()
		return nil
	}
	if c.Filter == User {
		k.set(c.Fflags, c.Data)
	}
	switch {
	case c.Flags&Disable != 0:
		k.disabled = true
	case c.Flags&(Enable|Add) != 0:
		k.disabled = false
	}
	q.queue(k)
	q.wake()
	return nil
}

// find returns the event that a change is about, or nil, and what it watches.
func (q *queue) find(c Event) (*knote, *watched, error) {
	switch {
	case c.Filter == Read || c.Filter == Write:
		w, err := q.watch(c.Ident)
		if err != nil {
			return nil, nil, err
		}
		return *w.knote(c.Filter), w, nil
	case c.Filter == Timer, c.Filter == User && q.system.HasUser:
		return q.others[key{c.Ident, c.Filter}], nil, nil
	default:
		return nil, nil, unix.EINVAL
	}
}

// add registers an event, or changes k if that is registered already.
func (q *queue) add(c Event, k *knote, w *watched) (*knote, error) {
	fresh := k == nil
	if fresh {
		k = q.newKnote()
		*k = knote{queue: q, ident: c.Ident, filter: c.Filter}
	}
	if c.Filter == Timer {
		if err := k.setTimer(c); err != nil {
			return nil, err
		}
		c.Flags |= Clear
	}
	if fresh && w != nil {
		if err := q.attach(k, w); err != nil {
			q.unwatchUnused(w)
			return nil, err
		}
	}
	if fresh && w == nil {
		q.others[key{c.Ident, c.Filter}] = k
	}
	k.flags, k.udata = c.Flags&behaviour, c.Udata
	if c.Filter != User {
		k.fflags, k.data = c.Fflags, c.Data
	}
	return k, nil
}

// setTimer starts a timer.
func (k *knote) setTimer(c Event) error {
	unit, ok := k.queue.system.Units[c.Fflags]
	if !ok || c.Data < 0 {
		return unix.EINVAL
	}
	k.period = max(time.Duration(c.Data)*unit, 1)
	k.next, k.expired = time.Now().Add(k.period), 0
	return nil
}

// set applies the notes of a change to a user event.
func (k *knote) set(notes uint32, data int64) {
	user := notes & ffUser
	switch notes & ffControl {
	case FFAnd:
		k.fflags &= user
	case FFOr:
		k.fflags |= user
	case FFCopy:
		k.fflags = user
	}
	if notes&Trigger != 0 {
		k.triggered = true
	}
	k.data = data
}

// queue has the filter of k run when events are next taken.
func (q *queue) queue(k *knote) {
	if k != nil && !k.pending {
		k.pending = true
		q.pending = append(q.pending, k)
	}
}

// wake ends waits that have begun before a change.
func (q *queue) wake() {
	one := [8]byte{1}
	for {
		if _, err := unix.Write(q.poke, one[:]); err != unix.EINTR {
			return
		}
	}
}

// wait takes events out of q, and waits for them if there are none. The lock is free
// while it waits.
func (q *queue) wait(events []Event, timeout time.Duration, interrupted bool) (int, error) {
	var end time.Time
	if timeout >= 0 {
		end = time.Now().Add(timeout)
	}
	for {
		now := time.Now()
		q.takeEdges()
		if n := q.collect(events, now); n > 0 {
			return n, nil
		}
		if interrupted {
			return -1, unix.EINTR
		}
		left := time.Duration(-1)
		if timeout >= 0 {
			left = end.Sub(now)
			if left <= 0 {
				return q.timedOut(timeout)
			}
		}
		if err := q.block(q.untilTimer(now, left)); err != nil {
			return -1, err
		}
	}
}

// timedOut returns what a wait without events does.
func (q *queue) timedOut(timeout time.Duration) (int, error) {
	if timeout > 0 && q.system.EndsWith != 0 {
		return -1, q.system.EndsWith
	}
	return 0, nil
}

// untilTimer returns how long to wait, which is left or the time to the next timer.
func (q *queue) untilTimer(now time.Time, left time.Duration) time.Duration {
	for _, k := range q.others {
		if k.filter != Timer || k.disabled || k.next.IsZero() {
			continue
		}
		if d := max(k.next.Sub(now), 0); left < 0 || d < left {
			left = d
		}
	}
	return left
}

// block waits for an edge, a change or, unless that is negative, for timeout.
func (q *queue) block(timeout time.Duration) error {
	q.mu.Unlock()
	defer q.mu.Lock()
	fds := [3]unix.PollFd{
		{Fd: int32(q.reads), Events: unix.POLLIN},
		{Fd: int32(q.writes), Events: unix.POLLIN},
		{Fd: int32(q.poke), Events: unix.POLLIN},
	}
	var ts *unix.Timespec
	var t unix.Timespec
	if timeout >= 0 {
		t = unix.NsecToTimespec(int64(timeout))
		ts = &t
	}
	_, err := unix.Ppoll(fds[:], ts, nil)
	if fds[2].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(q.poke, count[:]) // another wait may have been faster
	}
	return err
}

// takeEdges queues the events of the descriptors whose condition has changed, and
// the timers.
func (q *queue) takeEdges() {
	for _, k := range q.others {
		if k.filter == Timer {
			q.queue(k)
		}
	}
	q.take(q.reads, Read)
	q.take(q.writes, Write)
}

func (q *queue) take(epoll int, filter int16) {
	for {
		n, err := unix.EpollWait(epoll, q.edges, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		for _, e := range q.edges[:n] {
			if w := q.byID[e.Fd]; w != nil {
				q.queue(*w.knote(filter))
			}
		}
		if n < len(q.edges) {
			return
		}
	}
}

// collect runs the filters of what is queued, and puts what is to be reported into
// events. What there is no room for is the first that the next call looks at.
func (q *queue) collect(events []Event, now time.Time) (n int) {
	look := q.pending
	q.pending, q.looked = q.looked[:0], look
	for i, k := range look {
		if n == len(events) {
			q.pending = slices.Insert(q.pending, 0, look[i:]...)
			break
		}
		k.pending = false
		if k.gone {
			q.spareKnotes = append(q.spareKnotes, k)
			continue
		}
		if k.disabled {
			continue
		}
		if k.on != nil && !q.alive(k.on) {
			q.bury(k.on)
			continue
		}
		e, active := k.evaluate(now)
		switch {
		case active:
			events[n] = e
			n++
			q.reported(k)
		case k.on != nil && !k.on.queued:
			q.queue(k) // nothing else will
		}
	}
	return n
}

// reported does to k what its flags say.
func (q *queue) reported(k *knote) {
	switch {
	case k.flags&OneShot != 0:
		q.remove(k)
		return
	case k.flags&Dispatch != 0 && q.system.HasDispatch:
		k.disabled = true
	case k.flags&Clear == 0:
		q.queue(k)
		return
	}
	k.expired, k.triggered = 0, false
	if k.filter == User {
		k.fflags = 0
	}
}
