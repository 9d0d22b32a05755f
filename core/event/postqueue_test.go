package event

import "testing"

// A backlog of which little runs in each iteration, while more comes, must not
// be moved each time.
func TestPostQueueMovesAFunctionFewTimes(t *testing.T) {
	for _, dose := range []struct{ run, come int }{{1, 1}, {1, 2}, {3, 2}, {1, 0}, {0, 1}} {
		const backlog = 1000
		var q postQueue
		next, posted, moved := 0, 0, 0 // next is the number of the function to run
		post := func(n int) {
			var fns []func()
			for range n {
				want := posted
				fns = append(fns, func() {
					if want != next {
						t.Errorf("function %d runs when it is the turn of %d", want, next)
					}
				})
				posted++
			}
			before := q.next
			q.push(fns)
			if before > 0 && q.next == 0 {
				moved += q.len() - n
			}
		}
		post(backlog)
		for range backlog {
			for range min(dose.run, q.len()) {
				q.pop()()
				next++
			}
			post(dose.come)
		}
		for q.len() > 0 {
			q.pop()()
			next++
		}
		if next != posted {
			t.Errorf("%+v: %d of %d functions ran", dose, next, posted)
		}
		if moved > 2*posted {
			t.Errorf("%+v: %d functions were moved %d times", dose, posted, moved)
		}
	}
}
