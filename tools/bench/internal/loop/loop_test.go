package loop

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

func TestWorkloadsReportTheirFigures(t *testing.T) {
	tests := []struct {
		name string
		run  func() ([]measure.Figure, error)
		want []string
	}{
		{"timers", func() ([]measure.Figure, error) { return Timers(10_000) }, []string{"add", "re-add", "delete", "add in a callback", "fire"}},
		{"pipes", func() ([]measure.Figure, error) { return Pipes(4, 2, 1000) }, []string{"run"}},
		{"activate", func() ([]measure.Figure, error) { return Activate(10_000) }, []string{"activate"}},
		{"post", func() ([]measure.Figure, error) { return Post(5000) }, []string{"activate", "post", "round trip"}},
		{"idle with a loop", func() ([]measure.Figure, error) { return Idle(10, true) }, []string{"median", "99th percentile"}},
		{"idle without", func() ([]measure.Figure, error) { return Idle(10, false) }, []string{"median", "99th percentile"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			figures, err := test.run()
			if errors.Is(err, measure.ErrUnable) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range figures {
				names = append(names, f.Name)
				if f.Value < 0 {
					t.Errorf("%s is %g, want no negative time", f.Name, f.Value)
				}
			}
			if !slices.Equal(names, test.want) {
				t.Errorf("figures %q, want %q", names, test.want)
			}
		})
	}
}

func TestRandomNumbersAreThoseOfTheCSide(t *testing.T) {
	r := rng(1)
	// The first numbers of splitmix64 with the seed 1.
	want := []uint64{0x910a2dec89025cc1, 0xbeeb8da1658eec67, 0xf893a2eefb32555e}
	for i, w := range want {
		if got := r.next(); got != w {
			t.Errorf("number %d is %#x, want %#x", i, got, w)
		}
	}
}

func TestShuffleKeepsEachIndexOnce(t *testing.T) {
	order := make([]int32, 1000)
	r := rng(1)
	r.shuffle(order)
	if slices.IsSorted(order) {
		t.Error("the order is not random")
	}
	slices.Sort(order)
	for i, index := range order {
		if int(index) != i {
			t.Fatalf("index %d in the place of %d", index, i)
		}
	}
}
