package evdns

import "time"

// queue is a list of requests, by deadline. It is a list of its own, as each lookup
// changes it four times: a list.List finds the links by an indirect call.
type queue struct {
	first, last *Request
	n           int
}

// links are the place of a request in a queue.
type links struct{ next, prev *Request }

func (q *queue) len() int { return q.n }

// push puts r, which is in no queue, at the end.
func (q *queue) push(r *Request) { q.insertAfter(q.last, r) }

// insertAfter puts r, which is in no queue, after at, or first if that is nil.
func (q *queue) insertAfter(at, r *Request) {
	next := q.first
	if at == nil {
		q.first = r
	} else {
		next = at.links.next
		at.links.next = r
	}
	if next == nil {
		q.last = r
	} else {
		next.links.prev = r
	}
	r.links = links{next: next, prev: at}
	q.n++
}

// remove takes out r, which is in the queue.
func (q *queue) remove(r *Request) {
	next, prev := r.links.next, r.links.prev
	if prev == nil {
		q.first = next
	} else {
		prev.links.next = next
	}
	if next == nil {
		q.last = prev
	} else {
		next.links.prev = prev
	}
	r.links = links{}
	q.n--
}

// insert puts r, which is in no queue, behind those with the same or an earlier
// deadline. It searches from the end: most requests have the same timeout.
func (q *queue) insert(r *Request, deadline time.Duration) {
	r.deadline = deadline
	at := q.last
	for at != nil && at.deadline > deadline {
		at = at.links.prev
	}
	q.insertAfter(at, r)
}

// move gives r, which is in the queue, another deadline. A request that was started
// just now is last already.
func (q *queue) move(r *Request, deadline time.Duration) {
	if prev := r.links.prev; q.last == r && (prev == nil || prev.deadline <= deadline) {
		r.deadline = deadline
		return
	}
	q.remove(r)
	q.insert(r, deadline)
}

// due returns the first request, if its deadline has passed, or nil.
func (q *queue) due(now time.Duration) *Request {
	if r := q.first; r != nil && r.deadline <= now {
		return r
	}
	return nil
}

// renewLimits gives all requests of the queue, and their followers, their whole time
// from now on.
func (q *queue) renewLimits() {
	old := *q
	*q = queue{}
	for r := old.first; r != nil; r = old.first {
		old.remove(r)
		r.renewLimit()
		if followers := r.followers(); followers != nil {
			followers.renewLimits()
		}
		q.insert(r, r.firstLimit())
	}
}
