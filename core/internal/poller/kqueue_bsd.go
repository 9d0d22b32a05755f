//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poller

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
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
	buf   []unix.Kevent_t

	// refused has the interests that the kernel did not take because the
	// other end of the pipe had gone. Such a descriptor is ready for as long
	// as it is watched. Flush copies them to hungUp, which is what Wait uses.
	refused map[int]Interest
	changed bool // refused differs from hungUp
	hungUp  []Event
}

func openKqueue(Options) (Poller, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(fd)
	k := &kqueue{
		fd:      fd,
		buf:     make([]unix.Kevent_t, minKqueueEvents),
		refused: make(map[int]Interest),
	}
	if k.waker, err = newKqueueWaker(fd); err != nil {
		_ = sysio.Close(fd) // the error that counts is the first
		return nil, err
	}
	return k, nil
}

func (k *kqueue) Method() *Method { return &kqueueMethod }
func (k *kqueue) Wake() error     { return k.waker.wake() }

func (k *kqueue) Close() error {
	err := k.waker.close()
	if e := sysio.Close(k.fd); err == nil {
		err = os.NewSyscallError("close", e)
	}
	return err
}

// kqueueFilters are the filters that stand for the conditions.
var kqueueFilters = [...]struct {
	in     Interest
	filter int
}{
	{Read, unix.EVFILT_READ},
	{Write, unix.EVFILT_WRITE},
}

func (k *kqueue) Update(fd int, old, new Interest) error {
	if fd < 0 {
		return opError("kevent add", fd, unix.EBADF)
	}
	flags := unix.EV_ADD
	if new&Edge != 0 {
		flags |= unix.EV_CLEAR
	}
	for _, f := range kqueueFilters {
		if new&^old&f.in == 0 {
			continue
		}
		err := kqueueChange(k.fd, fd, f.filter, flags)
		switch {
		case err == nil:
		case otherEndGone(fd, err):
			k.setRefused(fd, k.refused[fd]|f.in)
		default:
			k.forget(fd, new&^old)
			return opError("kevent add", fd, err)
		}
	}
	k.forget(fd, old&^new)
	return nil
}

// readNotes makes a regular file readable at its end too, as poll has it, where
// the kernel knows how: by NOTE_FILE_POLL or NOTE_EOF.
var readNotes = func() uint32 {
	switch runtime.GOOS {
	case "freebsd", "openbsd":
		return 0x2
	}
	return 0
}()

// kqueueChange applies one change. It leaves no room for events, so that the
// kernel reports an error as such.
func kqueueChange(kq, fd, filter, flags int) error {
	var change [1]unix.Kevent_t
	unix.SetKevent(&change[0], fd, filter, flags)
	if filter == unix.EVFILT_READ {
		change[0].Fflags = readNotes
	}
	return retryError(func() error {
		_, err := unix.Kevent(kq, change[:], nil, nil)
		return err
	})
}

// forget removes filters. An error says that the kernel has no such filter:
// closing a descriptor removes them, and the number may be in use again.
func (k *kqueue) forget(fd int, in Interest) {
	for _, f := range kqueueFilters {
		if in&f.in != 0 {
			_ = kqueueChange(k.fd, fd, f.filter, unix.EV_DELETE) // as said above
		}
	}
	if k.refused[fd]&in != 0 {
		k.setRefused(fd, k.refused[fd]&^in)
	}
}

func (k *kqueue) setRefused(fd int, in Interest) {
	k.changed = true
	if in == 0 {
		delete(k.refused, fd)
		return
	}
	k.refused[fd] = in
}

// otherEndGone tells whether err, from adding a filter, means that fd is one
// end of a pipe whose other end is closed. NetBSD says EBADF for that.
func otherEndGone(fd int, err error) bool {
	return err == unix.EPIPE || err == unix.EBADF && checkOpen("kevent", fd) == nil
}

func (k *kqueue) Flush() error {
	if !k.changed {
		return nil
	}
	k.changed = false
	k.hungUp = k.hungUp[:0]
	for fd := range k.refused {
		k.hungUp = append(k.hungUp, Event{FD: fd, Ready: Conditions})
	}
	return nil
}

func (k *kqueue) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	n, err := keventNow(k.fd, k.buf)
	if n == 0 && err == nil && deadline != Now && len(k.hungUp) == 0 {
		yielded = true
		deadline.yield()
		n, err = keventWait(k.fd, k.buf, deadline.left())
	}
	if err != nil && err != unix.EINTR {
		return events, yielded, fmt.Errorf("kevent: %w", err)
	}
	events = append(events, k.hungUp...)
	return k.collect(max(n, 0), events), yielded, nil
}

// keventWait blocks the thread until something is ready or timeout, unless
// negative, has passed.
func keventWait(kq int, buf []unix.Kevent_t, timeout time.Duration) (int, error) {
	if timeout < 0 {
		return unix.Kevent(kq, nil, buf, nil)
	}
	ts := timespec(timeout)
	return unix.Kevent(kq, nil, buf, &ts)
}

// collect translates the first n entries of the buffer.
func (k *kqueue) collect(n int, events []Event) []Event {
	for i := range k.buf[:n] {
		e := &k.buf[i]
		switch {
		case k.waker.consumeWake(e):
		case e.Filter == unix.EVFILT_READ:
			events = append(events, Event{FD: int(e.Ident), Ready: Read})
		case e.Filter == unix.EVFILT_WRITE:
			events = append(events, Event{FD: int(e.Ident), Ready: Write})
		}
	}
	if n == len(k.buf) && n < maxKqueueEvents {
		k.buf = make([]unix.Kevent_t, 2*n)
	}
	return events
}
