package evtest

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/simnet"
)

// A Host is a machine of a World with one process on it. It has an IPv4 and an IPv6
// address and the loopback interface, and ports, descriptors and paths of Unix sockets
// of its own.
type Host struct {
	world *World
	host  *simnet.Host
	name  string
	base  *event.Base // what Base returns, or nil
	loops []*loop     // all that were begun since the start of the host

	onPanic func(value any) bool // or nil

	checkers []checker // of what its program does, since the start of the host
}

// A loop is a goroutine of a host.
type loop struct {
	base  *event.Base // or nil, if it is one of Go
	ended chan struct{}
}

// Host adds a host. Its name is for people.
func (w *World) Host(name string) *Host {
	h := &Host{world: w, host: w.network.AddHost(name), name: name}
	w.hosts = append(w.hosts, h)
	return h
}

// Name is what the host was called when it was made.
func (h *Host) Name() string { return h.name }

// Addr is the IPv4 address of the host, and Addr6 its IPv6 address.
func (h *Host) Addr() netip.Addr  { return h.host.Addr() }
func (h *Host) Addr6() netip.Addr { return h.host.Addr6() }

// AddrPort is Addr with a port.
func (h *Host) AddrPort(port uint16) netip.AddrPort { return netip.AddrPortFrom(h.Addr(), port) }

// Run calls fn as a part of the host's program: bases and sockets that are made
// meanwhile are those of the host. Functions that its loops call, and those of Go, are
// such parts anyway.
func (h *Host) Run(fn func()) { h.host.In(fn) }

// Base returns the base of the host's program, whose loop runs until the world ends or
// the host is stopped. It is made when it is asked for first. Use Do, or Base.Post,
// to have something run there.
func (h *Host) Base() *event.Base {
	if h.base == nil {
		h.base = h.NewBase(nil)
	}
	return h.base
}

// NewBase makes another base, as cfg says, whose loop runs like that of Base.
func (h *Host) NewBase(cfg *event.Config) *event.Base {
	h.world.t.Helper()
	var base *event.Base
	var err error
	h.Run(func() { base, err = event.NewBaseWithConfig(cfg) })
	if err != nil {
		h.world.t.Fatalf("%s: %v", h.name, err)
	}
	h.begin(base, func() {
		for h.loop(base) {
		}
	})
	return base
}

// OnPanic has fn called with what a callback has panicked with, once the panic has passed
// through the loop of a base. If it returns true, the loop is run again, as by a program
// that recovers; otherwise the world fails, as it does without fn.
func (h *Host) OnPanic(fn func(value any) (again bool)) { h.onPanic = fn }

// loop runs the loop of a base until it ends, or panics. It returns whether to run it again.
func (h *Host) loop(base *event.Base) (again bool) {
	defer func() {
		if h.onPanic == nil {
			return
		}
		if value := recover(); value != nil {
			if again = h.onPanic(value); !again {
				panic(value)
			}
		}
	}()
	if _, err := base.Loop(event.LoopNoExitOnEmpty); err != nil && !simnet.Stopped(err) {
		h.world.t.Errorf("%s: %v", h.name, err)
	}
	return false
}

// Go runs fn, which is a part of the host's program that waits, in a goroutine. A fn
// that runs the loop of a base itself returns when the host is stopped, with the error
// of the loop. All such functions must have returned when the world ends.
func (h *Host) Go(fn func()) {
	h.begin(nil, func() { h.Run(fn) })
}

// begin runs a goroutine of the host.
func (h *Host) begin(base *event.Base, run func()) {
	l := &loop{base: base, ended: make(chan struct{})}
	h.loops = append(h.loops, l)
	go func() {
		defer close(l.ended)
		defer func() {
			if r := recover(); r != nil {
				h.world.t.Errorf("%s: panic: %v\n%s", h.name, r, debug.Stack())
				h.world.network.Fail(fmt.Errorf("%s has panicked: %v", h.name, r))
			}
		}()
		run()
	}()
}

// Do runs fn on the loop of Base, and waits until it has returned. Only the test's
// goroutine may call it, and fn must not call t.FailNow or t.Fatal.
func (h *Host) Do(fn func()) {
	h.world.t.Helper()
	done := false
	if err := h.Base().Post(func() { fn(); done = true }); err != nil {
		h.world.t.Fatalf("%s: %v", h.name, err)
	}
	h.world.Await("a function on the loop of "+h.name, func() bool { return done })
}

// Post has fn run on the loop of Base, without waiting for it.
func (h *Host) Post(fn func()) {
	if err := h.Base().Post(fn); err != nil {
		h.world.t.Errorf("%s: %v", h.name, err)
	}
}

// Pause keeps the processor from the host's loops for a while: callbacks are late, and
// timers, but the kernel goes on to take what arrives.
func (h *Host) Pause(d time.Duration) { h.world.At(d, h.host.Freeze()) }

// SetDescriptors sets how many descriptors the host's program may have; zero is as many
// as it wants.
func (h *Host) SetDescriptors(most int) { h.host.SetLimit(most) }

// Descriptors returns a line for each descriptor that the host's program has.
func (h *Host) Descriptors() []string { return h.host.Open() }

// Stop takes the host from the network, as a power failure does. Its connections end
// without a FIN or RST to the peers, its descriptors are gone, and its loops end. Its program
// is dead: nothing of it is to be used again. Only the test's goroutine may call it.
func (h *Host) Stop() {
	for _, c := range h.checkers {
		c.stop()
	}
	h.checkers = nil
	h.host.Stop()
	h.end()
}

// Start puts a host that was stopped on the network again, where its peers learn that
// it knows nothing of them. Base is a new one then, and nothing runs on it yet.
func (h *Host) Start() { h.host.Start() }

// end waits until the host's goroutines have ended, and frees its bases.
func (h *Host) end() {
	for _, l := range h.loops {
		if l.base != nil {
			_ = l.base.LoopExit(0) // fails if it was freed, and then the loop has ended
		}
		select {
		case <-l.ended:
		case <-time.After(h.world.simulation.Limit):
			h.world.t.Fatalf("%s: a goroutine does not end", h.name)
		}
		if l.base != nil {
			h.Run(l.base.Free)
		}
	}
	h.base, h.loops = nil, nil
}
