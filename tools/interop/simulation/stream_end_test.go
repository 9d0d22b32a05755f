package simulation_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// A streamEnd is one end of a stream: a program that writes and reads and does
// everything else that can be done to a bufferevent, and beside it what is known of
// the stream.
type streamEnd struct {
	scenario *streamScenario
	link     *streamLink
	host     *streamHost
	base     *event.Base
	name     string
	rand     *rand.Rand
	b        *bufferevent.Bufferevent
	calls    *evtest.Callbacks
	out, in  *evtest.Bytes
	peer     *streamEnd // nil until there is one
	kind     streamKind
	layers   []*streamLayer // over the socket or the half of a pair
	state    endState
	tick     *event.Event

	operations, bytes int // that are left
	greeting          int // bytes that were written before the first of out
	greeted           int // and read before the first of in
	generation        int // of callbacks
	refs              int
	retried           bool // writing was enabled before its end was told
	depth             int  // of callbacks

	closed, broken, failed, ended bool      // CloseWrite, and what events have said
	cut                           bool      // bytes that were taken from out may be lost
	reset                         bool      // writing has failed: the end of the input says nothing
	triggered                     bool      // the read callback may run whatever there is
	triggeredAt                   time.Time // any callback may
	deferred                      bool      // by the time that callbacks run, the buffers may have changed
	readDeaf, writeDeaf           bool      // there is no callback
	connects                      int       // attempts that are left
	fails                         error     // what a layer fails with, or nil

	low, high, bound, lowWrite int // watermarks, and how much input there may be
	readTimeout, writeTimeout  time.Duration
	readSince, writeSince      time.Time // no timeout began before
	touchedAt                  time.Time // something was done that timeouts may have begun anew with
	moved                      int64     // what had been read then
	wasDue                     time.Time // a timeout was due when it was begun anew
	untold                     time.Time // since when there is an error that no event has told
	limit                      *streamLimit
	limited                    bool // it has ever been
	group                      *streamGroup
	drainBegan                 time.Time
	watched                    []*bufferWatch
	stash                      streamStash
	below                      *belowCount
	movedBelow                 int64      // what had been read there when that was looked at
	local                      netip.Addr // that was set for the connection, or the zero one
	noName                     bool       // the last host name was not found
	readDue                    time.Time  // something has come that no callback has told
	writeStuck                 time.Time  // since when nothing of the output has gone
	stuckAt                    int64      // what had been sent then
	goneAt                     int64      // and when it might
	mayWrite                   time.Time  // since when nothing keeps the output from going
}

// A streamKind is what is below an end.
type streamKind int

const (
	kindSocket streamKind = iota
	kindPair
)

func (k streamKind) String() string { return [...]string{"socket", "pair"}[k] }

// An endState is how far an end has come.
type endState int

const (
	endConnecting endState = iota
	endOpen
	endClosing  // it only reads what comes, and ends what it sends
	endDraining // after FreeWhenWritten
	endOver     // freed
	endDead     // its host was stopped
)

func (e *streamEnd) errorf(format string, args ...any) {
	if e.state != endDead {
		e.scenario.world.Failf(e.name+": "+format, args...)
	}
}

// note adds a line to the trace for the reader of a failure.
func (e *streamEnd) note(format string, args ...any) {
	e.scenario.world.Note(e.name+": "+format, args...)
}

// start begins the life of an end.
func (e *streamEnd) start() {
	e.calls = e.host.Callbacks(e.name)
	if len(e.layers) > 0 {
		// Setters of a filter may run its callbacks, from within others.
		e.calls.AllowReentrant()
	}
	e.countBelow()
	e.setCallbacks()
	e.startTick()
}

// startTick has the end do something from time to time.
func (e *streamEnd) startTick() {
	e.tick = e.base.NewTimer(func(*event.Event, event.What) { e.onTick() })
	e.nextTick()
}

