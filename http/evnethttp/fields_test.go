package evnethttp

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/http/evhttp"
)

func TestFieldsAreInTheOrderOfTheirNames(t *testing.T) {
	for _, n := range []int{0, 1, 10, 100} {
		h := make(http.Header)
		var want []string
		for i := range n {
			name := fmt.Sprintf("Field-%03d", i)
			h[name] = []string{name}
			want = append(want, name)
		}
		var got []string
		for name, values := range byName(h) {
			got = append(got, name)
			if len(values) != 1 || values[0] != name {
				t.Errorf("%s is %q", name, values)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		for name := range byName(h) { // and no further
			if name != want[0] {
				t.Errorf("first %s", name)
			}
			break
		}
	}
	for range 20 { // a map would have another order sooner or later
		var sent evhttp.Header
		addHeader(&sent, http.Header{"C": {"3"}, "A": {"1", "2"}, "D": {"4"}, "B": {"x"}})
		var order []string
		for name, value := range sent.All() {
			order = append(order, name+value)
		}
		if !slices.Equal(order, []string{"A1", "A2", "Bx", "C3", "D4"}) {
			t.Fatalf("sent in the order %v", order)
		}
	}
	h := http.Header{"B": nil, "A": nil}
	if n := testing.AllocsPerRun(100, func() {
		for range byName(h) {
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
