package simnet

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// A Host is a machine on the network. It has two addresses besides those of the
// loopback interface, and one process, whose descriptors and loops are its.
type Host struct {
	network *Network
	name    string
	index   int
	addrs   [2]netip.Addr // IPv4 and IPv6

	blocks []int // of the table
	lowest int   // no descriptor before this is free
	open   int   // how many descriptors there are
	limit  int   // of open, or zero

	pollers []*loopPoller
	opened  int // how many pollers there ever were
	ports   ports
	bound   uint64 // how many paths there ever were

	down   bool // stopped
	frozen int  // how many reasons there are why it gets no processor
	boots  int  // how often it was stopped
	breaks []span
	saw    map[syscall.Errno]int64 // when a call has failed so last
}

// A span is a time in which a host got no processor. One that has not ended has no end.
type span struct{ from, to int64 }

// AddHost adds a host, the first of which are 10.0.0.1 and fd00::1.
func (n *Network) AddHost(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	number := len(n.hosts) + 1
	high, mid, low := byte(number>>16), byte(number>>8), byte(number)
	v6 := [16]byte{0: 0xfd, 13: high, 14: mid, 15: low}
	h := &Host{
		network: n, name: name, index: len(n.hosts),
		addrs: [2]netip.Addr{netip.AddrFrom4([4]byte{10, high, mid, low}), netip.AddrFrom16(v6)},
	}
	h.ports.init()
	n.addBlock(h)
	n.hosts = append(n.hosts, h)
	for _, addr := range h.addrs {
		n.addrs[addr] = h
	}
	return h
}

// Name is what the host was called when it was added.
func (h *Host) Name() string { return h.name }

// Addr is its IPv4 address, and Addr6 its IPv6 address.
func (h *Host) Addr() netip.Addr  { return h.addrs[0] }
func (h *Host) Addr6() netip.Addr { return h.addrs[1] }

// SetLimit sets how many descriptors the host may have; zero is any number.
func (h *Host) SetLimit(most int) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.limit = most
}

// has reports whether addr is one of the host's, as those of the loopback interface
// are of every host.
func (h *Host) has(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsLoopback() || addr == h.addrs[0] || addr == h.addrs[1]
}

// lookup returns the host that addr leads to from here, or nil.
func (h *Host) lookup(addr netip.Addr) *Host {
	addr = addr.Unmap()
	if addr.IsLoopback() || addr.IsUnspecified() {
		return h
	}
	return h.network.addrs[addr]
}

// source returns the address that packets from here to addr come from.
func (h *Host) source(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	switch {
	case addr.IsLoopback() && addr.Is4():
		return loopback4
	case addr.IsLoopback():
		return addr
	case addr.Is4():
		return h.addrs[0]
	default:
		return h.addrs[1]
	}
}

// up reports whether the host's loops get a processor.
func (h *Host) up() bool { return h.frozen == 0 }

// Freeze keeps the processor from the host's loops until thaw is called, or the host is
// stopped. Its kernel goes on: what arrives is taken.
func (h *Host) Freeze() (thaw func()) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	h.freeze()
	boot := h.boots
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		h.thaw(boot)
	}
}

func (h *Host) freeze() {
	n := h.network
	if h.frozen++; h.frozen == 1 {
		h.breaks = append(h.breaks, span{n.now(), noEnd})
	}
	kept := n.runnable[:0]
	for _, p := range n.runnable {
		if p.host == h {
			p.listed = false
			continue
		}
		kept = append(kept, p)
	}
	clear(n.runnable[len(kept):])
	n.runnable = kept
}

// thaw undoes a freeze, unless that was before the host was stopped.
func (h *Host) thaw(boot int) {
	if boot != h.boots {
		return
	}
	if h.frozen--; h.frozen > 0 {
		return
	}
	h.breaks[len(h.breaks)-1].to = h.network.now()
	for _, p := range h.pollers {
		if p.parked && p.due {
			p.runnable()
		}
	}
}

// hold freezes the host for a while.
func (h *Host) hold(d time.Duration) {
	h.freeze()
	boot := h.boots
	h.network.after(d, func() { h.thaw(boot) })
}

const noEnd = math.MaxInt64

// Late returns how late now at most what was due is that a loop of the host was to do so
// long ago: what the time since then has of those in which it got no processor, and how
// late waits may end.
func (h *Host) Late(ago time.Duration) time.Duration {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	due := now - int64(ago)
	late := n.latest
	for _, b := range slices.Backward(h.breaks) {
		if b.to <= due {
			break
		}
		late += time.Duration(max(0, min(b.to, now)-max(b.from, due)))
	}
	return late
}

// failed notes that a call of the host has failed.
func (h *Host) failed(err error) {
	errno, ok := err.(syscall.Errno)
	if !ok {
		return
	}
	if h.saw == nil {
		h.saw = make(map[syscall.Errno]int64)
	}
	h.saw[errno] = h.network.now()
}

// Saw reports whether a call of the host has failed with err within so long.
func (h *Host) Saw(err syscall.Errno, within time.Duration) bool {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := h.saw[err]
	return ok && at >= n.now()-int64(within)
}

// Stop takes the host from the network, as a power failure does: its connections end
// without a FIN or RST to their peers, its descriptors are gone, and its loops end with
// ErrDown.
func (h *Host) Stop() {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.down {
		return
	}
	h.down = true
	for _, handle := range n.table.all() {
		if handle.file.host == h {
			n.vanish(handle)
		}
	}
	h.ports.init()
	if h.frozen > 0 {
		h.breaks[len(h.breaks)-1].to = n.now()
	}
	h.frozen = 0
	h.boots++
	for _, p := range h.pollers {
		p.failure = ErrDown
		p.runnable()
	}
}

// vanish closes a descriptor of a host without power.
func (n *Network) vanish(h *handle) {
	if s, ok := h.file.object.(*stream); ok {
		s.drop(nil)
	}
	n.closeHandle(h)
}

// Start puts the host on the network again. Loops that are made from now on run.
func (h *Host) Start() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.down = false
}

// Open returns a line for each descriptor that the host has.
func (h *Host) Open() []string {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	var lines []string
	for i, handle := range n.table.all() {
		if handle.file.host == h {
			lines = append(lines, fmt.Sprintf("fd %d: %s", i, handle.file.object.describe()))
		}
	}
	return lines
}

// Stopped reports whether err is that of a loop whose host was stopped.
func Stopped(err error) bool { return errors.Is(err, ErrDown) }
