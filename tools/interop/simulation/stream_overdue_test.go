package simulation_test

import (
	"errors"
	"os"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// checkTold looks for an error that no event tells.
func (e *streamEnd) checkTold() {
	err := e.b.Err()
	told := err == nil || e.broken || e.failed || e.ended || e.state != endOpen || e.connects < maxConnects-1
	switch {
	case told || errors.Is(err, os.ErrDeadlineExceeded) || e.kind == kindPair || len(e.layers) > 0:
		e.untold = time.Time{}
	case e.untold.IsZero():
		e.untold = time.Now()
	case time.Since(e.untold) > e.scenario.lateness():
		e.errorf("there is an error that no event has told: %v", err)
	}
}

// checkOverdue looks for a timeout for reading that has not come.
func (e *streamEnd) checkOverdue() {
	since := e.touchedAt
	if e.readTimeout == 0 || e.state != endOpen || e.ended || e.failed || e.limited || e.group != nil || e.fails != nil {
		return
	}
	if e.b.Enabled()&event.Read == 0 || e.high > 0 && e.b.Input().Len() >= e.high || e.scenario.faults.Again > 0 {
		return
	}
	if d := time.Since(since); d > e.readTimeout+e.scenario.lateness() {
		e.errorf("nothing has moved for %v, and the timeout of %v has not come", d, e.readTimeout)
	}
}

// checkReadTold looks for input that no callback has told.
func (e *streamEnd) checkReadTold() {
	n := e.b.Input().Len()
	if e.readDeaf || n == 0 || n < e.low || e.state > endClosing {
		e.readDue = time.Time{}
	}
	if !e.readDue.IsZero() && time.Since(e.readDue) > e.scenario.lateness() {
		e.errorf("there are %d bytes of input that no callback has told for %v", n, time.Since(e.readDue))
	}
}

// checkWriteOverdue looks for a timeout for writing that has not come.
func (e *streamEnd) checkWriteOverdue() {
	if e.writeTimeout == 0 || e.kind == kindPair || e.fails != nil || e.limited || e.state != endOpen || e.broken || e.failed {
		e.writeStuck = time.Time{}
		return
	}
	_, n := e.passed()
	if e.writeStuck.IsZero() || n != e.stuckAt || e.b.Enabled()&event.Write == 0 || e.waiting() == 0 || e.scenario.faults.Again > 0 {
		e.writeStuck, e.stuckAt = time.Now(), n
	}
	if d := time.Since(e.writeStuck); d > e.writeTimeout+e.scenario.lateness() {
		e.errorf("nothing has been written for %v, and the timeout of %v has not come", d, e.writeTimeout)
	}
}

// checkWriteGoesOn looks for output that does not go though the peer has all that has gone,
// and the limits allow more.
func (e *streamEnd) checkWriteGoesOn() {
	if !e.writesFreely() {
		e.mayWrite = time.Time{}
		return
	}
	_, n := e.passed()
	if e.mayWrite.IsZero() || n != e.goneAt {
		e.mayWrite, e.goneAt = time.Now(), n
	}
	if d := time.Since(e.mayWrite); d > time.Second+e.scenario.lateness() { // a tick of limits, and more
		e.errorf("nothing of %d bytes has been written for %v, though nothing is in the way", e.waiting(), d)
	}
}

// writesFreely reports whether there is output, and nothing keeps it from going.
func (e *streamEnd) writesFreely() bool {
	switch {
	case e.kind != kindSocket, e.state != endOpen && e.state != endClosing, e.broken, e.failed, e.fails != nil:
		return false
	case e.peer == nil, e.scenario.abused, e.scenario.faults.Again > 0, e.waiting() == 0:
		return false
	case e.b.Enabled()&event.Write == 0, e.b.WriteErr() != nil, e.b.WriteLimit() <= 0:
		return false
	case e.group != nil && e.group.group.WriteLimit() < e.group.share:
		return false
	}
	_, written := e.passed()
	return e.peer.state < endDraining && written == e.peer.came()
}

// came returns how many bytes have come at the lowest bufferevent.
func (e *streamEnd) came() int64 {
	read, _ := e.passed()
	if len(e.layers) > 0 {
		read += int64(e.greeted) // before there were layers
	}
	return read
}