func (e *streamEnd) nextTick() {
	d := time.Duration(e.rand.Int64N(int64(100 * time.Millisecond)))
	if e.rand.IntN(10) == 0 {
		d = time.Duration(e.rand.Int64N(int64(3 * time.Second)))
	}
	if e.state == endClosing {
		d = time.Second
	}
	if err := e.tick.AddTimeout(d); err != nil {
		e.errorf("tick: %v", err)
	}
}

func (e *streamEnd) onTick() {
	e.audit()
	switch {
	case e.state == endClosing:
		e.close()
	case e.scenario.closing || e.operations == 0:
		e.beginClosing()
	default:
		e.operate(3)
	}
	if e.state < endDraining && e.tick != nil {
		e.nextTick()
	}
}

// setCallbacks gives the bufferevent new callbacks: the old ones are never called again.
func (e *streamEnd) setCallbacks() {
	e.generation++
	e.readDue = time.Time{}
	generation := e.generation
	read := func(*bufferevent.Bufferevent) { e.called("read", generation, e.onRead) }
	write := func(*bufferevent.Bufferevent) { e.called("write", generation, e.onWrite) }
	if e.readDeaf {
		read = nil
	}
	if e.writeDeaf {
		write = nil
	}
	e.b.SetCallbacks(read, write, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		e.called("event", generation, func() { e.onEvent(what) })
	})
}

// called runs a callback.
func (e *streamEnd) called(kind string, generation int, fn func()) {
	defer e.calls.Enter(kind)()
	e.depth++
	defer func() { e.depth-- }()
	if generation != e.generation {
		e.errorf("a callback that was replaced is called for %s", kind)
	}
	fn()
}

// received returns how many bytes have arrived, those of the input included.
func (e *streamEnd) received() int64 {
	return int64(e.greeted) + e.arrived()
}

// arrived returns how many bytes have come from the peer's out.
func (e *streamEnd) arrived() int64 {
	return e.in.Arrived() + int64(e.stash.inbox.Len()) + int64(e.b.Input().Len())
}

// sent returns how many bytes have left the output.
func (e *streamEnd) sent() int64 {
	return int64(e.greeting) + e.out.Taken() - int64(e.stash.outbox.Len()) - int64(e.b.Output().Len())
}

func (e *streamEnd) onRead() {
	n := e.b.Input().Len()
	switch {
	case e.triggered, e.justTriggered():
	case n < e.low && !e.deferred && e.high == 0:
		e.errorf("read callback with %d bytes, the low watermark is %d", n, e.low)
	case e.ended && e.kind == kindSocket && len(e.layers) == 0: // a flush of a pair runs it anyway, as in C
		e.errorf("read callback after the end")
	}
	e.touchedAt = time.Now()
	if !e.triggered && !e.justTriggered() && !e.deferred && e.high == 0 {
		e.timing()
		e.readSince = time.Now()
	}
	e.triggered = e.triggered && e.deferred
	e.checkBound()
	e.noteMoved()
	e.readDue = time.Time{}
	if e.state == endClosing {
		e.take(n)
		e.close()
		return
	}
	switch e.rand.IntN(4) {
	case 0:
		e.take(e.rand.IntN(n + 1))
	case 1:
	default:
		e.take(n)
	}
	e.operate(2)
}

// justTriggered reports whether callbacks may run because they were asked for.
func (e *streamEnd) justTriggered() bool {
	return !e.triggeredAt.IsZero() && time.Since(e.triggeredAt) <= e.scenario.slowness()
}

// checkBound compares the input with its high watermark.
func (e *streamEnd) checkBound() {
	if n := e.b.Input().Len(); e.bound > 0 && n > e.bound {
		e.errorf("%d bytes of input, the high watermark is %d", n, e.bound)
	}
}

// noteMoved notes when something has arrived.
func (e *streamEnd) noteMoved() {
	if read, _ := e.passed(); read != e.movedBelow {
		e.movedBelow, e.touchedAt = read, time.Now()
	}
	if n := e.received(); n != e.moved {
		e.moved, e.touchedAt = n, time.Now()
		if e.readDue.IsZero() {
			e.readDue = time.Now()
		}
	}
}

