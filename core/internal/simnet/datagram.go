package simnet

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A datagram is a socket for messages.
type datagram struct {
	file    *file
	network *Network
	host    *Host
	family  int
	options options

	binding *binding
	local   netip.AddrPort
	remote  netip.AddrPort // if it is connected
	other   *datagram      // the other end of a pair

	arrived []message
	size    int                 // of what has arrived
	err     error               // that is pending
	errs    []sysio.QueuedError // that were asked for
	shut    bool                // for writing
	closed  bool
}

// A message is a datagram that has arrived.
type message struct {
	data []byte
	from netip.AddrPort
	to   netip.Addr
}

// The longest messages are those that fit into a packet of IPv4, with its header and
// that of UDP, and of IPv6, of which only the latter counts. loopbackMTU is what the
// kernel says of the loopback interface then.
const (
	longestOver4 = 65507
	longestOver6 = 65527
	loopbackMTU  = 65535
)

func (n *Network) newDatagram(h *Host, family int) *datagram {
	d := &datagram{network: n, host: h, family: family}
	d.options.sendBuf, d.options.receiveBuf = bufferSize, bufferSize
	return d
}

func (d *datagram) opened(f *file) { d.file = f }

func (d *datagram) describe() string { return fmt.Sprintf("datagram socket at %s", d.local) }

// ready implements object. A message is sent at once, so there is always room, but
// for what the other end of a pair has not received.
func (d *datagram) ready() poller.Interest {
	if d.err != nil || len(d.errs) > 0 {
		return poller.Conditions
	}
	var ready poller.Interest
	if d.writable() {
		ready |= poller.Write
	}
	if len(d.arrived) > 0 {
		ready |= poller.Read
	}
	return ready
}

// writable reports whether three quarters of the buffer are free, as Linux has it.
func (d *datagram) writable() bool { return d.other == nil || d.other.size*4 <= d.options.sendBuf }

func (d *datagram) close() {
	d.closed = true
	d.file, d.arrived, d.size = nil, nil, 0
	if d.other != nil {
		d.other.roomMade()
	}
	if d.binding != nil {
		d.host.unbind(d.binding)
		d.binding = nil
	}
}

func (d *datagram) mapped(addr netip.Addr) netip.Addr {
	if d.family == syscall.AF_INET6 && addr.Is4() {
		return netip.AddrFrom16(addr.As16())
	}
	return addr
}

func (d *datagram) bind(at netip.AddrPort) error {
	if d.binding != nil || d.options.v6only && at.Addr().Is4In6() {
		return sysio.ErrInvalid
	}
	b := &binding{
		addr:     netip.AddrPortFrom(at.Addr().Unmap(), at.Port()),
		dual:     d.family == syscall.AF_INET6 && !d.options.v6only,
		datagram: d,
	}
	if err := d.host.bind(b); err != nil {
		return err
	}
	d.binding = b
	d.local = netip.AddrPortFrom(at.Addr(), b.addr.Port())
	return nil
}

// bound gives the socket an address if it has none.
func (d *datagram) bound() error {
	if d.binding != nil {
		return nil
	}
	any := netip.IPv4Unspecified()
	if d.family == syscall.AF_INET6 {
		any = netip.IPv6Unspecified()
	}
	return d.bind(netip.AddrPortFrom(any, 0))
}

// connect sets the only peer.
func (d *datagram) connect(to netip.AddrPort) error {
	if d.options.v6only && to.Addr().Is4() {
		return sysio.ErrFamily
	}
	to, err := d.reachable(to)
	if err != nil {
		return err
	}
	if err := d.bound(); err != nil {
		return err
	}
	if d.host.lookup(to.Addr()) == nil {
		return sysio.ErrNetUnreachable
	}
	d.remote = to
	if d.local.Addr().IsUnspecified() {
		d.local = netip.AddrPortFrom(d.mapped(d.host.source(to.Addr())), d.local.Port())
	}
	return nil
}

