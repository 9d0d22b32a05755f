package bridge

import "time"

// A deadline is a point in time that ends waiting. Its timer runs only while
// something waits. It is guarded by the lock of its pipe.
type deadline struct {
	at      time.Time // zero for none
	timer   *time.Timer
	running bool
}

// set changes the point in time, and stops the timer.
func (d *deadline) set(t time.Time) {
	d.stop()
	d.at = time.Time{}
	if !t.IsZero() {
		d.at = time.Now().Add(time.Until(t)) // on the monotonic clock, which the timer uses
	}
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// start has wake called when the deadline passes, if there is one.
func (d *deadline) start(wake func()) {
	if d.running || d.at.IsZero() {
		return
	}
	d.running = true
	if d.timer == nil {
		d.timer = time.AfterFunc(time.Until(d.at), wake)
		return
	}
	d.timer.Reset(time.Until(d.at))
}

// expired notes that wake was called. That may be for an earlier deadline, and then
// the next call that waits starts the timer again.
func (d *deadline) expired() { d.running = false }

func (d *deadline) stop() {
	if d.running {
		d.timer.Stop()
		d.running = false
	}
}
