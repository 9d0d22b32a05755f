package poller

import (
	"fmt"
	"os"
	"slices"
	"unsafe"

	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

var devpollMethod = Method{
	Name:     "devpoll",
	Features: FeatureO1 | FeatureFDs,
	Env:      "DEVPOLL",
	Open:     openDevpoll,
}

// From <sys/devpoll.h> and <sys/poll.h>.
const (
	dpPoll     = 0xd0<<8 | 1
	pollRemove = 0x0800
)

// Bounds of the buffer that DP_POLL fills. It doubles each time it comes back
// full.
const (
	minDevpollEvents = 32
	maxDevpollEvents = 4096
)

// maxDevpollWrite is the number of changes in one write: the kernel refuses
// more than the process may have descriptors.
const maxDevpollWrite = 128

// devpoll drives Solaris's /dev/poll, a device that keeps a set of descriptors
// which is changed by writing to it.
//
// Changes wait for Flush, because some kernels let no write through while
// another thread waits for events.
type devpoll struct {
	fd      int
	waker   *waker
	changes []unix.PollFd
	buf     []unix.PollFd
	arg     dvpoll // in the heap, as it is always needed
}

func openDevpoll(Options) (Poller, error) {
	fd, err := unix.Open("/dev/poll", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/poll", Err: err}
	}
	w, err := newWaker()
	if err != nil {
		_ = sysio.Close(fd) // the error that counts is the first
		return nil, err
	}
	d := &devpoll{fd: fd, waker: w, buf: make([]unix.PollFd, minDevpollEvents)}
	if err := d.Update(w.fd(), 0, Read); err != nil {
		_ = d.Close() // the error that counts is the first
		return nil, err
	}
	return d, nil
}

func (d *devpoll) Method() *Method { return &devpollMethod }
func (d *devpoll) Wake() error     { return d.waker.wake() }

func (d *devpoll) Close() error {
	err := d.waker.close()
	if e := sysio.Close(d.fd); err == nil {
		err = os.NewSyscallError("close", e)
	}
	return err
}

// Update notes a change. The kernel adds what is asked for a descriptor to
// what it has, so the old interest is removed first.
func (d *devpoll) Update(fd int, old, new Interest) error {
	if old == 0 {
		if err := checkOpen("devpoll add", fd); err != nil {
			return err
		}
	} else {
		d.changes = append(d.changes, unix.PollFd{Fd: int32(fd), Events: pollRemove})
	}
	if new != 0 {
		d.changes = append(d.changes, unix.PollFd{Fd: int32(fd), Events: pollBits(new)})
	}
	return nil
}

// Flush writes the changes. When a write fails the kernel has taken a part of
// it, so that its changes are written one by one. A failure then concerns one
// descriptor only and comes after the call that asked for it has returned, so it is logged.
func (d *devpoll) Flush() error {
	for some := range slices.Chunk(d.changes, maxDevpollWrite) {
		if d.write(some) == nil {
			continue
		}
		for i := range some {
			if err := d.write(some[i : i+1]); err != nil {
				evlog.Logf(evlog.Warn, "%v", opError("devpoll", int(some[i].Fd), err))
			}
		}
	}
	d.changes = d.changes[:0]
	return nil
}

// write puts changes into the set. Its position is always zero, because some
// kernels move it and refuse when it has come too far.
func (d *devpoll) write(changes []unix.PollFd) error {
	// A PollFd is eight bytes without padding, and stays in place.
	data := unsafe.Slice((*byte)(unsafe.Pointer(&changes[0])), len(changes)*int(unsafe.Sizeof(changes[0])))
	return retryError(func() error {
		_, err := unix.Pwrite(d.fd, data, 0)
		return err
	})
}

func (d *devpoll) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	d.arg = dvpoll{fds: &d.buf[0], nfds: uintptr(len(d.buf))}
	n, err := ioctlPollNow(d.fd, &d.arg)
	if n == 0 && err == nil && deadline != Now {
		yielded = true
		deadline.yield()
		d.arg.timeout = int32(clampMillis(deadline.left()))
		n, err = ioctlPoll(d.fd, &d.arg)
	}
	switch err {
	case nil:
		return d.collect(n, events), yielded, nil
	case unix.EINTR:
		return events, yielded, nil
	default:
		return events, yielded, fmt.Errorf("ioctl DP_POLL: %w", err)
	}
}

// collect translates the first n entries of the buffer.
func (d *devpoll) collect(n int, events []Event) []Event {
	for i := range d.buf[:n] {
		e := &d.buf[i]
		if int(e.Fd) == d.waker.fd() {
			d.waker.drain()
			continue
		}
		events = append(events, Event{FD: int(e.Fd), Ready: pollReady(e.Revents)})
	}
	if n == len(d.buf) && n < maxDevpollEvents {
		d.buf = make([]unix.PollFd, 2*n)
	}
	return events
}
