package event

// A Finisher has something to do at the end of an iteration.
type Finisher interface {
	FinishIteration()
}

// AtEnd has f, a pointer, called once at the end of this iteration: when the
// callbacks that are due have run, whatever their priorities, and before the
// loop waits again. Objects use it to do once what several callbacks may ask
// for, such as writing what they have put into a buffer; they remember whether
// they have asked already. What is asked for at the end, as by a stream that
// stands on another one, still comes in this iteration, unless f asks for
// itself, or that goes on and on. There is no way to take it back. It returns
// false, and f is not called, if the base was freed or f is nil.
func (b *Base) AtEnd(f Finisher) bool {
	b.enter()
	defer b.leave()
	if !b.usable || f == nil {
		return false
	}
	b.endings.push(f)
	b.notify()
	return true
}

// endings are the objects to be called at the end of an iteration, in order.
type endings struct {
	list    []Finisher
	next    int        // how many of list have been called
	current Finisher   // is being called
	later   []Finisher // to be called in the next iteration
}

func (e *endings) push(f Finisher) {
	if f == e.current {
		e.later = append(e.later, f)
	} else {
		e.list = append(e.list, f)
	}
}

func (e *endings) len() int { return len(e.list) - e.next + len(e.later) }

// rest returns how many are to be called in this iteration.
func (e *endings) rest() int { return len(e.list) - e.next }

func (e *endings) pop() Finisher {
	f := e.list[e.next]
	e.list[e.next] = nil
	e.next++
	return f
}

// turn begins a new iteration with those that are left.
func (e *endings) turn() {
	n := copy(e.list, e.list[e.next:])
	clear(e.list[n:])
	e.list, e.next = append(e.list[:n], e.later...), 0
	clear(e.later)
	e.later = e.later[:0]
}

// maxEndingRounds is how often those that are called at the end can ask for
// more in the same iteration.
const maxEndingRounds = 4

// runEndings calls those that are there, and those that these ask for, and
// returns how many that were.
func (b *Base) runEndings() int {
	n := 0
	for range maxEndingRounds {
		for todo := b.endings.rest(); todo > 0 && !b.breaking.Load(); todo-- {
			b.runEnding(b.endings.pop())
			n++
		}
	}
	b.endings.turn()
	return n
}

func (b *Base) runEnding(f Finisher) {
	if b.stats != nil {
		b.stats.beforeCallback(nil)
	}
	b.endings.current = f
	b.leave()
	f.FinishIteration()
	b.enter()
	b.endings.current = nil
	if b.stats != nil {
		b.stats.afterCallback()
	}
}
