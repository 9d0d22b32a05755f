package event

// A IterationEnder has something to do at the end of an iteration.
type IterationEnder interface {
	EndIteration()
}

// AtIterationEnd has f, a pointer, called once at the end of this iteration: when the
// callbacks that are due have run, whatever their priorities, and before the
// loop waits again. Objects use it to do once what several callbacks may ask
// for, such as writing what they have put into a buffer; they remember whether
// they have asked already. What is asked for at the end, as by a stream that
// stands on another one, still comes in this iteration, unless f asks for
// itself, or that goes on and on. There is no way to take it back. It returns
// false, and f is not called, if the base was freed or f is nil.
func (b *Base) AtIterationEnd(f IterationEnder) bool {
	b.enter()
	defer b.leave()
	if !b.usable || f == nil {
		return false
	}
	b.enders.push(f)
	b.notify()
	return true
}

// enders are the objects to be called at the end of an iteration, in order.
type enders struct {
	list    []IterationEnder
	next    int              // how many of list have been called
	current IterationEnder   // is being called
	later   []IterationEnder // to be called in the next iteration
}

func (e *enders) push(f IterationEnder) {
	if f == e.current {
		e.later = append(e.later, f)
	} else {
		e.list = append(e.list, f)
	}
}

func (e *enders) len() int { return len(e.list) - e.next + len(e.later) }

// rest returns how many are to be called in this iteration.
func (e *enders) rest() int { return len(e.list) - e.next }

func (e *enders) pop() IterationEnder {
	f := e.list[e.next]
	e.list[e.next] = nil
	e.next++
	return f
}

// turn begins a new iteration with those that are left.
func (e *enders) turn() {
	n := copy(e.list, e.list[e.next:])
	clear(e.list[n:])
	e.list, e.next = append(e.list[:n], e.later...), 0
	clear(e.later)
	e.later = e.later[:0]
}

// maxEnderRounds is how often those that are called at the end can ask for
// more in the same iteration.
const maxEnderRounds = 4

// runEnders calls those that are there, and those that these ask for, and
// returns how many that were.
func (b *Base) runEnders() int {
	n := 0
	for range maxEnderRounds {
		for todo := b.enders.rest(); todo > 0 && !b.breaking.Load(); todo-- {
			b.runEnder(b.enders.pop())
			n++
		}
	}
	b.enders.turn()
	return n
}

func (b *Base) runEnder(f IterationEnder) {
	if b.stats != nil {
		b.stats.beforeCallback(nil)
	}
	b.enders.current = f
	b.leave()
	f.EndIteration()
	b.enter()
	b.enders.current = nil
	if b.stats != nil {
		b.stats.afterCallback()
	}
}
