package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// TestLoops runs a few bases, each in a goroutine of its own, whose callbacks start,
// change and delete events of all kinds, on their own base and, as far as that may be
// done from other goroutines, on others. A model beside each base says which callback
// may run, which must run before which, and how long the loop may wait.
func TestLoops(t *testing.T) {
	beginSignals()
	evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
		s := &loopScenario{world: w, faults: w.Faults()}
		host := w.Host("host")
		if w.Rand().IntN(4) == 0 {
			s.runBusy(host)
			return
		}
		for i := range w.Draw("loops", 1, 3) {
			s.start(host, i)
		}
		if w.Rand().IntN(3) == 0 {
			s.pause(time.Duration(w.Rand().IntN(3000)) * time.Millisecond)
		}
		s.callers(host, w.Draw("callers", 0, 3))
		s.posters(host, w.Draw("posters", 0, 2))
		over := false
		w.At(time.Duration(w.Draw("seconds", 1, 8))*time.Second, func() {
			for _, p := range s.programs {
				p.finish()
			}
			over = true
		})
		w.Await("the end of the time", func() bool { return over })
		w.SetFaults(evtest.Faults{})
		w.Await("the end of the loops", s.ended)
		w.Await("the end of the calls", func() bool { return s.calling == 0 })
	})
}

// A loopScenario is what the loops of a world have in common.
type loopScenario struct {
	world    *evtest.World
	faults   evtest.Faults // of the time that counts
	programs []*loopProgram
	calling  int           // goroutines in Base.Call
	paused   time.Duration // in all
}

// start begins a loop, and waits until it waits.
func (s *loopScenario) start(host *evtest.Host, i int) {
	p := &loopProgram{
		scenario: s, world: s.world, name: fmt.Sprintf("loop %d", i),
		rand:   rand.New(rand.NewPCG(s.world.Rand().Uint64(), uint64(i))),
		budget: s.world.Draw(fmt.Sprintf("operations of loop %d", i), 5, 150),
	}
	s.programs = append(s.programs, p)
	host.Go(p.run)
	s.world.Await("the loop to begin", func() bool { return p.iterations > 0 || p.ended })
}

// pause stops the world for a while.
func (s *loopScenario) pause(d time.Duration) {
	s.world.At(time.Duration(s.world.Rand().IntN(2000))*time.Millisecond, func() {
		s.paused += d
		s.world.Pause(d)
	})
}

func (s *loopScenario) ended() bool {
	for _, p := range s.programs {
		if !p.ended {
			return false
		}
	}
	return true
}

// lateness is how much later than their deadlines timers may run.
func (s *loopScenario) lateness() time.Duration {
	return s.faults.LateTimers + 12*s.faults.HoldTime + s.paused
}

// callers has goroutines call functions on the loops and wait for them.
func (s *loopScenario) callers(host *evtest.Host, count int) {
	for range count {
		p := s.programs[s.world.Rand().IntN(len(s.programs))]
		limit := time.Duration(s.world.Rand().IntN(200)) * time.Millisecond
		s.calling++
		s.world.At(time.Duration(s.world.Rand().IntN(3000))*time.Millisecond, func() {
			host.Go(func() { s.call(p, limit) })
		})
	}
}

func (s *loopScenario) errorf(format string, args ...any) { s.world.T().Errorf(format, args...) }

// run is the goroutine of a loop.
func (p *loopProgram) run() {
	defer func() { p.ended = true }()
	p.configure()
	base, err := event.NewBaseWithConfig(&p.config)
	if err != nil {
		p.errorf("new base: %v", err)
		return
	}
	p.base, p.made = base, time.Now().Add(-base.Elapsed())
	p.prepare()
	for !p.empty && !p.abrupt {
		p.loop()
	}
	p.free()
}

// configure draws what the base is like.
func (p *loopProgram) configure() {
	p.slow = p.rand.IntN(2) == 0
	if p.habits = p.rand.Uint64(); p.rand.IntN(2) == 0 { // what comes together is more often so with less of the rest
		p.habits &= p.rand.Uint64()
	}
	cfg := &p.config
	if p.uncached = p.rand.IntN(4) == 0; p.uncached {
		cfg.Flags |= event.NoCacheTime
	}
	if p.rand.IntN(3) == 0 {
		cfg.MaxDispatchCallbacks = 1 + p.rand.IntN(3)
		cfg.LimitCallbacksAfterPriority = p.rand.IntN(3)
	}
	if p.slow && p.rand.IntN(3) == 0 {
		cfg.MaxDispatchInterval = time.Duration(1 + p.rand.Int64N(int64(200*time.Millisecond)))
	}
}

// prepare makes what there is from the start.
func (p *loopProgram) prepare() {
	p.priorities = 1 + p.rand.IntN(4)
	if err := p.base.SetPriorities(p.priorities); err != nil {
		p.errorf("set priorities: %v", err)
	}
	if p.stats = p.rand.IntN(2) == 0; p.stats {
		p.base.EnableStats(true)
	}
	p.base.NewPrepare(p.onPrepare)
	p.base.NewCheck(p.onCheck)
	for range 1 + p.rand.IntN(3) {
		ct, err := p.base.InitCommonTimeout(time.Duration(40+p.rand.IntN(2000)) * time.Millisecond)
		if err != nil {
			p.errorf("init common timeout: %v", err)
		}
		p.commons = append(p.commons, ct)
	}
	for range 3 + p.rand.IntN(8) {
		p.newEvent()
	}
	for range p.rand.IntN(3) {
		p.newPipe()
	}
	for range p.rand.IntN(3) {
		p.newSignal()
	}
	for range 2 {
		p.newDeferred()
		p.enders = append(p.enders, &loopEnder{program: p})
	}
	p.operate(5)
}

