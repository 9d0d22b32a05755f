package event

// A Finisher has something to do at the end of an iteration.
type Finisher interface {
	FinishIteration()
}

// AtEnd has f called once at the end of this iteration: when the callbacks that
// are due have run, whatever their priorities, and before the loop waits again.
// Objects use it to do once what several callbacks may ask for, such as writing
// what they have put into a buffer; they remember whether they have asked
// already. What is asked for at the end, as by a stream that stands on another
// one, comes in the same iteration, as long as that does not go on and on.
// There is no way to take it back.
func (b *Base) AtEnd(f Finisher) {
	b.enter()
	if !b.freed {
		b.endings.list = append(b.endings.list, f)
		b.notify()
	}
	b.leave()
}

// endings are the objects to be called at the end of an iteration, in order.
type endings struct {
	list []Finisher
	next int // how many of list have been called
}

func (e *endings) len() int { return len(e.list) - e.next }

func (e *endings) pop() Finisher {
	f := e.list[e.next]
	e.list[e.next] = nil
	if e.next++; e.next == len(e.list) {
		e.list, e.next = e.list[:0], 0
	}
	return f
}

// compact makes room for new ones where called ones were.
func (e *endings) compact() {
	if e.next == 0 {
		return
	}
	n := copy(e.list, e.list[e.next:])
	clear(e.list[n:])
	e.list, e.next = e.list[:n], 0
}

// maxEndingRounds is how often those that are called at the end can ask for
// more in the same iteration.
const maxEndingRounds = 4

// runEndings calls those that are there, and those that these ask for, and
// returns how many that were.
func (b *Base) runEndings() int {
	n := 0
	for range maxEndingRounds {
		for todo := b.endings.len(); todo > 0 && !b.breaking.Load(); todo-- {
			b.runEnding(b.endings.pop())
			n++
		}
	}
	b.endings.compact()
	return n
}

func (b *Base) runEnding(f Finisher) {
	if b.stats != nil {
		b.stats.beforeCallback(nil)
	}
	b.leave()
	f.FinishIteration()
	b.enter()
	if b.stats != nil {
		b.stats.afterCallback()
	}
}
