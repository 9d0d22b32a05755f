package evdns

import (
	"time"

	"github.com/go-libevent/libevent/dns/internal/list"
)

// queue is a list of requests. Each is in that of its state.
type queue struct {
	list.List[Request, requestLinks]
}

type requestLinks struct{}

// Of implements list.Linker.
func (requestLinks) Of(r *Request) *list.Links[Request] { return &r.links }

// insert puts r where its deadline belongs. That is the end, or near it, as
// requests have about the same time.
func (q *queue) insert(r *Request, deadline time.Duration) {
	r.deadline = deadline
	at := q.Last()
	for at != nil && at.deadline > deadline {
		at = q.Prev(at)
	}
	q.InsertAfter(at, r)
}

// move gives r, which is in the queue, another deadline. A request that was sent just
// now stands at the end already.
func (q *queue) move(r *Request, deadline time.Duration) {
	if prev := q.Prev(r); q.Last() == r && (prev == nil || prev.deadline <= deadline) {
		r.deadline = deadline
		return
	}
	q.Remove(r)
	q.insert(r, deadline)
}
