package poller

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func openTimerFD() (int, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("timerfd_create", err)
	}
	return fd, nil
}

// setTimerFD makes fd readable after d, and unreadable until then.
func setTimerFD(fd int, d time.Duration) error {
	its := unix.ItimerSpec{Value: timespec(max(d, 1))} // zero is never
	err := retryError(func() error { return unix.TimerfdSettime(fd, 0, &its, nil) })
	return os.NewSyscallError("timerfd_settime", err)
}
