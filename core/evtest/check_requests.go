package evtest

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// Requests checks that of those that a host's program makes each one ends exactly once,
// answered or failed, and that the reason of a failure is true. An error of the system,
// such as ECONNRESET, is true if a call of the host has failed with it since the request
// began. All others are to be allowed. When the world ends, each request must have
// ended; those of a host that is stopped are forgotten. Its methods may be called from
// any goroutine.
type Requests struct {
	subject
	mu      sync.Mutex
	reasons []func(q *Request, err error) bool
	all     []*Request // those that have not ended, and some that have
	number  int        // of the last one
	ended   [endings]int
}

// A Request is one of Requests.
type Request struct {
	requests *Requests
	what     string
	number   int
	at       time.Time
	state    ending
	err      error
}

// An ending is how a request has ended.
type ending int

const (
	notEnded ending = iota
	answered
	failed
	cancelled
	endings
)

// Requests returns a check for requests of the host's program. The name is for people.
func (h *Host) Requests(name string) *Requests {
	r := &Requests{subject: subject{host: h, name: name}}
	h.check(r)
	return r
}

// Allow says that a request may fail at any time with one of the errors, or one that
// wraps it.
func (r *Requests) Allow(errs ...error) { r.AllowAfter(0, errs...) }

// AllowAfter says that a request may fail with one of the errors once so much time has
// passed since it began: the error of a timeout, say.
func (r *Requests) AllowAfter(d time.Duration, errs ...error) {
	r.AllowIf(func(q *Request, err error) bool {
		for _, allowed := range errs {
			if errors.Is(err, allowed) {
				return q.Age() >= d
			}
		}
		return false
	})
}

// AllowIf says that a request may fail with an error for which fn returns true.
func (r *Requests) AllowIf(fn func(q *Request, err error) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reasons = append(r.reasons, fn)
}

// Begin begins a request; what it is for is for people.
func (r *Requests) Begin(what string) *Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) > 2*r.open()+16 {
		r.tidy()
	}
	r.number++
	q := &Request{requests: r, what: what, number: r.number, at: r.host.world.Now()}
	r.all = append(r.all, q)
	return q
}

// Begun, Answered, Failed and Cancelled return how many requests have begun, or have
// ended in this way, and Open how many have not ended.
func (r *Requests) Begun() int     { r.mu.Lock(); defer r.mu.Unlock(); return r.number }
func (r *Requests) Answered() int  { return r.count(answered) }
func (r *Requests) Failed() int    { return r.count(failed) }
func (r *Requests) Cancelled() int { return r.count(cancelled) }
func (r *Requests) Open() int      { r.mu.Lock(); defer r.mu.Unlock(); return r.open() }

func (r *Requests) count(how ending) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended[how]
}

func (r *Requests) open() int {
	return r.number - r.ended[answered] - r.ended[failed] - r.ended[cancelled]
}

// tidy drops requests that have ended.
func (r *Requests) tidy() {
	kept := r.all[:0]
	for _, q := range r.all {
		if q.state == notEnded {
			kept = append(kept, q)
		}
	}
	clear(r.all[len(kept):])
	r.all = kept
}

// Age is how long ago the request began.
func (q *Request) Age() time.Duration { return q.requests.host.world.Now().Sub(q.at) }

// Answered says that the request was answered.
func (q *Request) Answered() { q.end(answered, nil) }

// Failed says that the request has failed, and why.
func (q *Request) Failed(err error) {
	r := q.requests
	r.host.world.t.Helper()
	if !q.end(failed, err) || r.true(q, err) {
		return
	}
	r.failf("%v has failed with an error for which there is no reason: %v", q, err)
}

// Cancelled says that the program has taken the request back, so that it may neither be
// answered nor fail any more.
func (q *Request) Cancelled() { q.end(cancelled, nil) }

// end notes how the request has ended, and reports whether that was due.
func (q *Request) end(how ending, err error) bool {
	r := q.requests
	r.host.world.t.Helper()
	r.mu.Lock()
	before := *q
	if before.state == notEnded {
		q.state, q.err = how, err
		r.ended[how]++
	}
	r.mu.Unlock()
	if before.state != notEnded {
		r.failf("%v, and now it %s", &before, describe(how, err))
		return false
	}
	return true
}

// true reports whether err is a true reason for q to fail.
func (r *Requests) true(q *Request, err error) bool {
	if err == nil {
		return false
	}
	if r.host.SawError(err, q.at) {
		return true
	}
	r.mu.Lock()
	reasons := r.reasons
	r.mu.Unlock()
	for _, allows := range reasons {
		if allows(q, err) {
			return true
		}
	}
	return false
}

// String names the request, and says how it has ended.
func (q *Request) String() string {
	s := fmt.Sprintf("request %d", q.number)
	if q.what != "" {
		s += fmt.Sprintf(" (%s)", q.what)
	}
	if q.state != notEnded {
		s += " " + describe(q.state, q.err)
	}
	return s
}

func describe(how ending, err error) string {
	switch how {
	case answered:
		return "was answered"
	case failed:
		return fmt.Sprintf("has failed: %v", err)
	case cancelled:
		return "was cancelled"
	}
	return "has not ended"
}

func (r *Requests) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tidy()
	for _, q := range r.all {
		r.failf("%v, which began %v before the end, was not answered and has not failed", q, q.Age())
	}
}

// SawError reports whether a call of the host's program has failed since then with
// the error of the system that err wraps. Errors that it wraps none of were not seen.
func (h *Host) SawError(err error, since time.Time) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && h.host.Saw(errno, h.world.Now().Sub(since))
}
