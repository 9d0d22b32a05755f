//go:build darwin || dragonfly || freebsd || netbsd || openbsd || (linux && kqueue_emulation)

package poller

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

var kqueueMethod = Method{
	Name:     "kqueue",
	Features: FeatureET | FeatureO1 | FeatureFDs,
	Env:      "KQUEUE",
	Open:     openKqueue,
}

// Bounds of the buffer that kevent fills. It doubles each time it comes back
// full.
const (
	minKqueueEvents = 64
	maxKqueueEvents = 4096
)

// kqueue drives the BSDs' kqueue(2).
//
// Update tells the kernel of each change at once. Gathering changes to submit
// them with the next wait, as libevent does, would save a system call here and
// there, but then a bad descriptor could not be reported to who added it, and
// a change could hit a descriptor that was closed and reused meanwhile.
//
// Reading and writing are two filters of the kernel, so a descriptor that is
// ready for both makes two events.
type kqueue struct {
	fd    int
	waker *kqueueWaker
	buf   []kevent

	// The kernel does not watch everything: not a pipe whose other end has gone, nor
	// regular files as poll(2) does. Such a descriptor is ready for as long as it is
	// watched, which standing is for, or with Edge ready once, which once is for.
	// Flush copies both to ready, which is what Wait uses, and which then loses
	// what comes after the first standers.
	standing map[int]Interest
	once     []Event
	changed  bool // standing or once has, since Flush
	ready    []Event
	standers int
}

func openKqueue(Options) (Poller, error) {
	fd, err := kqueueOpen()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	kqueueCloseOnExec(fd)
	k := &kqueue{
		fd:       fd,
		buf:      make([]kevent, minKqueueEvents),
		standing: make(map[int]Interest),
	}
	if k.waker, err = newKqueueWaker(fd); err != nil {
		_ = kqueueClose(fd) // the error that counts is the first
		return nil, err
	}
	return k, nil
}

func (k *kqueue) Method() *Method { return &kqueueMethod }
func (k *kqueue) Wake() error     { return k.waker.wake() }

func (k *kqueue) Close() error {
	err := k.waker.close()
	if e := kqueueClose(k.fd); err == nil {
		err = os.NewSyscallError("close", e)
	}
	return err
}

// kqueueFilters are the filters that stand for the conditions.
var kqueueFilters = [...]struct {
	in     Interest
	filter int
}{
	{Read, evfiltRead},
	{Write, evfiltWrite},
}

func (k *kqueue) Update(fd int, old, new Interest) error {
	if fd < 0 {
		return opError("kevent add", fd, unix.EBADF)
	}
	flags := evAdd
	if new&Edge != 0 {
		flags |= evClear
	}
	for _, f := range kqueueFilters {
		if new&^old&f.in == 0 {
			continue
		}
		err := kqueueChange(k.fd, fd, f.filter, flags)
		switch {
		case err == nil && !silentAtEnd(fd, f.in):
		case err == nil:
			k.forget(fd, f.in) // one report of it is enough
			k.setReady(fd, f.in|new&Edge)
		case readyAnyway(fd, err):
			k.setReady(fd, f.in|new&Edge)
		default:
			k.forget(fd, new&^old)
			return opError("kevent add", fd, err)
		}
	}
	k.forget(fd, old&^new)
	return nil
}

// kqueueChange applies one change.
func kqueueChange(kq, fd, filter, flags int) error {
	var change [1]kevent
	setKevent(&change[0], fd, filter, flags)
	if filter == evfiltRead {
		change[0].Fflags = fileNote
	}
	return retryError(func() error { return keventChange(kq, change[:]) })
}

// forget removes filters. An error says that the kernel has no such filter:
// closing a descriptor removes them, and the number may be in use again.
func (k *kqueue) forget(fd int, in Interest) {
	for _, f := range kqueueFilters {
		if in&f.in != 0 {
			_ = kqueueChange(k.fd, fd, f.filter, evDelete) // as said above
		}
	}
	k.setUnready(fd, in)
}

// silentAtEnd reports whether fd is a file that the filter of in does not report at
// its end, where poll(2) has it readable.
func silentAtEnd(fd int, in Interest) bool {
	return in == Read && fileNote == 0 && isRegular(fd)
}

// readyAnyway reports whether err, from adding a filter, leaves fd ready for the
// condition: it is one end of a pipe whose other end is closed, for which NetBSD says
// EBADF, or a regular file, which kernels need not watch for writing.
func readyAnyway(fd int, err error) bool {
	switch err {
	case unix.EPIPE:
		return true
	case unix.EBADF:
		return checkOpen("kevent", fd) == nil
	case unix.EINVAL, unix.EOPNOTSUPP:
		return isRegular(fd)
	}
	return false
}

func isRegular(fd int) bool {
	var stat unix.Stat_t
	err := retryError(func() error { return unix.Fstat(fd, &stat) })
	return err == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG
}

// setReady notes that fd is ready for in, which may have Edge.
func (k *kqueue) setReady(fd int, in Interest) {
	k.changed = true
	if in&Edge != 0 {
		k.once = append(k.once, Event{FD: fd, Ready: in & Conditions})
		return
	}
	k.standing[fd] |= in
}

// setUnready undoes setReady.
func (k *kqueue) setUnready(fd int, in Interest) {
	if k.standing[fd]&in != 0 {
		k.changed = true
		if k.standing[fd] &^= in; k.standing[fd] == 0 {
			delete(k.standing, fd)
		}
	}
	if len(k.once) > 0 {
		k.once = slices.DeleteFunc(k.once, func(e Event) bool { return e.FD == fd && e.Ready&in != 0 })
	}
}

func (k *kqueue) Flush() error {
	if !k.changed {
		return nil
	}
	k.changed = false
	k.ready = k.ready[:0]
	for fd, in := range k.standing {
		k.ready = append(k.ready, Event{FD: fd, Ready: in})
	}
	k.standers = len(k.ready)
	k.ready = append(k.ready, k.once...)
	k.once = k.once[:0]
	return nil
}

func (k *kqueue) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	n, err := keventNow(k.fd, k.buf)
	if n == 0 && err == nil && deadline != Now && len(k.ready) == 0 {
		yielded = true
		deadline.yield()
		n, err = k.block(deadline.left())
	}
	switch err {
	case nil:
	case unix.EINTR, unix.ETIMEDOUT: // macOS has both for waits that end without an event
		n = 0
	default:
		return events, yielded, fmt.Errorf("kevent: %w", err)
	}
	events = append(events, k.ready...)
	k.ready = k.ready[:k.standers]
	return k.collect(n, events), yielded, nil
}

// block blocks the thread until something is ready or timeout, unless
// negative, has passed.
func (k *kqueue) block(timeout time.Duration) (int, error) {
	if timeout < 0 {
		return keventWait(k.fd, k.buf, nil)
	}
	ts := timespec(timeout)
	return keventWait(k.fd, k.buf, &ts)
}

// collect translates the first n entries of the buffer.
func (k *kqueue) collect(n int, events []Event) []Event {
	for i := range k.buf[:n] {
		e := &k.buf[i]
		switch {
		case k.waker.consumeWake(e):
		case e.Filter == evfiltRead:
			events = append(events, Event{FD: int(e.Ident), Ready: Read})
		case e.Filter == evfiltWrite:
			events = append(events, Event{FD: int(e.Ident), Ready: Write})
		}
	}
	if n == len(k.buf) && n < maxKqueueEvents {
		k.buf = make([]kevent, 2*n)
	}
	return events
}