func (e *streamEnd) onWrite() {
	if n := e.b.Output().Len(); n > e.lowWrite && !e.justTriggered() && !e.deferred && len(e.layers) == 0 {
		e.errorf("write callback with %d bytes, the low watermark is %d", n, e.lowWrite)
	}
	if e.state == endClosing {
		e.close()
		return
	}
	e.operate(1)
}

func (e *streamEnd) onEvent(what bufferevent.Events) {
	e.note("%v: %v", what, e.b.Err())
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		e.onConnected()
	case bufferevent.InputEnded:
		e.onInputEnded()
	case bufferevent.OutputFailed:
		e.onOutputFailed()
	case bufferevent.Failed:
		e.onFailed(what)
	case bufferevent.TimedOut:
		e.onTimedOut(what)
	default:
		e.errorf("an event without a meaning: %v", what)
	}
}

func (e *streamEnd) onConnected() {
	if e.state != endConnecting || !e.b.Connected() {
		e.errorf("connected again, or not: %v", e.b.Connected())
	}
	e.state = endOpen
	e.touchedAt = time.Now()
	e.operate(3)
}

// onInputEnded is the end of what the peer has sent: all of it is there, unless
// writing has failed before, which may have taken the reason from the reading.
func (e *streamEnd) onInputEnded() {
	switch {
	case e.ended && e.kind == kindSocket:
		e.errorf("the stream ends twice")
	case e.state == endConnecting:
		e.errorf("a stream that is not connected ends")
	case e.failed && e.fails == nil: // a filter that has failed is tried again at the end
		e.errorf("the stream ends after it has failed")
	case e.fails == nil && (e.b.ReadErr() != io.EOF || e.b.Err() != io.EOF):
		e.errorf("at the end the errors are %v and %v", e.b.ReadErr(), e.b.Err())
	}
	e.ended = true
	if e.peer != nil && e.peer.state == endOpen && !e.peer.closed && !e.reset && !e.scenario.abused {
		e.errorf("the stream has ended, which the peer has not ended")
	}
	if !e.certain() {
		return
	}
	if came := e.arrived(); came != e.in.Taken() {
		e.errorf("the stream has ended after %d of %d bytes", came, e.in.Taken())
	}
	if e.state == endClosing {
		e.take(e.b.Input().Len())
		e.close()
	}
}

// certain reports whether the end of the stream means that everything has arrived.
func (e *streamEnd) certain() bool {
	return e.peer != nil && !e.peer.cut && !e.reset && e.peer.state != endDead
}

// onOutputFailed is the end of what may be written.
func (e *streamEnd) onOutputFailed() {
	if e.broken && !e.retried && e.fails == nil { // what is below one that has failed may fail as well
		e.errorf("writing fails twice: %v", e.b.Err())
	}
	if e.b.WriteErr() == nil {
		e.errorf("writing has failed without an error")
	}
	e.broken, e.reset, e.cut = true, true, true
	e.checkReason()
}

func (e *streamEnd) onFailed(what bufferevent.Events) {
	if e.failed && e.fails == nil {
		e.errorf("the stream fails twice: %v", e.b.Err())
	}
	e.cut = true
	if e.state == endConnecting {
		e.connectFailed()
		return
	}
	e.failed = true
	if what&bufferevent.EventWriting != 0 {
		e.broken = true
	}
	if e.b.ReadErr() == nil {
		e.errorf("the stream has failed without an error")
	}
	e.checkReason()
	if e.rand.IntN(3) == 0 || e.state == endClosing {
		e.free()
	}
}

// checkReason sees that a stream fails for a reason that there is.
func (e *streamEnd) checkReason() {
	err := e.b.Err()
	s := e.scenario
	switch {
	case err == nil:
		e.errorf("a failure without an error")
	case e.fails != nil && (errors.Is(err, e.fails) || errors.Is(err, evbuffer.ErrFrozen)): // or what is above what has failed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.EOF) && e.kind == kindSocket:
		e.errorf("a failure has the error %v", err)
	case evutil.IsConnectRefused(err):
		e.errorf("a stream that was connected is refused: %v", err)
	case s.faults.Reset > 0, s.abused, e.peer == nil, e.peer.state >= endDraining, e.peer.failed, e.peer.fails != nil:
	default:
		e.errorf("the stream fails for no reason: %v", err)
	}
}

