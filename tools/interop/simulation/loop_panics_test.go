package simulation_test

import "github.com/go-libevent/libevent/core/event"

// A loopPanic is what a callback panics with.
type loopPanic struct{ program *loopProgram }

// panics ends the loop with a panic, which leaves what LoopBreak does.
func (p *loopProgram) panics() {
	if p.depth == 0 || !p.running || p.rand.IntN(3) > 0 {
		return
	}
	p.panicked, p.uncounted = true, true
	p.forgetEnds()
	panic(loopPanic{p})
}

// runLoop runs the loop, and recovers what callbacks panic with.
func (p *loopProgram) runLoop() (status event.Status, err error) {
	defer func() {
		r := recover()
		if own, ok := r.(loopPanic); r != nil && (!ok || own.program != p) {
			panic(r)
		}
		if p.panicked != (r != nil) {
			p.errorf("a callback has panicked: %v, and the loop has: %v", p.panicked, r != nil)
		}
		if p.depth != 0 {
			p.errorf("%d callbacks have not ended", p.depth)
		}
	}()
	return p.base.Loop(p.flags)
}
