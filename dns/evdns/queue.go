package evdns

import "time"

// queue is a list of requests, linked through them.
type queue struct {
	head, tail *Request
	n          int
}

func (q *queue) push(r *Request) { q.insertAfter(q.tail, r) }

// insert puts r where its deadline belongs. That is the end, or near it, as
// requests have about the same time.
func (q *queue) insert(r *Request, deadline time.Duration) {
	r.deadline = deadline
	at := q.tail
	for at != nil && at.deadline > deadline {
		at = at.prev
	}
	q.insertAfter(at, r)
}

func (q *queue) insertAfter(at, r *Request) {
	r.prev = at
	if at == nil {
		r.next, q.head = q.head, r
	} else {
		r.next, at.next = at.next, r
	}
	if r.next == nil {
		q.tail = r
	} else {
		r.next.prev = r
	}
	q.n++
}

func (q *queue) remove(r *Request) {
	if r.prev == nil {
		q.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		q.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.next, r.prev = nil, nil
	q.n--
}
