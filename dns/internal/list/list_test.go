package list_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/dns/internal/list"
)

type item struct {
	id    int
	links list.Links[item]
}

type itemLinks struct{}

func (itemLinks) Of(i *item) *list.Links[item] { return &i.links }

type items = list.List[item, itemLinks]

// ids returns what is in a list, and checks that it is the same from both ends.
func ids(t *testing.T, l *items) []int {
	t.Helper()
	var got, back []int
	for i := l.First(); i != nil; i = l.Next(i) {
		got = append(got, i.id)
	}
	for i := l.Last(); i != nil; i = l.Prev(i) {
		back = append(back, i.id)
	}
	slices.Reverse(back)
	if !slices.Equal(got, back) || len(got) != l.Len() {
		t.Fatalf("forwards %v, backwards %v, length %d", got, back, l.Len())
	}
	return got
}

// A list is a slice into which one may insert anywhere.
func TestListAgainstAModel(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var l items
		var model []*item
		for id := range 300 {
			switch n := len(model); {
			case n > 0 && random.IntN(5) < 2:
				at := random.IntN(n)
				gone := model[at]
				l.Remove(gone)
				model = slices.Delete(model, at, at+1)
				if l.Contains(gone) {
					t.Fatal("contains what was removed")
				}
			case random.IntN(2) == 0:
				model = append(model, &item{id: id})
				l.Push(model[n])
			default:
				at := random.IntN(n + 1)
				var before *item
				if at > 0 {
					before = model[at-1]
				}
				model = slices.Insert(model, at, &item{id: id})
				l.InsertAfter(before, model[at])
			}
			var want []int
			for _, i := range model {
				want = append(want, i.id)
				if !l.Contains(i) {
					t.Fatalf("does not contain %d", i.id)
				}
			}
			if got := ids(t, &l); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %v, want %v", seed, got, want)
			}
		}
	}
}

func TestListsDoNotAllocate(t *testing.T) {
	var l items
	one, two := &item{}, &item{}
	n := testing.AllocsPerRun(100, func() {
		l.Push(one)
		l.InsertAfter(nil, two)
		l.Remove(one)
		l.Remove(two)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func Example() {
	var l items
	one, two, three := &item{id: 1}, &item{id: 2}, &item{id: 3}
	l.Push(one)
	l.Push(three)
	l.InsertAfter(one, two)
	l.Remove(one)
	for i := l.First(); i != nil; i = l.Next(i) {
		fmt.Println(i.id)
	}
	// Output:
	// 2
	// 3
}
