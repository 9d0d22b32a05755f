package evdns

import (
	"time"

	"github.com/go-libevent/libevent/dns/internal/list"
)

// queue is a list of requests, by deadline.
type queue struct {
	list.List[Request, requestLinks]
}

type requestLinks struct{}

// Of implements list.Linker.
func (requestLinks) Of(r *Request) *list.Links[Request] { return &r.links }

// insert puts r, which is in no queue, behind those with the same or an earlier
// deadline. It searches from the end: most requests have the same timeout.
func (q *queue) insert(r *Request, deadline time.Duration) {
	r.deadline = deadline
	at := q.Last()
	for at != nil && at.deadline > deadline {
		at = q.Prev(at)
	}
	q.InsertAfter(at, r)
}

// move gives r, which is in the queue, another deadline. A request that was started
// just now is last already.
func (q *queue) move(r *Request, deadline time.Duration) {
	if prev := q.Prev(r); q.Last() == r && (prev == nil || prev.deadline <= deadline) {
		r.deadline = deadline
		return
	}
	q.Remove(r)
	q.insert(r, deadline)
}

// due returns the first request, if its deadline has passed, or nil.
func (q *queue) due(now time.Duration) *Request {
	if r := q.First(); r != nil && r.deadline <= now {
		return r
	}
	return nil
}

// renewLimits gives all requests of the queue, and their followers, their whole time
// from now on.
func (q *queue) renewLimits() {
	old := *q
	*q = queue{}
	for r := old.First(); r != nil; r = old.First() {
		old.Remove(r)
		r.renewLimit()
		if followers := r.followers(); followers != nil {
			followers.renewLimits()
		}
		q.insert(r, r.firstLimit())
	}
}
