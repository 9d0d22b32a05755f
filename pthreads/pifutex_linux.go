package pthreads

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/go-libevent/libevent/core/evthread"
	"golang.org/x/sys/unix"
)

// Futex operations and the layout of a priority-inheriting futex word
// (linux/futex.h).
const (
	futexLockPI   = 6
	futexUnlockPI = 7
	futexPrivate  = 128
	futexTIDMask  = 0x3fffffff
)

// A piFutex is a gate that the kernel keeps the queue of, so that it can lend
// the priority of waiting threads to the thread inside. The word is 0 when
// none is inside, else the number of the thread that is, with a bit that the
// kernel sets while others wait; only without waiters may a thread change it
// by itself. Unlike with a semaphore, waiting blocks a thread.
type piFutex struct{ word atomic.Uint32 }

func newPIFutex() gate { return new(piFutex) }

var piLocks = evthread.LockCallbacks{
	APIVersion:     evthread.LockAPIVersion,
	SupportedTypes: evthread.Recursive | evthread.ReadWrite,
	Alloc:          allocLock(newPIFutex),
}

// inheritingLocks returns the callbacks of locks that inherit priorities, if
// the kernel knows how, and understands the word as we do: an emulator of
// another byte order may not.
func inheritingLocks() (*evthread.LockCallbacks, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var f piFutex
	if err := f.call(futexLockPI); err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	if f.word.Load() != uint32(unix.Gettid()) {
		return nil, fmt.Errorf("%w: the kernel does not name the owner", errors.ErrUnsupported)
	}
	if err := f.call(futexUnlockPI); err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return &piLocks, nil
}

func (f *piFutex) enter() error {
	if f.tryEnter() {
		return nil
	}
	runtime.LockOSThread() // from here on the kernel may make this thread the owner
	if err := f.call(futexLockPI); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	return nil
}

func (f *piFutex) tryEnter() bool {
	runtime.LockOSThread()
	if !f.word.CompareAndSwap(0, uint32(unix.Gettid())) {
		runtime.UnlockOSThread()
		return false
	}
	return true
}

func (f *piFutex) leave() error {
	defer runtime.UnlockOSThread()
	me := f.word.Load() & futexTIDMask
	if f.word.CompareAndSwap(me, 0) {
		return nil
	}
	return f.call(futexUnlockPI)
}

// call makes a futex system call, again if it was interrupted or met a thread
// that was just exiting. Locking fails with EDEADLK if threads would wait for
// each other in a circle, and with ESRCH if the holder ended and took the lock
// with it.
//
// The kernel keeps the address of the word only while threads wait in call,
// each of which keeps the word alive; and the word, shared by goroutines, is on
// the heap, which does not move.
func (f *piFutex) call(op uintptr) error {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&f.word)), op|futexPrivate, 0, 0, 0, 0)
		switch errno {
		case 0:
			return nil
		case unix.EINTR, unix.EAGAIN:
		default:
			return os.NewSyscallError("futex", errno)
		}
	}
}
