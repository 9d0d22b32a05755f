package event_test

import (
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// TestAfterFree calls what is to be called once the base is gone, and nothing else.
func TestAfterFree(t *testing.T) {
	b, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	called := make(map[string]int)
	note := func(name string) func() {
		return func() {
			called[name]++
			if b.Post(func() {}) == nil {
				t.Errorf("%s: the base still takes posts", name)
			}
		}
	}
	b.AfterFree(note("first"))
	b.AfterFree(note("second"))
	if stop := b.AfterFree(note("stopped")); !stop() || stop() {
		t.Error("stop reports the wrong thing")
	}
	if err := b.Post(note("posted")); err != nil {
		t.Fatal(err)
	}
	if len(called) > 0 {
		t.Errorf("called before the end: %v", called)
	}
	b.Free()
	stop := b.AfterFree(note("late"))
	b.Free()
	if stop() {
		t.Error("what was called cannot be stopped")
	}
	if len(called) != 3 || called["first"] != 1 || called["second"] != 1 || called["late"] != 1 {
		t.Errorf("called %v", called)
	}
}

// TestAfterFreeInOrder calls what was registered first before the rest.
func TestAfterFreeInOrder(t *testing.T) {
	b := newBase(t, nil)
	const hooks = 20
	var called []int
	for i := range hooks {
		stop := b.AfterFree(func() { called = append(called, i) })
		if i%5 == 0 {
			stop()
		}
	}
	b.Free()
	if len(called) != hooks*4/5 || !slices.IsSorted(called) {
		t.Errorf("called %v", called)
	}
}
