package bufferevent

import (
	"io"
	"strings"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A DataCallback is told that there is data to read, or that the output buffer
// has drained. It runs on the loop's goroutine and may do anything to b and any
// other bufferevent, freeing them included (bufferevent_data_cb).
type DataCallback func(b *Bufferevent)

// An EventCallback is told of a connection made, an end of the stream, an error
// or a timeout; what says which, and in which direction. It may do what a
// DataCallback may (bufferevent_event_cb).
type EventCallback func(b *Bufferevent, what Events)

// Events is what an EventCallback is told.
type Events uint16

const (
	// EventReading says that it happened while reading (BEV_EVENT_READING).
	EventReading Events = 0x01
	// EventWriting says that it happened while writing (BEV_EVENT_WRITING).
	EventWriting Events = 0x02
	// EventEOF says that the peer has ended its stream. A socket's reading is
	// disabled then; writing goes on (BEV_EVENT_EOF).
	EventEOF Events = 0x10
	// EventError says that something has failed, see Err. The direction is
	// disabled (BEV_EVENT_ERROR).
	EventError Events = 0x20
	// EventTimeout says that a timeout has passed. The direction is disabled
	// (BEV_EVENT_TIMEOUT).
	EventTimeout Events = 0x40
	// EventConnected says that the connection is made (BEV_EVENT_CONNECTED).
	EventConnected Events = 0x80
)

// String lists the events, such as "reading|EOF".
func (e Events) String() string {
	names := []struct {
		bit  Events
		name string
	}{
		{EventReading, "reading"}, {EventWriting, "writing"}, {EventEOF, "EOF"},
		{EventError, "error"}, {EventTimeout, "timeout"}, {EventConnected, "connected"},
	}
	var set []string
	for _, n := range names {
		if e&n.bit != 0 {
			set = append(set, n.name)
		}
	}
	return strings.Join(set, "|")
}

// TriggerOptions change how Trigger and TriggerEvent run callbacks.
type TriggerOptions uint8

const (
	// TrigDeferCallbacks has the loop run the callbacks
	// (BEV_TRIG_DEFER_CALLBACKS).
	TrigDeferCallbacks TriggerOptions = 1 << iota
	// TrigIgnoreWatermarks runs the callbacks whatever the watermarks say
	// (BEV_TRIG_IGNORE_WATERMARKS).
	TrigIgnoreWatermarks
)

// callbacks are the user's; any of them may be nil.
type callbacks struct {
	read, write DataCallback
	event       EventCallback
}

// SetCallbacks sets the functions to be called when data has arrived, when the
// output buffer has drained, and when something else happens; nil is none
// (bufferevent_setcb).
func (b *Bufferevent) SetCallbacks(read, write DataCallback, event EventCallback) {
	b.lock()
	defer b.unlock()
	if b.freed || b.drain != notDraining {
		return
	}
	b.callbacks = callbacks{read, write, event}
	if b.rare != nil {
		b.rare.above = nil
	}
}

// Callbacks returns what was set with SetCallbacks (bufferevent_getcb).
func (b *Bufferevent) Callbacks() (read, write DataCallback, event EventCallback) {
	b.lock()
	defer b.unlock()
	return b.callbacks.read, b.callbacks.write, b.callbacks.event
}

// Trigger runs the read callback, the write callback or both, as what says, if
// the watermarks allow it or opts ignores them (bufferevent_trigger).
func (b *Bufferevent) Trigger(what event.What, opts TriggerOptions) {
	if b.begin() {
		defer b.end()
		b.trigger(what, opts)
	}
}

// TriggerEvent runs the event callback as if what had happened. err is what Err returns
// from now on, and why the direction or stream that what says is ended cannot be used
// any more; with nil, nothing but the callback is affected (bufferevent_trigger_event).
func (b *Bufferevent) TriggerEvent(what Events, err error, opts TriggerOptions) {
	if !b.begin() {
		return
	}
	defer b.end()
	if err != nil {
		b.noteError(what, err)
	}
	b.runEvent(what, err, opts)
}

// report notes what happened, and the error that Err returns from now on unless it is
// nil, and tells the user.
func (b *Bufferevent) report(what Events, err error, opts TriggerOptions) {
	b.noteError(what, err)
	b.runEvent(what, err, opts)
}

func (b *Bufferevent) noteError(what Events, err error) {
	if err != nil {
		b.err = err
	}
	switch what.Outcome() {
	case Failed:
		if err != nil && !b.failed {
			b.rareFields().failedBy = err
		}
		b.failed = true
	case ConnectionMade:
		b.failed = false
	}
	if what&(EventEOF|EventReading) == EventEOF|EventReading {
		b.sawEOF = true
	}
	if what&(EventError|EventWriting) == EventError|EventWriting {
		if err != nil && !b.brokenWrite {
			b.rareFields().brokenBy = err
		}
		b.brokenWrite = true
		b.output.Freeze(evbuffer.Back)
	}
}

// DeferCallbacks has the loop run the callbacks from now on, as the option of that name:
// for what takes a stream that others have made, and would see half of its own effect in
// a callback within a call. It changes nothing where callbacks come from the loop anyway,
// as those of a socket do.
func (b *Bufferevent) DeferCallbacks() {
	if _, ok := own[LoopCaller](b); !ok {
		b.alwaysDefer()
	}
}

// RepeatEnd has the loop report the end of the stream once more that was reported before,
// in order, to other callbacks: for what hands a stream on. It does nothing where reading
// finds the end again once it is enabled, as that of a socket does.
func (b *Bufferevent) RepeatEnd() {
	if b.begin() {
		defer b.end()
		b.repeatEnd()
	}
}

// repeatEnd is RepeatEnd without taking the lock and a reference.
func (b *Bufferevent) repeatEnd() {
	const end = EventEOF | EventReading
	r, ok := b.transport.(Rereader)
	if !b.sawEOF || ok && r.EndsAgain() || b.eventPending(end) {
		return
	}
	b.report(end, io.EOF, TrigDeferCallbacks)
}

// alwaysDefer is DeferCallbacks for any transport.
func (b *Bufferevent) alwaysDefer() {
	b.lock()
	b.options |= DeferCallbacks
	b.unlock()
}

// beginAnew forgets what has happened to another descriptor.
func (b *Bufferevent) beginAnew() {
	if b.brokenWrite || b.closedWrite {
		b.output.Unfreeze(evbuffer.Back)
	}
	b.err, b.brokenWrite, b.closedWrite, b.sawEOF, b.failed = nil, false, false, false, false
	if b.rare != nil {
		b.rare.brokenBy, b.rare.failedBy, b.rare.told = nil, nil, nil
	}
	b.dropEvents()
}

// trigger is Trigger without taking the lock and a reference.
func (b *Bufferevent) trigger(what event.What, opts TriggerOptions) {
	anyway := opts&TrigIgnoreWatermarks != 0
	if what&event.Read != 0 && (anyway || b.input.Len() >= b.bounds.readMark.low || b.layerBounded()) {
		b.runRead(opts)
	}
	if what&event.Write != 0 && (anyway || b.outputLow()) {
		b.runWrite(opts)
	}
}

// outputLow reports whether the output is at its low watermark, for a transport
// above not counting what only waits for more from there.
func (b *Bufferevent) outputLow() bool {
	if x := b.rare; x != nil && x.above != nil {
		return b.outputToWrite() <= max(b.bounds.writeMark.low, int(x.outLow))
	}
	return b.output.Len() <= b.bounds.writeMark.low
}

// layerBounded reports whether a transport above has bounds of its own, so that it is
// called for whatever arrives.
func (b *Bufferevent) layerBounded() bool { return b.rare != nil && b.rare.bounded }

func (b *Bufferevent) defers(opts TriggerOptions) bool {
	return b.options&DeferCallbacks != 0 || opts&TrigDeferCallbacks != 0
}

func (b *Bufferevent) runRead(opts TriggerOptions) {
	if b.defers(opts) {
		b.pending.read = true
		b.deferCallbacks()
		return
	}
	if fn := b.callbacks.read; fn != nil {
		before := b.input.Len()
		fn(b)
		b.readAgain(before)
	}
}

func (b *Bufferevent) runWrite(opts TriggerOptions) {
	if b.defers(opts) {
		b.pending.write = true
		b.deferCallbacks()
		return
	}
	if fn := b.callbacks.write; fn != nil {
		fn(b)
	}
}

// runEvent runs the event callback, but not before those of events that wait
// already. An event without a callback waits for the loop, as the caller of the
// method that has caused it may set one. err is the error of this event alone, or
// nil.
func (b *Bufferevent) runEvent(what Events, err error, opts TriggerOptions) {
	fn := b.callbacks.event
	switch {
	case b.freed:
	case fn == nil || b.defers(opts) || b.eventsPending():
		b.deferEvent(what, err)
	default:
		fn(b, what)
	}
}

// readAgain has the read callback run again if it has taken something, but not
// enough for the reading to go on: nothing else would call it. One that has
// taken nothing is not asked again, as it would be in C, or the loop would spin.
func (b *Bufferevent) readAgain(before int) {
	high := b.inputHigh()
	if high == 0 || b.freed || b.enabled&event.Read == 0 {
		return
	}
	if n := b.input.Len(); n >= high && n < before {
		b.trigger(event.Read, TrigDeferCallbacks)
	}
}
