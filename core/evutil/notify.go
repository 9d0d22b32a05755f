package evutil

import (
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// NotifyPipe returns the descriptors of a channel with which goroutines can
// wake up one that waits for descriptors: r becomes readable when [Notify] is
// called on w, and stays so until [DrainNotify] is called on r. Both are
// non-blocking and close-on-exec.
//
// On Linux it is an eventfd, on other Unix systems a pipe, and on Windows a
// [LoopbackPair]. An eventfd is one descriptor, so that r may equal w: close
// w only if it differs (evutil_make_internal_pipe_, evutil_eventfd_).
func NotifyPipe() (r, w int, err error) {
	r, w, err = sysio.WakeChannel()
	if err != nil {
		return r, w, opError("notify pipe", err)
	}
	return r, w, nil
}

// Notify makes the reading end of the [NotifyPipe] that w belongs to
// readable. Doing so again before it is drained changes nothing. It may be
// called from any goroutine.
func Notify(w int) error {
	if err := sysio.Signal(w); err != nil && err != sysio.ErrAgain { // a full pipe is readable already
		return fdError("notify", w, err)
	}
	return nil
}

// DrainNotify takes all notifications out of the reading end of a
// [NotifyPipe]. It is no error if there are none. Only one goroutine at a
// time may call it on the same pipe; a notification that comes meanwhile, or
// on Windows shortly before, may be taken out or stay.
func DrainNotify(r int) error {
	var buf [512]byte
	for {
		n, err := sysio.Drain(r, buf[:])
		if err != nil && err != sysio.ErrAgain {
			return fdError("drain notifications", r, err)
		}
		if n < len(buf) {
			return nil
		}
	}
}
