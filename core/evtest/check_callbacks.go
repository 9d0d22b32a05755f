package evtest

import (
	"slices"
	"strings"
	"sync"
)

// Callbacks checks how the callbacks of one object come: one at a time, none after
// their end, none after the object was freed. Each callback begins with Enter:
//
//	func(b *bufferevent.Bufferevent) {
//		defer calls.Enter("read")()
//		...
//	}
//
// Its methods may be called from any goroutine.
type Callbacks struct {
	subject
	mu        sync.Mutex
	running   []string // the innermost last
	reentrant bool
	ended     []string // kinds that have
	freed     bool
	counts    map[string]int
}

// Callbacks returns a check for the callbacks of an object of the host's program. The
// name is for people.
func (h *Host) Callbacks(name string) *Callbacks {
	c := &Callbacks{subject: subject{host: h, name: name}, counts: make(map[string]int)}
	h.check(c)
	return c
}

// AllowReentrant says that a callback may run while another one does.
func (c *Callbacks) AllowReentrant() *Callbacks {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reentrant = true
	return c
}

// Enter says that a callback of this kind begins. The function that it returns is to be
// called when the callback returns.
func (c *Callbacks) Enter(kind string) (leave func()) {
	c.host.world.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[kind]++
	switch {
	case c.freed:
		c.failf("%s has come after the object was freed", kind)
	case slices.Contains(c.ended, kind) || slices.Contains(c.ended, everything):
		c.failf("%s has come after its end", kind)
	case len(c.running) > 0 && !c.reentrant:
		c.failf("%s has come in the middle of %s", kind, strings.Join(c.running, ", "))
	}
	c.running = append(c.running, kind)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running = c.running[:len(c.running)-1]
	}
}

// everything is a name for all kinds in ended.
const everything = "\x00"

// Ended says that callbacks of these kinds have come to their end, such as those for
// data at the end of a stream; without kinds, all of the object have.
func (c *Callbacks) Ended(kinds ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(kinds) == 0 {
		kinds = []string{everything}
	}
	c.ended = append(c.ended, kinds...)
}

// Freed says that the object is free now, which it may also be while one of its
// callbacks runs.
func (c *Callbacks) Freed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.freed = true
}

// Running reports whether a callback runs.
func (c *Callbacks) Running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.running) > 0
}

// Count returns how many callbacks of this kind have come.
func (c *Callbacks) Count(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[kind]
}

func (c *Callbacks) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.running) > 0 {
		c.failf("%s has not returned", strings.Join(c.running, ", "))
	}
}
