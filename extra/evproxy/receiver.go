package evproxy

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A Receiver reads the headers in front of streams. It belongs to a base, and is used on
// the goroutine of its loop.
type Receiver struct {
	base    *event.Base
	cfg     Config
	waiting []*reception
	unhook  func() bool
	freed   bool
}

// A Func is called once for each stream: when the header has come, with it; for a peer that
// connects directly, see Config.Direct, with nil; or with the reason why there is
// none, and then the stream is freed as soon as the function returns.
//
// A stream whose header has come has no callbacks and is not read, as a new one. What
// follows the header may be in its input already: if something is there after the
// function, and reading is enabled, the loop runs the read callback for it. PeerAddr and
// NetAddrs of the stream are what the header says, if it does.
//
// Only streams whose base is freed before their header has come end without a call.
type Func func(b *bufferevent.Bufferevent, h *Header, err error)

// A reception is a stream whose header has not come yet.
type reception struct {
	receiver *Receiver
	stream   *bufferevent.Bufferevent
	remote   net.Addr // of the connection itself, which one that is reset has no more
	done     Func
	timer    event.Event
	place    int // in receiver.waiting
}

// NewReceiver makes a receiver. The error wraps ErrConfig or event.ErrNil.
func NewReceiver(base *event.Base, cfg *Config) (*Receiver, error) {
	const op = "new receiver"
	if base == nil || cfg == nil {
		return nil, opError(op, event.ErrNil)
	}
	own, err := cfg.check()
	if err != nil {
		return nil, opError(op, err)
	}
	r := &Receiver{base: base, cfg: own}
	r.unhook = base.AfterFree(r.forget)
	return r, nil
}

// Waiting returns how many streams have not brought their header yet.
func (r *Receiver) Waiting() int { return len(r.waiting) }

// Free ends all streams whose header has not come, with ErrClosed. Receive and Accept
// fail from now on.
func (r *Receiver) Free() {
	if r.freed {
		return
	}
	r.freed = true
	r.unhook()
	for len(r.waiting) > 0 {
		r.waiting[len(r.waiting)-1].fail(ErrClosed)
	}
}

// forget is called when the base was freed: nothing will come any more.
func (r *Receiver) forget() {
	r.freed = true
	for _, p := range r.waiting {
		p.stream.Free()
	}
	r.waiting = nil
}

// Receive reads the header in front of what comes from a stream of the receiver's base,
// which may be connected yet, and calls done, perhaps before it returns. The stream
// belongs to the receiver until then: its callbacks are taken away, and its high watermark
// for reading must leave room for a header. If Receive fails, the stream is freed, and done
// not called. The errors are ErrClosed and event.ErrNil.
func (r *Receiver) Receive(b *bufferevent.Bufferevent, done Func) error {
	const op = "receive"
	if b == nil || done == nil {
		return opError(op, event.ErrNil)
	}
	if r.freed {
		b.Free()
		return opError(op, ErrClosed)
	}
	local, remote := b.NetAddrs()
	return r.receive(b, local, remote, done)
}

// receive is Receive for a stream between known addresses.
func (r *Receiver) receive(b *bufferevent.Bufferevent, local, remote net.Addr, done Func) error {
	p := &reception{receiver: r, stream: b, remote: remote, done: done, place: len(r.waiting)}
	if !r.cfg.Trust(local, remote) {
		p.untrusted()
		return nil
	}
	p.timer.Data = p
	err := p.timer.AssignTimer(r.base, onTimeout)
	if err == nil {
		err = p.timer.AddTimeout(r.cfg.Timeout)
	}
	if err != nil {
		b.Free()
		return opError("receive", err)
	}
	r.waiting = append(r.waiting, p)
	b.SetCallbacks(p.onRead, nil, p.onEvent)
	if b.Input().Len() > 0 {
		p.onRead(b)
	}
	if p.place < 0 {
		return nil
	}
	if err := b.Enable(event.Read); err != nil {
		p.remove()
		b.Free()
		return opError("receive", err)
	}
	return nil
}

