package simnet

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// Loops that begin at the same time have their turns in the same order, whichever of
// their goroutines was first.
func TestTurnsDoNotDependOnWhoBeginsFirst(t *testing.T) {
	const count = 5
	turns := func(order []int) (turns []int) {
		synctest.Test(t, func(t *testing.T) {
			n := New(1)
			defer n.Close()
			pollers := make([]poller.Poller, count)
			for i := range pollers {
				n.AddHost("host").In(func() {
					p, err := poller.Methods()[0].Open(poller.Options{})
					if err != nil {
						t.Fatal(err)
					}
					pollers[i] = p
				})
			}
			for _, i := range order {
				p := pollers[i].(*loopPoller)
				go func() {
					_, _, _ = p.Wait(poller.Now, nil)
					turns = append(turns, i)
				}()
			}
			time.Sleep(time.Second)
			for _, p := range pollers {
				_ = p.Close()
			}
		})
		return turns
	}
	want := turns([]int{0, 1, 2, 3, 4})
	for _, order := range [][]int{{4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}} {
		if got := turns(order); len(got) != count || !slices.Equal(got, want) {
			t.Errorf("turns: %v, want %v", got, want)
		}
	}
}
