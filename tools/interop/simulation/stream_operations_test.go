package simulation_test

import (
	"cmp"
	"errors"
	"os"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// maxConnects is how often an end tries to connect.
const maxConnects = 3

// operate does up to count things at random.
func (e *streamEnd) operate(count int) {
	for range e.rand.IntN(count + 1) {
		if e.operations == 0 || e.state > endOpen || e.scenario.closing || e.tick == nil {
			return
		}
		e.operations--
		operations := []func(){
			e.write, e.write, e.write, e.write, e.write, e.write, e.read, e.read, e.readNothing,
			e.enableAny, e.enableAny, e.disableAny, e.anyReadMark, e.anyWriteMark, e.anyTimeouts,
			e.anyLimit, e.joinGroup, e.leaveGroup, e.anySingle, e.anyPriority, e.changeCallbacks,
			e.trigger, e.reference, e.lock, e.flush, e.move, e.reseat, e.rebase, e.look, e.lookInto,
			e.freeze, e.watch, e.stashAny, e.stashAny, e.stashAny, e.stashAny,
			e.maybeCloseWrite, e.maybeEnd,
		}
		operations[e.rand.IntN(len(operations))]()
	}
}

// enable enables what may still go on.
func (e *streamEnd) enable(what event.What) {
	if e.ended || e.failed {
		what &^= event.Read
	}
	if e.broken || e.failed {
		what &^= event.Write
	}
	if what == 0 {
		return
	}
	if err := e.b.WriteErr(); err != nil && !errors.Is(err, bufferevent.ErrClosed) && what&event.Write != 0 {
		e.retried = true
	}
	if err := e.b.Enable(what); err != nil && !e.gone() {
		e.errorf("enable: %v", err)
	}
	if what&event.Read != 0 {
		e.timing()
		e.readSince, e.touchedAt = time.Now(), time.Now()
	}
}

// gone reports whether the stream has failed.
func (e *streamEnd) gone() bool { return e.failed || e.broken || e.ended || e.cut }

func (e *streamEnd) enableAny() {
	what := []event.What{event.Read, event.Write, event.Read | event.Write}[e.rand.IntN(3)]
	e.enable(what)
}

// disableAny disables a direction, and has it enabled later.
func (e *streamEnd) disableAny() {
	what := []event.What{event.Read, event.Write, event.Read | event.Write}[e.rand.IntN(3)]
	e.writeStuck = time.Time{}
	if err := e.b.Disable(what); err != nil && !e.gone() {
		e.errorf("disable: %v", err)
	}
	if e.b.Enabled()&what != 0 {
		e.errorf("disabled directions are enabled")
	}
}

func (e *streamEnd) anyReadMark() {
	high := 0
	if e.rand.IntN(3) > 0 {
		high = 1 + e.rand.IntN(1<<(4+e.rand.IntN(12)))
	}
	low := 0
	if e.rand.IntN(2) == 0 {
		low = e.rand.IntN(1 << (2 + e.rand.IntN(8)))
	}
	if high > 0 {
		low = min(low, high)
	}
	e.setReadMark(low, high)
}

func (e *streamEnd) setReadMark(low, high int) {
	e.low, e.high, e.readDue = low, high, time.Time{}
	e.bound = high
	if high > 0 && e.flushed() {
		e.bound = 0 // a flush goes beyond it
	}
	if high > 0 && e.bound > 0 {
		e.bound = max(high, e.b.Input().Len())
	}
	e.touchedAt = time.Now()
	if err := e.b.SetWatermark(event.Read, low, high); err != nil {
		e.errorf("set watermark: %v", err)
	}
	if l, h, err := e.b.Watermark(event.Read); l != low || h != high || err != nil {
		e.errorf("the watermarks are %d and %d, not %d and %d: %v", l, h, low, high, err)
	}
}

// flushed reports whether input may be more than its high watermark allows.
func (e *streamEnd) flushed() bool { return e.kind == kindPair || len(e.layers) > 0 }

func (e *streamEnd) anyWriteMark() {
	low := e.rand.IntN(1 << (2 + e.rand.IntN(10)))
	high := 0
	if e.rand.IntN(2) == 0 {
		high = low + 1 + e.rand.IntN(4000)
	}
	e.setWriteMark(low, high)
}

func (e *streamEnd) setWriteMark(low, high int) {
	e.lowWrite = low
	if err := e.b.SetWatermark(event.Write, low, high); err != nil {
		e.errorf("set watermark: %v", err)
	}
}

func (e *streamEnd) anyTimeouts() {
	d := func() time.Duration {
		if e.rand.IntN(3) == 0 {
			return 0
		}
		return time.Duration(1+e.rand.IntN(1<<(4+e.rand.IntN(10)))) * time.Millisecond
	}
	e.setTimeouts(d(), d())
}

func (e *streamEnd) setTimeouts(read, write time.Duration) {
	e.timing()
	e.readTimeout, e.writeTimeout = read, write
	e.readSince, e.writeSince, e.touchedAt = time.Now(), time.Now(), time.Now()
	e.writeStuck = time.Time{}
	e.note("timeouts %v %v", read, write)
	if err := e.b.SetTimeouts(read, write); err != nil {
		e.errorf("set timeouts: %v", err)
	}
	if r, w := e.b.Timeouts(); r != read || w != write {
		e.errorf("the timeouts are %v and %v, not %v and %v", r, w, read, write)
	}
}

func (e *streamEnd) anySingle() {
	read, write := e.rand.IntN(1<<(1+e.rand.IntN(16))), e.rand.IntN(1<<(1+e.rand.IntN(16)))
	err := errors.Join(e.b.SetMaxSingleRead(read), e.b.SetMaxSingleWrite(write))
	if (err != nil) != (e.kind == kindPair) {
		e.errorf("set the sizes of single reads and writes: %v", err)
	}
	if err != nil {
		return
	}
	read, write = cmp.Or(read, bufferevent.DefaultMaxSingleRead), cmp.Or(write, bufferevent.DefaultMaxSingleWrite)
	if r, w := e.b.MaxSingleRead(), e.b.MaxSingleWrite(); r != read || w != write {
		e.errorf("single reads and writes have up to %d and %d bytes, not %d and %d", r, w, read, write)
	}
}

func (e *streamEnd) anyPriority() {
	priority := e.rand.IntN(e.base.Priorities())
	err := e.b.SetPriority(priority)
	switch {
	case errors.Is(err, event.ErrPending): // while one of its events is active
	case (err != nil) != (e.kind == kindPair):
		e.errorf("set priority: %v", err)
	case err == nil && e.b.Priority() != priority:
		e.errorf("the priority is %d, not %d", e.b.Priority(), priority)
	}
}

// changeCallbacks replaces the callbacks, perhaps by none for data.
func (e *streamEnd) changeCallbacks() {
	e.readDeaf, e.writeDeaf = e.rand.IntN(5) == 0, e.rand.IntN(3) == 0
	e.setCallbacks()
}

func (e *streamEnd) trigger() {
	var opts bufferevent.TriggerOptions
	if e.depth > 0 || e.rand.IntN(2) == 0 {
		opts |= bufferevent.TrigDeferCallbacks
	}
	if e.rand.IntN(2) == 0 {
		opts |= bufferevent.TrigIgnoreWatermarks
	}
	e.triggered, e.triggeredAt = true, time.Now()
	e.b.Trigger([]event.What{event.Read, event.Write, event.Read | event.Write}[e.rand.IntN(3)], opts)
}

// reference takes a reference, or gives one up that is not the last.
func (e *streamEnd) reference() {
	if e.refs > 0 {
		e.refs--
		if e.b.DecRef() {
			e.errorf("the last reference has gone early")
		}
		return
	}
	e.refs++
	e.b.IncRef()
}

func (e *streamEnd) lock() {
	e.b.Lock()
	e.write()
	e.b.Unlock()
}

func (e *streamEnd) flush() {
	mode := []bufferevent.FlushMode{bufferevent.ModeNormal, bufferevent.ModeFlush}[e.rand.IntN(2)]
	what := []event.What{event.Read, event.Write, event.Read | event.Write}[e.rand.IntN(3)]
	if e.depth > 0 && len(e.layers) > 0 {
		what = event.Write
	}
	moved, err := e.b.Flush(what, mode)
	switch {
	case e.kind == kindSocket && len(e.layers) == 0 && (moved || err != nil):
		e.errorf("flushing a socket: %v, %v", moved, err)
	case err != nil && e.kind == kindSocket && !e.gone() && e.fails == nil:
		e.errorf("flush: %v", err)
	}
}

// look asks a bufferevent about itself.
func (e *streamEnd) look() {
	e.lookAtLimits()
	read, write, onEvent := e.b.Callbacks()
	switch {
	case (read == nil) != e.readDeaf, (write == nil) != e.writeDeaf, onEvent == nil:
		e.errorf("other callbacks than were set")
	case e.b.Base() != e.base:
		e.errorf("another base")
	case e.kind == kindSocket && e.state == endOpen && !e.b.Connected():
		e.errorf("not connected")
	case e.kind == kindPair && e.b.FD() >= 0, e.kind == kindSocket && e.state == endOpen && e.b.FD() < 0:
		e.errorf("the descriptor is %d", e.b.FD())
	case e.ended && e.b.ReadErr() == nil, e.closed && e.b.WriteErr() == nil:
		e.errorf("the errors are %v and %v after the end", e.b.ReadErr(), e.b.WriteErr())
	case !e.closed && !e.broken && e.b.WriteErr() != nil && e.peerLives() && e.scenario.faults.Reset == 0 && e.fails == nil:
		e.errorf("writing has failed, and no event has told: %v", e.b.WriteErr())
	case e.b.Unsent() < e.b.Output().Len():
		e.errorf("%d bytes are unsent, %d of them in the output", e.b.Unsent(), e.b.Output().Len())
	}
}

func (e *streamEnd) peerLives() bool {
	return e.peer != nil && e.peer.state < endDraining && !e.scenario.abused && !e.peer.failed
}

func (e *streamEnd) maybeCloseWrite() {
	if e.rand.IntN(4) == 0 && !e.closed && e.state == endOpen && !e.broken {
		e.closeWrite()
	}
}

func (e *streamEnd) closeWrite() {
	if e.rand.IntN(2) == 0 {
		e.dispatch()
	}
	if e.closed || e.state > endClosing { // what it has called has ended the stream
		return
	}
	e.giveBack()
	err := e.b.CloseWrite()
	e.closed = true
	e.note("close write: %v", err)
	gone := e.kind == kindPair && e.scenario.root(e.b).Partner() == nil
	if err != nil && !gone && !e.gone() && e.peerLives() && e.scenario.faults.Reset == 0 {
		e.errorf("close write: %v", err)
	}
}

// maybeEnd ends the stream in the middle.
func (e *streamEnd) maybeEnd() {
	switch {
	case e.rand.IntN(12) > 0 || e.state != endOpen:
	case e.rand.IntN(2) == 0:
		e.free()
	default:
		e.drain()
	}
}

// free ends the stream at once: what the output has is never sent.
func (e *streamEnd) free() {
	e.note("free with %d unsent", e.b.Unsent())
	e.over(endOver)
	e.lose()
	for ; e.refs > 0; e.refs-- {
		e.b.DecRef()
	}
	e.b.Free()
	if e.depth == 0 { // a callback of its own has a reference
		if _, err := e.b.Write([]byte("x")); !errors.Is(err, bufferevent.ErrFreed) {
			e.errorf("a write after Free has the error %v", err)
		}
	}
	e.scenario.left--
}

// lose notes that what is unsent never will be.
func (e *streamEnd) lose() {
	if len(e.layers) > 0 || e.state == endConnecting || e.greeting > 0 && e.sent() < int64(e.greeting) {
		e.cut = true
		return
	}
	e.out.Return(e.b.Unsent())
}

// over notes that no callback comes any more.
func (e *streamEnd) over(state endState) {
	e.leaveGroup()
	e.unwatch()
	e.emptyStash()
	e.limit = nil
	e.calls.Freed()
	e.tick.Free()
	e.state = state
}

// drain ends the stream in order.
func (e *streamEnd) drain() {
	for ; e.refs > 0; e.refs-- {
		e.b.DecRef()
	}
	if !e.closed && !e.broken {
		e.dispatch()
	}
	if e.state > endClosing { // what it has called has ended the stream
		return
	}
	if e.limit != nil && e.b.Unsent() > 1000 { // which may take hours
		e.setLimit(nil)
	}
	timeout := time.Duration(e.rand.IntN(3)*e.rand.IntN(40)) * time.Second
	limit := timeout
	if timeout <= 0 {
		limit = bufferevent.DefaultDrainTimeout
	}
	if e.writeTimeout > 0 && e.writeTimeout < limit {
		limit = time.Until(e.writeSince.Add(e.writeTimeout)) // it goes on to run
	}
	e.note("drain %v with %d unsent", limit, e.b.Unsent())
	began, called := time.Now(), false
	e.over(endDraining)
	if e.rand.IntN(5) == 0 {
		e.b.FreeWhenWritten(timeout)
		e.cut = true
		e.state = endOver
		e.scenario.left--
		return
	}
	e.b.FreeWhenWrittenFunc(timeout, func(err error) {
		if called {
			e.errorf("FreeWhenWritten ends twice")
		}
		called = true
		e.drained(err, began, limit)
	})
}

// drained is the end of drain.
func (e *streamEnd) drained(err error, began time.Time, limit time.Duration) {
	e.scenario.world.Note("%s: drained: %v", e.name, err)
	switch {
	case err == nil && e.b.Unsent() > 0:
		e.errorf("drained with %d bytes unsent", e.b.Unsent())
	case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(began) < limit:
		e.errorf("draining has timed out after %v, not %v", time.Since(began), limit)
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !e.gone() && e.peerLives() && e.scenario.faults.Reset == 0 && e.fails == nil:
		e.errorf("draining has failed for no reason: %v", err)
	}
	if err != nil {
		e.cut = true
	}
	if e.state == endDraining {
		e.state = endOver
		e.scenario.left--
	}
}
