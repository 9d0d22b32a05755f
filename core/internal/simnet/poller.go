package simnet

import (
	"fmt"
	"slices"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A loopPoller is the simulated interface that a base waits with. It behaves like
// epoll, whose list of ready descriptors it has: what was noticed is looked at by the
// next wait, and what is watched by level and still ready stays in the list.
type loopPoller struct {
	network *Network
	host    *Host
	number  int // of those of the host
	method  *poller.Method
	watches map[int]*watch
	noticed []*watch // in the order in which they are reported

	parked   bool // in Wait
	listed   bool // among the runnable ones
	woken    bool // by Wake
	due      bool // something has happened that ends the wait
	deadline timer
	turn     chan struct{}
	closed   bool
	failure  error // of all waits from now on
}

// A watch is a descriptor that is watched.
type watch struct {
	poller   *loopPoller
	fd       int
	file     *file
	interest poller.Interest
	listed   bool // among the noticed
	gone     bool
}

// openPoller makes a poller for the host that runs.
func (n *Network) openPoller(poller.Options) (poller.Poller, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.here()
	if h == nil {
		return nil, errNoHost
	}
	p := &loopPoller{
		network: n, host: h, number: h.opened, method: &poller.Methods()[0],
		watches: make(map[int]*watch), turn: make(chan struct{}, 1),
	}
	h.opened++
	p.deadline = newTimer(p.runnable)
	h.pollers = append(h.pollers, p)
	return p, nil
}

// Method implements poller.Poller.
func (p *loopPoller) Method() *poller.Method { return p.method }

// Flush implements poller.Poller: nothing is ever left to be done.
func (p *loopPoller) Flush() error { return nil }

// Update implements poller.Poller.
func (p *loopPoller) Update(fd int, old, new poller.Interest) error {
	n := p.network
	n.mu.Lock()
	defer n.mu.Unlock()
	err := p.update(fd, new)
	n.trace.add(n, p.host, opWatch, fd, int(new), err)
	if err != nil {
		return fmt.Errorf("simulated: watch fd %d: %w", fd, err)
	}
	return nil
}

func (p *loopPoller) update(fd int, interest poller.Interest) error {
	w := p.watches[fd]
	if interest == 0 {
		if w != nil {
			p.forget(w)
		}
		return nil // what was closed is watched no more already
	}
	h, err := p.network.handle(fd)
	if err != nil {
		return err
	}
	if h.file.host != p.host {
		return errOtherHost
	}
	if w != nil && w.file != h.file { // which is left of a descriptor that was closed
		p.forget(w)
		w = nil
	}
	if w == nil {
		w = &watch{poller: p, fd: fd, file: h.file}
		p.watches[fd] = w
		h.watchers = append(h.watchers, w)
	}
	w.interest = interest
	if ready := h.file.object.ready() & interest; ready != 0 {
		p.notice(w, ready)
	}
	return nil
}

// forget ends a watch.
func (p *loopPoller) forget(w *watch) {
	w.gone = true
	if p.watches[w.fd] == w {
		delete(p.watches, w.fd)
	}
	w.detach()
}

// detach takes a watch from the descriptor.
func (w *watch) detach() {
	for _, h := range w.file.handles {
		if i := slices.Index(h.watchers, w); i >= 0 {
			h.watchers = slices.Delete(h.watchers, i, i+1)
			return
		}
	}
}

// notice puts a watch into the list of those that the next wait looks at.
func (p *loopPoller) notice(w *watch, what poller.Interest) {
	if what &= w.interest; what == 0 {
		return
	}
	if !w.listed {
		w.listed = true
		p.noticed = append(p.noticed, w)
	}
	p.runnable()
}

// runnable puts the loop, if it waits, among those that can go on. While its host
// gets no processor, that is put off.
func (p *loopPoller) runnable() {
	p.due = true
	if p.parked && !p.listed && p.host.up() {
		p.listed = true
		p.network.line(p)
		p.network.schedule.wake()
	}
}

// Wait implements poller.Poller. Also a wait that takes no time lets others go first.
func (p *loopPoller) Wait(deadline poller.Deadline, events []poller.Event) (ready []poller.Event, yielded bool, err error) {
	n := p.network
	n.mu.Lock()
	defer n.mu.Unlock()
	p.park(deadline)
	if p.failure != nil {
		return events, true, p.failure
	}
	ready = p.collect(events)
	n.trace.add(n, p.host, opWait, p.number, len(ready)-len(events), nil)
	for _, e := range ready[len(events):] {
		n.trace.add(n, p.host, opReady, e.FD, int(e.Ready), nil)
	}
	return ready, true, nil
}

// park waits for the loop's turn.
func (p *loopPoller) park(deadline poller.Deadline) {
	n := p.network
	p.parked, p.due = true, false
	switch {
	case p.woken || p.ready() || deadline == poller.Now || p.failure != nil:
		p.runnable()
	case deadline > poller.Now:
		n.plan(&p.deadline, int64(deadline)+int64(n.upTo(n.faults.LateTimers)))
	}
	n.mu.Unlock()
	<-p.turn
	n.mu.Lock()
	p.woken = false
	n.queue.stop(&p.deadline)
}

// ready reports whether the wait has something to report. What is not ready any more
// leaves the list.
func (p *loopPoller) ready() bool {
	for len(p.noticed) > 0 {
		w := p.noticed[0]
		if !w.gone && w.file.object.ready()&w.interest != 0 {
			return true
		}
		w.listed = false
		p.noticed = p.noticed[1:]
	}
	return false
}

// resumed gives the loop its turn.
func (p *loopPoller) resumed() {
	p.parked, p.listed = false, false
	p.turn <- struct{}{}
}

// mostEvents is how many events a wait reports at most.
const mostEvents = 64

// collect appends what is ready.
func (p *loopPoller) collect(events []poller.Event) []poller.Event {
	if len(p.noticed) == 0 {
		return events
	}
	room := mostEvents
	if p.network.faults.FewEvents {
		room = 1 + p.network.rand.IntN(mostEvents)
	}
	looked := p.noticed
	p.noticed = nil
	for i, w := range looked {
		if room == 0 {
			p.noticed = append(p.noticed, looked[i:]...)
			break
		}
		w.listed = false
		if w.gone {
			continue
		}
		ready := w.file.object.ready() & w.interest
		if ready == 0 {
			continue
		}
		room--
		events = append(events, poller.Event{FD: w.fd, Ready: ready})
		if w.interest&poller.Edge == 0 {
			w.listed = true
			p.noticed = append(p.noticed, w)
		}
	}
	return events
}

// TraceCallback implements poller.Tracer.
func (p *loopPoller) TraceCallback(fd int, what uint16) {
	n := p.network
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trace.add(n, p.host, opCall, fd, int(what), nil)
}

// Wake implements poller.Poller.
func (p *loopPoller) Wake() error {
	n := p.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.closed {
		return sysio.ErrBadDescriptor
	}
	p.woken = true
	p.runnable()
	return nil
}

// Close implements poller.Poller.
func (p *loopPoller) Close() error {
	n := p.network
	n.mu.Lock()
	defer n.mu.Unlock()
	p.closed = true
	n.queue.stop(&p.deadline)
	if i := slices.Index(p.host.pollers, p); i >= 0 {
		p.host.pollers = slices.Delete(p.host.pollers, i, i+1)
	}
	for _, w := range p.watches { // in any order: nothing is told of it
		w.gone = true
		w.detach()
	}
	p.watches, p.noticed = nil, nil
	return nil
}

// describe says what the loop waits for.
func (p *loopPoller) describe() string {
	switch {
	case !p.parked:
		return "nothing: it runs, or was not begun"
	case p.listed:
		return "its turn"
	}
	s := fmt.Sprintf("%d descriptors", len(p.watches))
	if p.deadline.index >= 0 {
		s += fmt.Sprintf(" until %v", p.network.stamp(p.deadline.at))
	}
	return s
}