// reachable returns the address of a peer as the socket has it, or the error of one
// that it can have nothing to do with.
func (d *datagram) reachable(to netip.AddrPort) (netip.AddrPort, error) {
	addr := to.Addr()
	switch {
	case d.family == syscall.AF_INET && !addr.Is4(), d.family == syscall.AF_UNIX:
		return to, sysio.ErrFamily
	case d.options.v6only && addr.Unmap().Is4():
		return to, sysio.ErrNetUnreachable
	}
	return netip.AddrPortFrom(d.mapped(specific(addr)), to.Port()), nil
}

// shutdown ends what the socket sends.
func (d *datagram) shutdown() error {
	if !d.remote.IsValid() && d.other == nil {
		return sysio.ErrNotConnected
	}
	d.shut = true
	d.file.changed(poller.Write)
	return nil
}

// send sends one message, to the peer of the socket if to is zero.
func (d *datagram) send(p []byte, to netip.AddrPort, from netip.Addr) error {
	n := d.network
	if err := d.pending(); err != nil {
		return err
	}
	if d.shut {
		return sysio.ErrPipe
	}
	if d.other != nil {
		return d.pass(p)
	}
	to, err := d.destination(to)
	if err != nil {
		return err
	}
	switch {
	case len(p) > longestOver6, len(p) > longestOver4 && to.Addr().Unmap().Is4():
		return d.tooLong(to)
	case from.IsValid() && !d.host.has(from):
		return sysio.ErrNetUnreachable
	case n.chance(n.faults.Again):
		n.after(n.upTo(retransmit/100), func() { d.file.changed(poller.Write) })
		return sysio.ErrAgain
	case n.chance(n.faults.NoBuffers):
		return sysio.ErrNoBuffers
	}
	if err := d.bound(); err != nil {
		return err
	}
	target := d.host.lookup(to.Addr())
	if target == nil {
		return sysio.ErrNetUnreachable
	}
	source := d.local.Addr()
	if from.IsValid() {
		source = from
	}
	if source.IsUnspecified() {
		source = d.host.source(to.Addr())
	}
	d.deliver(target, slices.Clone(p), to, netip.AddrPortFrom(source.Unmap(), d.local.Port()))
	return nil
}

