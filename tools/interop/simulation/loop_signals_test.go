package simulation_test

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
)

// loopSignal is one that every system has. None is sent: it comes by ActiveBySignal.
const loopSignalNumber = syscall.SIGTERM

// beginSignals has os/signal begin its goroutine, which must not be one of a world's.
func beginSignals() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, loopSignalNumber)
	signal.Stop(c)
}

// A loopSignal is an event for a signal, which is called as often as that came.
type loopSignal struct {
	program  *loopProgram
	ev       *event.Event
	persist  bool
	priority int
	added    bool
	due      int // calls that are to come
	left     int // calls that are to come in the round of calls that is under way
}

func (p *loopProgram) newSignal() {
	s := &loopSignal{program: p, persist: p.rand.IntN(3) > 0}
	var err error
	if s.persist {
		s.ev, err = p.base.NewSignal(loopSignalNumber, s.fired)
	} else {
		s.ev, err = p.base.NewEvent(int(loopSignalNumber), event.Signal, s.fired)
	}
	if err != nil {
		p.errorf("new signal: %v", err)
	}
	s.priority = s.ev.Priority()
	p.signals = append(p.signals, s)
}

// fired is the callback.
func (s *loopSignal) fired(ev *event.Event, what event.What) {
	p := s.program
	if s.left == 0 {
		p.enterEvent(nil, s.priority)
		s.left, s.due = s.due, 0
		s.added = s.added && s.persist
	} else {
		p.enter()
		p.calls-- // the calls for one event count as one
	}
	defer p.leave()
	if s.left == 0 {
		p.errorf("a signal is told that has not come")
		return
	}
	s.left--
	if ev != s.ev || what != event.Signal {
		p.errorf("the event of a signal is told %v", what)
	}
	p.operate(2)
}

// operateSignal does something to an event for a signal, or has the signal come.
func (p *loopProgram) operateSignal() {
	if len(p.signals) == 0 {
		return
	}
	s := p.signals[p.rand.IntN(len(p.signals))]
	switch p.rand.IntN(6) {
	case 0:
		if err := s.ev.Del(); err != nil {
			p.errorf("del: %v", err)
		}
		s.added, s.due, s.left = false, 0, 0
	case 1, 2:
		if err := s.ev.Add(); err != nil {
			p.errorf("add: %v", err)
		}
		s.added = true
	default:
		for range 1 + p.rand.IntN(3) {
			p.raise()
		}
	}
}

// raise has the signal come.
func (p *loopProgram) raise() {
	added := 0
	for _, s := range p.signals {
		if s.added {
			added++
		}
	}
	if p.activations+added > mostActivations {
		return
	}
	p.activations += added
	for _, s := range p.signals {
		if s.added {
			s.due++
		}
	}
	p.base.ActiveBySignal(loopSignalNumber)
}

// forgetCalls notes that the loop ends amid the calls for a signal.
func (p *loopProgram) forgetCalls() {
	for _, s := range p.signals {
		s.left = 0
	}
}

func (p *loopProgram) freeSignals() {
	for _, s := range p.signals {
		s.ev.Free()
		s.added, s.due, s.left = false, 0, 0
	}
}
