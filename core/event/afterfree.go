package event

import (
	"cmp"
	"maps"
	"slices"
)

// A freeHook is what AfterFree has registered.
type freeHook struct {
	fn   func()
	turn uint64 // to be called
}

// AfterFree has fn called when the base has been freed, by the goroutine that frees
// it, or at once if that has happened already; what was registered first is called
// first. It is for code that waits in other goroutines for what a loop would do, as
// what was posted is not run any more. fn must not use the base, and must not wait.
//
// Calling stop takes that back; it reports whether fn will not be called, as that of
// context.AfterFunc does. AfterFree and stop may be called from any goroutine.
func (b *Base) AfterFree(fn func()) (stop func() bool) {
	in := &b.inbox
	hook := &freeHook{fn: fn}
	in.mu.Lock()
	if !in.open {
		in.mu.Unlock()
		fn()
		return func() bool { return false }
	}
	if in.hooks == nil {
		in.hooks = make(map[*freeHook]struct{})
	}
	in.hooked++
	hook.turn = in.hooked
	in.hooks[hook] = struct{}{}
	in.mu.Unlock()
	return func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		_, found := in.hooks[hook]
		delete(in.hooks, hook)
		return found
	}
}

// runFreeHooks calls what waits for the base to be freed.
func (in *inbox) runFreeHooks() {
	in.mu.Lock()
	hooks := in.hooks
	in.hooks = nil
	in.mu.Unlock()
	for _, hook := range slices.SortedFunc(maps.Keys(hooks), func(a, b *freeHook) int { return cmp.Compare(a.turn, b.turn) }) {
		hook.fn()
	}
}
