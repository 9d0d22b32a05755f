package bufferevent

import (
	"io"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// pair is the transport of one of two halves: what one writes, the other reads,
// without a descriptor, and without copying.
type pair struct {
	bev       Bufferevent
	partner   *pair      // nil once that was freed
	reported  event.What // the directions whose end was reported to the partner
	finishing bool       // a flush has said that nothing follows what is in the output
}

// NewPair makes two connected bufferevents. Their callbacks are always deferred,
// for one would call the other otherwise, and so on. With ThreadSafe they share
// a lock. The errors are those of Init (bufferevent_pair_new).
func NewPair(base *event.Base, opts Options) (*Bufferevent, *Bufferevent, error) {
	first, err := newHalf(base, opts|DeferCallbacks)
	if err != nil {
		return nil, nil, err
	}
	second, err := newHalf(base, (opts|DeferCallbacks)&^ThreadSafe)
	if err == nil && first.bev.locked() {
		err = second.bev.share(first.bev.rare.guard)
	}
	if err != nil {
		first.bev.Free()
		return nil, nil, err
	}
	first.partner, second.partner = second, first
	return &first.bev, &second.bev, nil
}

func newHalf(base *event.Base, opts Options) (*pair, error) {
	p := new(pair)
	if err := p.bev.init(base, p, opts); err != nil {
		return nil, err
	}
	if err := p.bev.useTimers(); err != nil {
		return nil, opError("new pair", err)
	}
	return p, nil
}

func (p *pair) String() string { return "pair" }

// Partner returns the other half of a pair, or nil if that was freed, or if this
// is no pair (bufferevent_pair_get_partner).
func (b *Bufferevent) Partner() *Bufferevent {
	b.lock()
	defer b.unlock()
	return b.partner()
}

func (b *Bufferevent) partner() *Bufferevent {
	if p, ok := b.transport.(Partnered); ok {
		return p.Partner()
	}
	return nil
}

// Partner implements Partnered.
func (p *pair) Partner() *Bufferevent {
	if p.partner == nil {
		return nil
	}
	return &p.partner.bev
}

// Enable implements Transport: what waits on either side may go over now.
func (p *pair) Enable(what event.What) error {
	p.bev.restartTimeouts(what)
	if other := p.partner; other != nil && what&event.Read != 0 && other.canTransferTo(p) {
		other.transfer(p, false)
	}
	if other := p.partner; other != nil && what&event.Write != 0 {
		if p.canTransferTo(other) {
			p.transfer(other, false)
		}
		p.endIfDone()
	}
	return nil
}

// Disable implements Transport.
func (p *pair) Disable(what event.What) error {
	p.bev.stopTimeouts(what)
	return nil
}

// OutputAdded implements Transport.
func (p *pair) OutputAdded() {
	switch other := p.partner; {
	case other == nil:
	case p.canTransferTo(other):
		p.transfer(other, false)
	default:
		p.awaitPartner()
	}
}

// awaitPartner starts the timeout for writing, unless it runs already.
func (p *pair) awaitPartner() {
	if w := p.bev.write; w == nil || w.Pending(event.Timeout) == 0 {
		p.bev.restartTimeouts(event.Write)
	}
}

// InputRemoved implements Transport.
func (p *pair) InputRemoved() {}

// TimeoutsChanged implements Transport.
func (p *pair) TimeoutsChanged() { p.bev.restartTimeouts(both) }

func (p *pair) canTransferTo(to *pair) bool {
	return p.bev.wants(event.Write) && to.bev.wants(event.Read) && p.bev.output.Len() > 0
}

// transfer moves what p has written to what the other half reads, as far as its
// high watermark goes; with all, beyond that if it is there already. It tells
// both users. Callbacks of the buffers may free either half meanwhile.
func (p *pair) transfer(to *pair, all bool) {
	if !p.bev.begin() {
		return
	}
	defer p.bev.end()
	if !to.bev.begin() {
		return
	}
	defer to.bev.end()
	from := &p.bev
	n := from.output.Len()
	if room := to.bev.inputRoom(); room >= 0 && !(all && room == 0) {
		n = min(n, room)
	}
	n = p.move(to, n)
	if n > 0 {
		p.reported &^= event.Write // what was finished by a flush goes on
		to.reported &^= event.Read
		to.bev.sawEOF = false
		to.bev.restartTimeouts(event.Read)
		p.bev.restartTimeouts(event.Write)
	}
	to.bev.trigger(event.Read, 0)
	p.bev.trigger(event.Write, 0)
	p.endIfDone()
}

// move moves n bytes to what the other half reads.
func (p *pair) move(to *pair, n int) int {
	output, input := &p.bev.output, &to.bev.input
	output.Unfreeze(evbuffer.Front)
	defer output.Freeze(evbuffer.Front) // a callback of the buffers may panic
	input.Unfreeze(evbuffer.Back)
	defer input.Freeze(evbuffer.Back)
	n, _ = output.RemoveBuffer(&input.Buffer, n) // fails if a user has frozen its end: then nothing moves
	return n
}

// Flush implements Transport.
func (p *pair) Flush(what event.What, mode FlushMode) (bool, error) {
	other := p.partner
	if other == nil {
		return false, opError("flush", ErrNoPartner)
	}
	if mode == ModeNormal {
		return false, nil
	}
	before := p.bev.output.Len() + other.bev.output.Len()
	if what&event.Read != 0 {
		other.transfer(p, true)
	}
	if what&event.Write != 0 {
		p.transfer(other, true)
	}
	if mode == ModeFinished {
		if what&event.Write != 0 && p.bev.output.Len() > 0 { // there is no room for it
			p.finishing = true
			what &^= event.Write
		}
		p.reportEnd(what)
	}
	return p.bev.output.Len()+other.bev.output.Len() < before, nil
}

// reportEnd reports to the other half that the directions in what have ended, unless
// that was reported.
func (p *pair) reportEnd(what event.What) {
	what &^= p.reported
	if what == 0 || p.partner == nil {
		return
	}
	p.reported |= what
	p.finishing = p.finishing && what&event.Write == 0
	events := EventEOF
	if what&event.Read != 0 {
		events |= EventWriting
	}
	if what&event.Write != 0 {
		events |= EventReading
	}
	p.partner.bev.report(events, io.EOF, 0)
}

// CloseWrite implements WriteCloser.
func (p *pair) CloseWrite() error {
	if p.partner == nil {
		return opError("close write", ErrNoPartner)
	}
	p.endIfDone()
	return nil
}

// EndWriting implements Ender. What the other half has no room for, or does not
// read, waits until it does.
func (p *pair) EndWriting() {
	switch {
	case p.partner == nil && p.bev.output.Len() > 0:
		p.bev.report(EventWriting|EventError, opError("write", ErrNoPartner), 0)
	case p.partner == nil:
		p.bev.writeEnded()
	default:
		p.endIfDone()
	}
}

// endIfDone tells the other half that nothing more comes, after CloseWrite or a
// flush that has said so, and once everything has gone over.
func (p *pair) endIfDone() {
	if !p.bev.closedWrite && !p.finishing || p.partner == nil || p.bev.output.Len() > 0 {
		return
	}
	if p.reported&event.Write == 0 {
		p.reportEnd(event.Write)
		p.partner.bev.lastAfterRead()
	}
	if p.bev.closedWrite {
		p.bev.writeEnded()
	}
}

// Unlink implements Transport. Users of the partner find out when they write, as in
// libevent; a Conn and FreeWhenWritten, which wait for it, are told.
func (p *pair) Unlink() {
	other := p.partner
	if other == nil {
		return
	}
	x := other.bev.rareFields()
	x.brokenBy = ErrNoPartner
	other.partner, p.partner = nil, nil
	if x.orphaned != nil {
		x.orphaned()
	}
}

// whenOrphaned has fn called when the half of a pair that b stands on, if it does, loses its
// partner, at once if it has none any more. It requires the lock.
func (b *Bufferevent) whenOrphaned(fn func()) {
	low := b.lowest()
	switch p, ok := low.transport.(Partnered); {
	case !ok:
	case p.Partner() == nil:
		fn()
	default:
		low.rareFields().orphaned = fn
	}
}