// untrusted ends, or lets pass, a stream whose peer is not trusted.
func (p *reception) untrusted() {
	if p.receiver.cfg.Direct {
		p.handOver(nil)
		return
	}
	p.end(ErrUntrusted)
}

// Accept is Receive for a socket that a listener has accepted from a peer, which the system
// does not know any more if the peer has reset the connection meanwhile. The socket belongs to
// the receiver from the call on. If Accept fails, it is closed.
func (r *Receiver) Accept(fd int, peer netip.AddrPort, done Func) error {
	const op = "accept"
	if done == nil {
		return opError(op, event.ErrNil)
	}
	if r.freed {
		_ = evutil.CloseSocket(fd) // nothing was sent that could be lost
		return opError(op, ErrClosed)
	}
	b, err := bufferevent.NewSocket(r.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		return opError(op, err)
	}
	local, remote := b.NetAddrs()
	if peer.IsValid() {
		remote = net.TCPAddrFromAddrPort(peer)
	}
	return r.receive(b, local, remote, done)
}

func (p *reception) onRead(b *bufferevent.Bufferevent) {
	h, err := p.take()
	switch {
	case err == ErrIncomplete:
	case err != nil:
		p.fail(err)
	default:
		p.finish(h)
	}
}

// take takes the header from the input.
func (p *reception) take() (*Header, error) {
	in, cfg := p.stream.Input(), &p.receiver.cfg
	head, err := in.Pullup(min(in.Len(), maxLine))
	if err != nil {
		return nil, err
	}
	n, err := size(head)
	switch {
	case err != nil:
		return nil, err
	case len(head) > 0 && cfg.Versions&versionOf(head) == 0:
		return nil, ErrVersion
	case n > cfg.MaxSize:
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLong, n, cfg.MaxSize)
	case n == 0 || n > in.Len():
		return nil, ErrIncomplete
	}
	if head, err = in.Pullup(n); err != nil {
		return nil, err
	}
	h, err := parse(head)
	if err != nil {
		return nil, err
	}
	return h, in.Drain(n)
}

func versionOf(head []byte) Versions {
	if head[0] == line[0] {
		return Version1
	}
	return Version2
}

// finish hands the stream over.
func (p *reception) finish(h *Header) {
	b := p.stream
	p.remove()
	err := b.Disable(event.Read)
	if err == nil && h.Source != nil {
		err = b.SetAddrs(h.Destination, h.Source)
	}
	if err != nil {
		p.end(err)
		return
	}
	p.handOver(h)
}

func (p *reception) handOver(h *Header) {
	b := p.stream
	b.SetCallbacks(nil, nil, nil)
	p.done(b, h, nil)
	if b.Enabled()&event.Read != 0 && b.Input().Len() > 0 {
		b.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
	}
}

func (p *reception) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		p.fail(io.ErrUnexpectedEOF)
	case bufferevent.TimedOut:
		p.fail(ErrTimeout)
	case bufferevent.OutputFailed, bufferevent.Failed:
		p.fail(b.Err())
	}
}

func onTimeout(ev *event.Event, _ event.What) { ev.Data.(*reception).fail(ErrTimeout) }

// fail ends the stream.
func (p *reception) fail(err error) {
	p.remove()
	p.end(err)
}

func (p *reception) end(err error) {
	b := p.stream
	b.SetCallbacks(nil, nil, nil)
	p.done(b, nil, p.error(err))
	b.Free()
}

// remove takes it from those that wait.
func (p *reception) remove() {
	r := p.receiver
	last := r.waiting[len(r.waiting)-1]
	r.waiting[p.place] = last
	last.place = p.place
	r.waiting = r.waiting[:len(r.waiting)-1]
	p.place = -1
	p.timer.Free()
}

// error names the peer of a stream that has no header.
func (p *reception) error(err error) error {
	if _, ok := addrPort(p.remote); ok {
		return fmt.Errorf("evproxy: receive from %v: %w", p.remote, err)
	}
	return opError("receive", err)
}