// write sends one message to the peer of the socket.
func (d *datagram) write(p []byte) (int, error) {
	if err := d.send(p, netip.AddrPort{}, netip.Addr{}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// read receives the beginning of a message.
func (d *datagram) read(most int) ([]byte, error) {
	m, err := d.receive()
	return m.data[:min(most, len(m.data))], err
}

// destination returns where a message goes to.
func (d *datagram) destination(to netip.AddrPort) (netip.AddrPort, error) {
	switch {
	case to.IsValid() && to.Port() == 0:
		return to, sysio.ErrInvalid
	case to.IsValid():
		return d.reachable(to)
	case d.remote.IsValid():
		return d.remote, nil
	}
	return to, sysio.ErrNoDestination
}

// tooLong is what becomes of a message that no packet has room for.
func (d *datagram) tooLong(to netip.AddrPort) error {
	if d.options.queueErrs {
		d.errs = append(d.errs, sysio.QueuedError{Err: sysio.ErrTooLong, Peer: to, MTU: loopbackMTU})
	}
	return sysio.ErrTooLong
}

// pass sends a message to the other end of a pair, which loses none.
func (d *datagram) pass(p []byte) error {
	const overhead = 32
	switch {
	case d.other.closed:
		return sysio.ErrRefused
	case len(p) > 2*d.options.sendBuf-overhead:
		return sysio.ErrTooLong
	case d.other.size >= d.options.sendBuf:
		return sysio.ErrAgain
	}
	d.other.put(message{data: slices.Clone(p)})
	return nil
}

// roomMade tells an end of a pair that the other one has received, if that leaves it
// writable.
func (d *datagram) roomMade() {
	if d.writable() {
		d.file.changed(poller.Write)
	}
}

// deliver sends a message on its way, on which much can happen to it.
func (d *datagram) deliver(target *Host, p []byte, to, from netip.AddrPort) {
	n := d.network
	l := n.link(d.host, target)
	if l == nil {
		d.arrive(target, p, to, from)
		return
	}
	copies := 1
	if n.chance(n.faults.Duplicate) {
		n.fault(d.host, "message duplicated")
		copies++
	}
	for range copies {
		if n.chance(n.faults.Lose) {
			n.fault(d.host, "message lost")
			continue
		}
		if len(p) > 0 && n.chance(n.faults.Corrupt) {
			p = slices.Clone(p)
			n.fault(d.host, "message corrupted")
			p[n.rand.IntN(len(p))] ^= 1 << n.rand.IntN(8)
		}
		at := n.arrival(l, len(p))
		if n.chance(n.faults.Reorder) {
			at += int64(n.upTo(4*(n.faults.Latency+n.faults.Jitter) + retransmit/10))
		}
		data := p
		t := newTimer(func() {
			if l.passes() {
				d.arrive(target, data, to, from)
			}
		})
		n.plan(&t, at)
	}
}

// arrive hands a message to the socket that it is for, if there is one, and else
// tells the sender.
func (d *datagram) arrive(target *Host, p []byte, to, from netip.AddrPort) {
	addr := to.Addr().Unmap()
	receiver := target.receiver(netip.AddrPortFrom(addr, to.Port()), from)
	if receiver == nil {
		d.network.later(d.network.link(target, d.host), func() { d.refused(to, addr) })
		return
	}
	receiver.take(message{data: p, from: from, to: addr})
}

// receiver returns the socket that takes messages at an address from a peer: one that
// is connected to the peer before one that is not.
func (h *Host) receiver(at, from netip.AddrPort) *datagram {
	best := find(h.ports.datagrams[at.Port()], at.Addr(), func(b *binding) bool {
		remote := b.datagram.remote
		return !remote.IsValid() || netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()) == from
	})
	connected := slices.DeleteFunc(slices.Clone(best), func(b *binding) bool { return !b.datagram.remote.IsValid() })
	if len(connected) > 0 {
		best = connected
	}
	switch len(best) {
	case 0:
		return nil
	case 1:
		return best[0].datagram
	}
	return best[h.network.rand.IntN(len(best))].datagram
}

// take puts a message where it can be received, and drops it if others fill the
// buffer.
func (d *datagram) take(m message) {
	if !d.closed && d.size <= d.options.receiveBuf {
		d.put(m)
	}
}

func (d *datagram) put(m message) {
	d.arrived = append(d.arrived, m)
	d.size += len(m.data)
	d.file.changed(poller.Read)
}

// refused is told when no socket was there for a message. Only a socket that is
// connected learns of it, or one that has asked for errors.
func (d *datagram) refused(to netip.AddrPort, by netip.Addr) {
	if d.closed || d.remote != to && !d.options.queueErrs {
		return
	}
	d.err = sysio.ErrRefused
	if d.options.queueErrs {
		d.errs = append(d.errs, sysio.QueuedError{Err: sysio.ErrRefused, Peer: to, From: d.mapped(by)})
	}
	d.file.changed(poller.Conditions)
}

// receiveError takes an error out of the queue. What is pending is the next one then.
func (d *datagram) receiveError() (sysio.QueuedError, error) {
	if len(d.errs) == 0 {
		return sysio.QueuedError{}, sysio.ErrAgain
	}
	e := d.errs[0]
	d.errs, d.err = d.errs[1:], nil
	if len(d.errs) > 0 && d.errs[0].From.IsValid() {
		d.err = d.errs[0].Err
	}
	return e, nil
}

func (d *datagram) pending() error {
	err := d.err
	d.err = nil
	return err
}

// receive returns the next message.
func (d *datagram) receive() (message, error) {
	if err := d.pending(); err != nil {
		return message{}, err
	}
	if len(d.arrived) == 0 {
		return message{}, sysio.ErrAgain
	}
	m := d.arrived[0]
	d.arrived = d.arrived[1:]
	d.size -= len(m.data)
	if d.other != nil {
		d.other.roomMade()
	}
	return m, nil
}
