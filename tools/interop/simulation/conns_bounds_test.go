package simulation_test

import (
	"errors"
	"os"
	"sync"
	"time"
)

// connBacklog is what a connection may hold between a writer and a reader that does not
// read: some buffers of 64 kB at both ends, those of both sockets, and two for each filter.
const connBacklog = 1 << 20

// checkBacklog compares what was written with what the other end has read.
func (e *connEnd) checkBacklog() {
	e.mu.Lock()
	wrote := e.wrote
	e.mu.Unlock()
	e.peer.mu.Lock()
	came := e.peer.came
	e.peer.mu.Unlock()
	if wrote-came > connBacklog {
		e.scene.errorf("%s: %d bytes were written, and %d read", e.name, wrote, came)
	}
}

// writeAll writes all of p. Where writes have deadlines, it goes on after them with what
// was not taken.
func (e *connEnd) writeAll(w *connWriter, p []byte) error {
	for {
		var deadline time.Time
		if e.hurried {
			deadline = time.Now().Add(time.Duration(1+w.rand.IntN(300)) * time.Millisecond)
			_ = e.conn.SetWriteDeadline(deadline) // fails only once it is closed, as writing does
		}
		n, err := e.conn.Write(p)
		e.mu.Lock()
		e.wrote += int64(n)
		e.mu.Unlock()
		switch {
		case err == nil && n < len(p), n > len(p):
			e.scene.errorf("%s: %d of %d bytes were written: %v", e.name, n, len(p), err)
		case err == nil:
			return nil
		case !e.hurried || !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case time.Now().Before(deadline):
			e.scene.errorf("%s: a write has timed out %v before its deadline", e.name, time.Until(deadline))
		}
		p = p[n:]
	}
}

// A connDeadline is a deadline that moves, and whether one has ever passed.
type connDeadline struct {
	mu  sync.Mutex
	at  time.Time // zero: never
	was bool      // one has passed before it was moved
}

// move notes another deadline, before it is set.
func (d *connDeadline) move(to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.was = d.was || !d.at.IsZero() && !time.Now().Before(d.at)
	d.at = to
}

// passed reports whether the deadline has passed, or one before it since the last call.
func (d *connDeadline) passed() (at time.Time, passed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	passed = d.was || !d.at.IsZero() && !time.Now().Before(d.at)
	d.was = false
	return d.at, passed
}

// moveDeadlines sets deadlines while another goroutine reads: sooner, later, past ones, and
// none.
func (e *connEnd) moveDeadlines() {
	for step := range 1 << 20 {
		e.mu.Lock()
		over := e.end != nil
		e.mu.Unlock()
		if over {
			return
		}
		to := time.Time{}
		if step%4 != 3 && step < 100 {
			to = time.Now().Add(time.Duration((step*e.room)%700-50) * time.Millisecond)
		}
		e.deadline.move(to)
		_ = e.conn.SetReadDeadline(to) // fails only once it is closed
		time.Sleep(time.Duration(1+(step*e.room)%400) * time.Millisecond)
	}
}

// compareClosed checks that what was written before Close has arrived at the other half of
// a pair, whoever reads there to the end.
func (e *connEnd) compareClosed() {
	if !e.pair || !e.peer.closed || e.closed || e.conn == nil || e.loop.early || e.peer.conn == nil {
		return
	}
	for _, w := range e.peer.writers {
		if got := e.got.next[w.number]; got < w.done {
			e.scene.errorf("%s: %d messages of writer %d have come, of %d that were written before Close", e.name, got, w.number, w.done)
		}
	}
}
