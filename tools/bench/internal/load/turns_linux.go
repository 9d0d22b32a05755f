package load

import (
	"fmt"
	"time"
)

// turns is an exchange with a server in which each connection waits for an
// answer before it asks again.
type turns struct {
	pool      *pool
	with      talker
	underWay  int             // connections that wait
	ending    bool            // an answer is not followed by another question
	began     time.Time       // where the times below start
	latencies []time.Duration // of all that was answered
}

// talker knows what is said in an exchange. Both methods count in turns what is
// under way, and receive calls send when an answer is complete, unless the
// exchange is ending.
type talker interface {
	send(conn int, now time.Duration) error
	receive(conn int) error
}

// begin asks on each connection.
func (t *turns) begin() error {
	for i := range t.pool.links {
		if err := t.with.send(i, time.Since(t.began)); err != nil {
			return err
		}
	}
	return nil
}

// run goes on for a while.
func (t *turns) run(d time.Duration) error {
	for end := time.Since(t.began) + d; time.Since(t.began) < end; {
		if err := t.step(); err != nil {
			return err
		}
	}
	return nil
}

// runMessages goes on until there are a number of latencies.
func (t *turns) runMessages(n int) error {
	for len(t.latencies) < n {
		if err := t.step(); err != nil {
			return err
		}
	}
	return nil
}

// end receives what is under way.
func (t *turns) end() error {
	t.ending = true
	defer func() { t.ending = false }()
	for t.underWay > 0 {
		if err := t.step(); err != nil {
			return err
		}
	}
	return nil
}

// exchangeOnce has at least a number of messages answered, of which none remains
// under way.
func (t *turns) exchangeOnce(messages int) error {
	t.latencies = nil
	if err := t.begin(); err != nil {
		return err
	}
	if err := t.runMessages(messages); err != nil {
		return err
	}
	return t.end()
}

// step waits for something to come back and takes it.
func (t *turns) step() error {
	events, err := t.pool.wait(patience)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return errSilent
	}
	for _, e := range events {
		if err := t.with.receive(int(e.Fd)); err != nil {
			return fmt.Errorf("connection %d: %w", e.Fd, err)
		}
	}
	return nil
}
