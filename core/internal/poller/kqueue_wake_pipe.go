//go:build netbsd || openbsd || (linux && kqueue_emulation && (kqueue_netbsd || kqueue_openbsd))

package poller

import "os"

// A kqueueWaker interrupts a wait with a pipe. (EVFILT_USER came to NetBSD
// with version 10 and is not in x/sys.)
type kqueueWaker struct{ *waker }

func newKqueueWaker(kq int) (*kqueueWaker, error) {
	w, err := newWaker()
	if err != nil {
		return nil, err
	}
	if err := kqueueChange(kq, w.fd(), evfiltRead, evAdd); err != nil {
		w.close()
		return nil, os.NewSyscallError("kevent", err)
	}
	return &kqueueWaker{w}, nil
}

// consumeWake reports whether e is the waker's own and, if so, makes it ready for
// the next wake.
func (w *kqueueWaker) consumeWake(e *kevent) bool {
	if int(e.Ident) != w.fd() {
		return false
	}
	w.drain()
	return true
}
