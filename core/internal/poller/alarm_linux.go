package poller

import "github.com/go-libevent/libevent/core/internal/sysio"

// An alarm ends the waits of ppoll and pselect at their deadlines, with a
// timerfd, which goes on while the process is stopped. Their own timeouts do
// not: where a signal that stops the process interrupts them, the kernel calls
// them anew when the process goes on, with what was left of the timeout then.
//
// The descriptor is only for waits that block, because it stays readable until
// it is set to another deadline. While that stays the same, it costs no system
// call.
type alarm struct {
	fd int
	at Deadline // what it is set to, or Now
}

func openAlarm() (alarm, error) {
	fd, err := openTimerFD()
	return alarm{fd: fd}, err
}

// set makes the descriptor readable from d on.
func (a *alarm) set(d Deadline) error {
	if d == a.at {
		return nil
	}
	a.at = d
	return setTimerFD(a.fd, d.left())
}

func (a *alarm) close() error { return sysio.Close(a.fd) }