// loop runs the loop once, in any way, and compares how it has ended.
func (p *loopProgram) loop() {
	p.flags = []event.LoopFlag{0, 0, event.LoopOnce, event.LoopOnce, event.LoopNonblock, event.LoopNoExitOnEmpty}[p.rand.IntN(6)]
	if p.finishing {
		p.flags = 0
	}
	if p.rand.IntN(6) == 0 {
		if err := p.base.Reinit(); err != nil {
			p.errorf("reinit: %v", err)
		}
	}
	began := p.real() - p.slept
	p.running, p.panicked = true, false
	status, err := p.runLoop()
	p.running = false
	p.expire()
	if err != nil {
		p.errorf("loop: %v", err)
		p.empty = true
		return
	}
	p.compareEnd(status)
	if f := p.scenario.faults; p.flags == event.LoopNonblock && f.Hold == 0 && p.scenario.paused == 0 && p.real()-p.slept != began {
		p.errorf("a loop that does not wait has taken %v", p.real()-p.slept-began)
	}
	switch {
	case p.finishing:
		p.empty = status == event.LoopNoEvents
	case status == event.LoopNoEvents, p.flags == event.LoopNonblock:
		p.keepBusy()
	}
}

// compareEnd checks why a loop has ended.
func (p *loopProgram) compareEnd(status event.Status) {
	exit, broken := p.base.GotExit(), p.base.GotBreak()
	cut := broken || p.panicked
	once := p.flags&(event.LoopOnce|event.LoopNonblock) != 0
	switch {
	case status == event.LoopNoEvents && p.pending() > 0:
		p.errorf("loop has ended for want of events with %d pending", p.pending())
	case status == event.LoopNoEvents && p.virtual > 0:
		p.errorf("loop has ended for want of events with virtual ones")
	case status == event.LoopNoEvents && p.flags&event.LoopNoExitOnEmpty != 0:
		p.errorf("loop has ended for want of events in spite of LoopNoExitOnEmpty")
	case status == event.LoopDone && !exit && !cut && !once:
		p.errorf("loop has ended for no reason")
	case broken != p.broken:
		p.errorf("GotBreak returns %v, LoopBreak was called: %v", broken, p.broken)
	case exit && !p.exitNow && !p.exitDue && !p.exitMaybe:
		p.errorf("loop has exited without being asked to")
	case !exit && p.exitNow:
		p.errorf("loop has ended without regard to LoopExit")
	}
	if exit && !cut {
		for _, e := range p.events {
			if e.active() && !e.posted {
				p.errorf("loop has exited with an active event of priority %d", e.priority)
			}
		}
	}
	if exit {
		p.exitMaybe = cut && p.exitDue
		p.exitNow, p.exitDue = false, false
	}
	p.broken, p.continued = false, false
}

// keepBusy starts a timer, so that the next loop has something to wait for.
func (p *loopProgram) keepBusy() {
	e := p.events[p.rand.IntN(len(p.events))]
	p.startTimer(e, time.Duration(1+p.rand.IntN(500))*time.Millisecond)
	p.operate(2)
}

// finish has the program come to an end. It is called while nothing runs.
func (p *loopProgram) finish() {
	p.finishing = true
	if p.ended {
		return
	}
	p.post(func() {
		for _, e := range p.events {
			p.del(e)
		}
		p.freeSignals()
		for ; p.virtual > 0; p.virtual-- {
			p.base.DelVirtual()
		}
		for _, l := range p.pipes {
			p.drainPipe(l)
		}
		if p.abrupt = p.rand.IntN(3) == 0; p.abrupt { // for DrainPosts
			for range 1 + p.rand.IntN(3) {
				p.post(func() {
					p.takeTime()
					p.post(func() {}) // may be refused
				})
			}
		}
		p.base.LoopBreak() // the next loop is one that ends, if there is one
		p.broken = true
		p.forgetEnds()
	})
}

// free ends the base, which has run out of events.
func (p *loopProgram) free() {
	for _, l := range p.pipes {
		for _, e := range l.events() {
			e.ev.Free()
		}
		l.close()
	}
	p.draining = true
	if err := p.base.DrainPosts(); err != nil {
		p.errorf("drain posts: %v", err)
	}
	p.drained = true
	if len(p.posted) > 0 {
		p.errorf("%d posted functions were not called", len(p.posted))
	}
	if s := p.base.Stats(); p.stats && !p.uncounted && !p.abrupt && s.Callbacks != p.calls {
		p.errorf("statistics have counted %d callbacks, there were %d", s.Callbacks, p.calls)
	} else if p.stats && s.Iterations != p.iterations {
		p.errorf("statistics have counted %d iterations, there were %d", s.Iterations, p.iterations)
	}
	for _, e := range p.events {
		e.ev.Free()
	}
	if n := p.base.NumEvents(event.CountAdded, event.CountActive, event.CountVirtual); n != 0 && !p.abrupt {
		p.errorf("%d events are left at the end", n)
	}
	p.base.Free()
}
