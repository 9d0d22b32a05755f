package bufferevent

import (
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
)

// rare has the fields that few bufferevents need.
type rare struct {
	guard       evthread.Guard
	deferral    event.Deferred
	events      []pendingEvent // that are deferred
	limit       *limiter       // or nil
	above       Transport      // that has the callbacks, or nil
	orphaned    func()         // is called when a pair's half loses its partner, or nil
	corkedAt    int            // the length of the output when that began
	heldIn      int            // of the input that waits for more, see holdInput
	heldOut     int            // of the output, see holdOutput
	waitedBelow int            // unsent there when the timeout for writing began
	lent        time.Duration  // the write timeout of the transport above
	drain       *drainWait     // or nil
	brokenBy    error          // why nothing can be written, or nil
	failedBy    error          // why both directions have ended, or nil
	peerName    string         // of the host, see NamePeer
	dial        *dialSettings  // or nil
	told        *addrs         // by SetAddrs, or nil

	inHigh, outLow int32 // bounds of the transport above, see Lower.SetBounds

	corked     bool       // additions to the output are to be noticed later
	roomWanted bool       // the transport above waits for room in the output
	bounded    bool       // the transport above has bounds of its own
	expired    event.What // what a timeout has disabled, for the transport above
}

// dialSettings is what connecting needs, or leaves, beside the connection.
type dialSettings struct {
	local  netip.AddrPort // of sockets to be made, or zero
	dnsErr error          // why the last host name could not be looked up, or nil
}

// dialSettings returns the settings, which it makes if there are none.
func (b *Bufferevent) dialSettings() *dialSettings {
	x := b.rareFields()
	if x.dial == nil {
		x.dial = new(dialSettings)
	}
	return x.dial
}

func (b *Bufferevent) rareFields() *rare {
	if b.rare == nil {
		b.rare = new(rare)
	}
	return b.rare
}

// IncRef adds a reference, which keeps the bufferevent from being freed until
// DecRef. It is too late once the last one has gone (bufferevent_incref).
func (b *Bufferevent) IncRef() {
	b.lock()
	defer b.unlock()
	b.retain()
}

// retain adds a reference, but not to what was destroyed.
func (b *Bufferevent) retain() bool {
	if b.refs == 0 {
		return false
	}
	b.refs++
	return true
}

// DecRef gives up a reference, and reports whether that was the last one: then
// the bufferevent is freed, without a callback (bufferevent_decref).
func (b *Bufferevent) DecRef() bool {
	b.lock()
	return b.end()
}

// Free takes the callbacks away and gives up the reference that the bufferevent
// was made with. With the last reference, everything ends at once: what is in
// the buffers is dropped, and with CloseOnFree the descriptor is closed or the
// underlying bufferevent freed. Callbacks, its own too, may free a bufferevent;
// no callback of it runs after that. Free it once; see FreeWhenWritten for an end
// in order (bufferevent_free).
func (b *Bufferevent) Free() {
	b.lock()
	if b.freed || b.refs == 0 {
		b.unlock()
		return
	}
	b.freed = true
	b.callbacks = callbacks{}
	b.end()
}

// begin takes the lock and a reference, unless the bufferevent was freed.
func (b *Bufferevent) begin() bool {
	b.lock()
	if b.retain() {
		return true
	}
	b.unlock()
	return false
}

// end gives up a reference and the lock, and reports whether the reference was
// the last one.
func (b *Bufferevent) end() bool {
	if b.refs == 1 {
		b.refs = 0
		b.destroy()
		return true
	}
	b.refs = max(b.refs-1, 0)
	b.unlock()
	return false
}

// destroy ends everything, and gives up the lock.
func (b *Bufferevent) destroy() {
	b.freed = true
	b.callbacks = callbacks{}
	b.input.Own(nil)
	b.output.Own(nil)
	b.transport.Unlink()
	if b.write != nil {
		b.write.Free()
	}
	b.input.Retire()
	b.output.Retire()
	b.read.Free()
	if x := b.rare; x != nil {
		x.limit.remove(b)
		x.deferral.Cancel()
		x.drain.stop()
	}
	b.unlock()
}
