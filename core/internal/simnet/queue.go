package simnet

// A timer is something that happens at a moment of the network's time, unless it is
// taken back before.
type timer struct {
	at    int64
	order uint64 // breaks ties: what was planned first happens first
	index int    // in the queue, or -1
	fire  func()
}

func newTimer(fire func()) timer { return timer{index: -1, fire: fire} }

// queue is a heap of timers, the earliest first. Each knows its place, so that one
// that is moved or taken back leaves nothing behind: a loop moves its deadline each
// time it waits.
type queue struct {
	heap  []*timer
	order uint64
}

// set plans t for a moment, instead of the one that it was planned for.
func (q *queue) set(t *timer, at int64) {
	q.order++
	t.at, t.order = at, q.order
	if t.index < 0 {
		t.index = len(q.heap)
		q.heap = append(q.heap, t)
	}
	q.fix(t.index)
}

// stop takes t back.
func (q *queue) stop(t *timer) {
	i := t.index
	if i < 0 {
		return
	}
	t.index = -1
	last := len(q.heap) - 1
	moved := q.heap[last]
	q.heap[last] = nil
	q.heap = q.heap[:last]
	if i == last {
		return
	}
	q.put(i, moved)
	q.fix(i)
}

// first returns the earliest timer, or nil.
func (q *queue) first() *timer {
	if len(q.heap) == 0 {
		return nil
	}
	return q.heap[0]
}

func (q *queue) put(i int, t *timer) {
	q.heap[i], t.index = t, i
}

func earlier(a, b *timer) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// fix moves what is at i to where it belongs.
func (q *queue) fix(i int) {
	t := q.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !earlier(t, q.heap[parent]) {
			break
		}
		q.put(i, q.heap[parent])
		i = parent
	}
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			break
		}
		if child+1 < len(q.heap) && earlier(q.heap[child+1], q.heap[child]) {
			child++
		}
		if !earlier(q.heap[child], t) {
			break
		}
		q.put(i, q.heap[child])
		i = child
	}
	q.put(i, t)
}