// onTimedOut checks that a timeout has passed, and goes on.
func (e *streamEnd) onTimedOut(what bufferevent.Events) {
	way, timeout, since := event.Read, e.readTimeout, e.readSince
	if what&bufferevent.EventWriting != 0 {
		way, timeout, since = event.Write, e.writeTimeout, e.writeSince
		if e.below.wroteAt.After(since) {
			since = e.below.wroteAt
		}
	}
	if e.state == endConnecting && way == event.Write {
		e.connectFailed()
		return
	}
	switch {
	case !e.wasDue.IsZero() && time.Since(e.wasDue) <= e.scenario.slowness():
	case timeout == 0:
		e.errorf("%v without a timeout", what)
	case time.Since(since) < timeout:
		e.errorf("%v after %v, the timeout is %v", what, time.Since(since), timeout)
	case !errors.Is(e.b.Err(), os.ErrDeadlineExceeded):
		e.errorf("%v has the error %v", what, e.b.Err())
	case e.b.Enabled()&way != 0:
		e.errorf("%v has not disabled its direction", what)
	}
	if e.state == endClosing {
		e.cut = true
		e.free()
		return
	}
	if way == event.Write {
		e.writeSince = time.Now()
	}
	if e.rand.IntN(4) > 0 || e.state == endClosing {
		e.enable(way)
	}
}

// timing is called before timeouts begin anew: one that is due by then may come none
// the less.
func (e *streamEnd) timing() {
	due := func(timeout time.Duration, since time.Time) bool {
		return timeout > 0 && time.Since(since) >= timeout
	}
	if due(e.readTimeout, e.readSince) || due(e.writeTimeout, e.writeSince) {
		e.wasDue = time.Now()
	}
}

// audit looks at what must be so at any time.
func (e *streamEnd) audit() {
	if e.state >= endDraining {
		return
	}
	e.checkBound()
	e.noteMoved()
	for _, w := range e.watched {
		w.check()
	}
	if e.limit != nil {
		e.limit.check(e)
	}
	if e.group != nil {
		e.group.check()
	}
	e.checkTold()
	e.checkReadTold()
	e.checkOverdue()
	e.checkWriteOverdue()
	e.checkWriteGoesOn()
}

// beginClosing puts away all that could keep the rest of the stream from coming.
func (e *streamEnd) beginClosing() {
	if e.state == endConnecting {
		if e.scenario.closing {
			e.free()
		}
		return
	}
	switch n := e.rand.IntN(8); {
	case n == 0 && !e.scenario.closing:
		e.free()
		return
	case n <= 2 || e.kind == kindPair && e.b.Partner() == nil && len(e.layers) == 0:
		e.drain()
		return
	}
	e.state = endClosing
	e.readDeaf, e.writeDeaf = false, false
	e.setCallbacks()
	e.setTimeouts(0, 0)
	if e.scenario.abused { // the peer may be gone without a word
		e.setTimeouts(5*time.Minute, 5*time.Minute)
	}
	e.setReadMark(0, 0)
	e.setWriteMark(0, 0)
	e.leaveGroup()
	e.setLimit(nil)
	if !e.closed && !e.broken {
		e.closeWrite()
	}
	e.enable(event.Read | event.Write)
	e.close()
}

// close frees a stream that has come to its end in both directions.
func (e *streamEnd) close() {
	if e.state != endClosing {
		return
	}
	e.take(e.b.Input().Len())
	e.inspect()
	peerGone := e.kind == kindPair && e.scenario.root(e.b).Partner() == nil
	switch {
	case e.failed, e.fails != nil && e.broken:
		e.free()
	case e.ended && (e.b.Unsent() == 0 || e.broken), peerGone, e.ended && e.closed && e.rand.IntN(2) == 0:
		if e.ended && e.certain() {
			e.in.End()
		}
		if e.rand.IntN(2) == 0 {
			e.drain()
			return
		}
		e.free()
	}
}
