package sysio

import "errors"

// WakeChannel makes a channel with which goroutines can wake up one that waits for
// descriptors: r becomes readable when Signal is called on w, and stays so until
// Drain is called on r. Both are non-blocking and close-on-exec, and are closed by
// CloseSocket. r and w may be one descriptor.
//
// It is an eventfd on Linux, a pipe on other Unix systems, and two sockets on
// Windows.
func WakeChannel() (r, w int, err error) {
	ends, err := retry(OpWakeChannel, InvalidSocket, 0, func(s System, _ int) (ends [2]int, err error) {
		if s != nil {
			ends[0], ends[1], err = s.WakeChannel()
			return ends, err
		}
		ends[0], ends[1], err = wakeChannel()
		return ends, err
	})
	if err != nil {
		return InvalidSocket, InvalidSocket, err
	}
	return ends[0], ends[1], nil
}

// CloseWakeChannel closes both ends.
func CloseWakeChannel(r, w int) error {
	err := CloseSocket(r)
	if w != r {
		err = errors.Join(err, CloseSocket(w))
	}
	return err
}

// WakeMessageLen is how many bytes Drain takes out of a channel for one Signal.
const WakeMessageLen = len(wakeMessage)

// Signal makes the other end of a channel readable. The error is ErrAgain if it is
// full, and so is readable already.
func Signal(w int) error {
	return retryError(OpSignal, w, func(s System) error {
		if s != nil {
			return s.Signal(w)
		}
		return signal(w)
	})
}

// Drain takes signals out of a channel, as many as there is room for in p, which
// has WakeMessageLen bytes at least. It does the same for a timerfd. The error is ErrAgain if there are none.
func Drain(r int, p []byte) (n int, err error) {
	return retry(OpDrain, r, len(p), func(s System, _ int) (int, error) {
		if s != nil {
			return drainOther(s, r, p)
		}
		return drain(r, p)
	})
}
