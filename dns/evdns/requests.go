package evdns

import (
	"math/rand/v2"
	"time"
)

// requests holds the requests of a resolver that have not ended. Each is in the queue
// of its state; a follower is in the queue of its leader (see share.go).
type requests struct {
	waiting   queue     // for a slot in flight, by limit: first come, first served
	inflight  queue     // sent, by deadline
	joined    int       // number of followers
	questions questions // of those in waiting and inflight
	users     int       // number of requests that are not probes
}

func (q *requests) init(random *rand.ChaCha8) {
	q.questions.setKeys(random.Uint64(), random.Uint64())
}

// lenWaiting returns the number of requests that wait for a slot or follow others, and
// lenInflight that of those in flight.
func (q *requests) lenWaiting() int { return q.waiting.len() + q.joined }

func (q *requests) lenInflight() int { return q.inflight.len() }

// firstWaiting and nextWaiting return the first request that waits for a slot, and the
// one after r, or nil.
func (q *requests) firstWaiting() *Request { return q.waiting.first }

func (q *requests) nextWaiting(r *Request) *Request { return r.links.next }

// addUser and removeUser count a request that begins or ends and is no probe.
func (q *requests) addUser() { q.users++ }

func (q *requests) removeUser() { q.users-- }

// haveUsers reports whether there are requests that are no probes.
func (q *requests) haveUsers() bool { return q.users > 0 }

// on returns the n requests on a channel, in the order of their deadlines.
func (q *requests) on(c *channel, n int) []*Request {
	list := make([]*Request, 0, n)
	for r := q.inflight.first; r != nil && len(list) < n; r = r.links.next {
		if r.via == c {
			list = append(list, r)
		}
	}
	return list
}

// enqueue puts a new request into a queue: behind those that wait, or, if its question
// is under way, into that of the request that is sent for it.
func (q *requests) enqueue(r *Request) {
	leader := q.questions.claim(r)
	if leader == nil {
		r.state = stateWaiting
		q.waiting.insert(r, r.limit)
		return
	}
	r.state = stateJoined
	r.addShare().leader = leader
	leader.addShare().followers.insert(r, r.limit)
	q.joined++
	if r.limit < leader.deadline {
		q.reschedule(leader, r.limit)
	}
}

// enqueueProbe puts a probe in flight. Its question cannot be joined.
func (q *requests) enqueueProbe(r *Request) {
	r.state = stateInflight
	q.inflight.push(r)
}

// startNext moves the first request that waits to those in flight.
func (q *requests) startNext() *Request {
	r := q.waiting.first
	q.waiting.remove(r)
	r.state = stateInflight
	q.inflight.push(r)
	return r
}

// remove takes a request without followers out of its queue and off its channel. The
// result is the leader that was sent for this request alone, which is to be terminated
// too, or nil.
func (q *requests) remove(r *Request) (orphan *Request) {
	switch r.state {
	case stateWaiting:
		q.waiting.remove(r)
		q.questions.remove(r)
	case stateInflight:
		r.leaveChannel()
		q.inflight.remove(r)
		if !r.probe {
			q.questions.remove(r)
		}
	case stateJoined:
		orphan = q.leaveLeader(r)
	}
	r.state = stateNew
	return orphan
}

// leaveLeader takes a follower away from its leader.
func (q *requests) leaveLeader(r *Request) (orphan *Request) {
	leader := r.rare.share.leader
	leader.rare.share.followers.remove(r)
	r.rare.share.leader = nil
	q.joined--
	if leader.isDetached() && leader.followers() == nil {
		return leader
	}
	return nil
}

// releaseFollowers takes all followers away from r. They are in no queue then.
func (q *requests) releaseFollowers(r *Request) []*Request {
	followers := r.followers()
	if followers == nil {
		return nil
	}
	list := make([]*Request, 0, followers.len())
	for other := followers.first; other != nil; other = followers.first {
		followers.remove(other)
		q.joined--
		other.rare.share.leader = nil
		other.state = stateNew
		other.server = r.server // which has answered
		list = append(list, other)
	}
	return list
}

// requeue moves all requests in flight, among which are no probes, to the front of
// those that wait, as if they had not been sent.
func (q *requests) requeue() {
	waiting := q.waiting
	q.waiting = queue{}
	for r := q.inflight.first; r != nil; r = q.inflight.first {
		r.leaveChannel()
		q.inflight.remove(r)
		r.state = stateWaiting
		r.resetAttempts()
		q.waiting.push(r)
	}
	for r := waiting.first; r != nil; r = waiting.first {
		waiting.remove(r)
		q.waiting.push(r)
	}
}

// reschedule gives a request that waits or is in flight another deadline.
func (q *requests) reschedule(r *Request, deadline time.Duration) {
	if r.state == stateWaiting {
		q.waiting.move(r, deadline)
	} else {
		q.inflight.move(r, deadline)
	}
}

// firstDeadline returns the first deadline of all requests, or forever.
func (q *requests) firstDeadline() time.Duration {
	first := forever
	if r := q.inflight.first; r != nil {
		first = r.deadline
	}
	if r := q.waiting.first; r != nil {
		first = min(first, r.deadline)
	}
	return first
}

// dueInflight and dueWaiting return the first request in flight, or waiting, whose
// deadline has passed, or nil.
func (q *requests) dueInflight(now time.Duration) *Request { return q.inflight.due(now) }

func (q *requests) dueWaiting(now time.Duration) *Request { return q.waiting.due(now) }

// extendLimits extends the limits of all requests by d.
func (q *requests) extendLimits(d time.Duration) {
	waiting := q.waiting
	q.waiting = queue{}
	for r := waiting.first; r != nil; r = waiting.first {
		waiting.remove(r)
		r.extendLimit(d)
		q.waiting.insert(r, r.firstLimit())
	}
	for r := q.inflight.first; r != nil; r = r.links.next {
		r.extendLimit(d)
	}
}

// renewLimits gives all requests that wait their whole time from now on.
func (q *requests) renewLimits() { q.waiting.renewLimits() }

// first returns a request that is in flight or waits, or nil.
func (q *requests) first() *Request {
	if r := q.inflight.first; r != nil {
		return r
	}
	return q.waiting.first
}
