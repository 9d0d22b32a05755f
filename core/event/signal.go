package event

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// maxSignal is one more than the highest signal number that os/signal knows on
// any platform.
const maxSignal = 65

// signalSet is a base's side of signals: the events that wait for each, and
// how often each came since the loop last looked.
type signalSet struct {
	events [maxSignal]*Event
	came   [maxSignal]atomic.Uint32
}

func checkSignal(sig syscall.Signal) error {
	if sig <= 0 || sig > lastSignal || uncatchable(sig) {
		return fmt.Errorf("signal %d: %w", int(sig), syscall.EINVAL)
	}
	return nil
}

// insertSignal adds ev to the events of its signal.
func (b *Base) insertSignal(ev *Event) {
	if b.signals == nil {
		b.signals = new(signalSet)
	}
	head := &b.signals.events[ev.fd]
	if *head == nil {
		b.signals.came[ev.fd].Store(0)
		signals.subscribe(b, ev.Sig())
	}
	*head = pushEvent(*head, ev)
}

// removeSignal undoes insertSignal.
func (b *Base) removeSignal(ev *Event) {
	head := &b.signals.events[ev.fd]
	*head = removeEvent(*head, ev)
	if *head == nil {
		signals.unsubscribe(b, ev.Sig())
	}
}

// activateSignals makes the events active whose signals have come.
func (b *Base) activateSignals() {
	for sig := range b.signals.came {
		if b.signals.came[sig].Load() == 0 {
			continue
		}
		b.activateSignal(sig, b.signals.came[sig].Swap(0))
	}
}

func (b *Base) activateSignal(sig int, times uint32) {
	for ev := b.signals.events[sig]; ev != nil; ev = ev.ioNext {
		had := uint32(0)
		if ev.flags&flagQueued != 0 {
			had = uint32(ev.calls)
		}
		b.activate(&ev.task, Signal)
		ev.calls = uint16(min(had+times, 1<<16-1))
	}
}

// ActiveBySignal makes the events active that are pending for a signal, as if
// it had come once (event_base_active_by_signal).
func (b *Base) ActiveBySignal(sig syscall.Signal) {
	b.enter()
	defer b.leave()
	if b.signals != nil && sig > 0 && sig <= lastSignal {
		b.activateSignal(int(sig), 1)
		b.notify()
	}
}

// raise notes that a signal came. It is called from the signal's goroutine.
func (b *Base) raise(sig syscall.Signal) {
	b.signals.came[sig].Add(1)
	_ = b.inbox.poke(b, "signal", func() { b.inbox.signals = true }) // fails only when the base was freed
}

// signals hands the process's signals to the bases that wait for them.
var signals = signalHub{watches: make(map[syscall.Signal]*signalWatch)}

// signalHub holds a watch for each signal that any base waits for.
type signalHub struct {
	mu      sync.Mutex
	watches map[syscall.Signal]*signalWatch
}

// signalWatch receives one signal. Each has a channel and a goroutine of its
// own: os/signal drops what a full channel cannot take, and here that can only
// be a signal of which others are still to be handed over.
type signalWatch struct {
	ch    chan os.Signal
	bases map[*Base]struct{}
}

// signalBacklog is how many deliveries of one signal are counted apart before
// they are taken as one.
const signalBacklog = 256

func (h *signalHub) subscribe(b *Base, sig syscall.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.watches[sig]
	if w == nil {
		w = &signalWatch{ch: make(chan os.Signal, signalBacklog), bases: make(map[*Base]struct{})}
		h.watches[sig] = w
		signal.Notify(w.ch, sig)
		go h.forward(w, sig)
	}
	w.bases[b] = struct{}{}
}

func (h *signalHub) unsubscribe(b *Base, sig syscall.Signal) {
	if w := h.remove(b, sig); w != nil {
		signal.Stop(w.ch) // without the lock: it waits for a delivery to end
		close(w.ch)
	}
}

// remove returns the watch for sig if no base waits for it any more.
func (h *signalHub) remove(b *Base, sig syscall.Signal) *signalWatch {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.watches[sig]
	delete(w.bases, b)
	if len(w.bases) > 0 {
		return nil
	}
	delete(h.watches, sig)
	return w
}

// forward hands each delivery to all bases that wait for the signal by then.
func (h *signalHub) forward(w *signalWatch, sig syscall.Signal) {
	for range w.ch {
		h.mu.Lock()
		for b := range w.bases { // in any order: they have nothing in common
			b.raise(sig)
		}
		h.mu.Unlock()
	}
}
