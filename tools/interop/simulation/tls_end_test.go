package simulation_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A tlsEnd is the program at one end of a TLS connection: it sends some bytes and
// reads those of the other one, in ways that its habit says, ends, and checks on the
// way what it was promised.
type tlsEnd struct {
	call  *tlsCall
	side  int // 0 is the client
	host  *evtest.Host
	peer  *tlsEnd
	habit tlsHabit

	b       *bufferevent.Bufferevent
	out, in []byte // what it has to send, and what it may get
	sent    int
	got     int
	state   tlsState
	began   time.Time
	moved   time.Time // when something has come last
	wrote   time.Time // when all had been written last
	connected,
	resumed,
	inputEnded,
	said bool // that our stream has ended, after all of it
	reason     tlsReason // why it has failed
	within     int       // calls of callbacks that have not returned
	unwritable bool
	drained    bool            // FreeWhenWritten has told its outcome
	told       error           // the alert that it has failed with
	timers     [2]*event.Event // of after
}

type tlsState uint8

const (
	tlsIdle  tlsState = iota
	tlsBegun          // there is a bufferevent, or a connection of a goroutine
	tlsEnded          // it was freed
)

// How an end ends.
type tlsRole uint8

const (
	roleClose  tlsRole = iota // ends its stream when all is sent, and waits for the other's end
	roleAnswer                // waits for the other's end, and ends its stream
	roleHurry                 // ends in order when all is sent, whatever comes
	roleAbrupt                // frees the bufferevent in the middle
)

// How an end writes, and how it takes what it reads.
type (
	tlsWriting uint8
	tlsTaking  uint8
)

const (
	writeAtOnce  tlsWriting = iota // when it is connected
	writeEarly                     // before that
	writePieces                    // in the write callback
	writeTimed                     // in a timer's
	writeReplies                   // a piece for each that it reads, and the rest at the end

	takeAll    tlsTaking = iota - 5
	takeParts            // some bytes at a time, the rest when a timer says so
	takePauses           // with pauses, in which reading is disabled
	takeRead             // by Read, into a small slice
)

// A tlsHabit is how an end goes about it.
type tlsHabit struct {
	role    tlsRole
	writing tlsWriting
	taking  tlsTaking
	piece   int           // how many bytes at a time
	pause   time.Duration // between them
	abrupt  int           // how many bytes have come or gone when it is freed
	low     int           // watermarks for reading
	high    int
	limit   *bufferevent.TokenBucketConfig
	single  int // bytes that one call reads or writes at most, or 0

	handshake time.Duration // less than zero is for ever
	idle      time.Duration
	flags     evtls.Flags
	defers    bool // callbacks
	workers   bool
	waits     time.Duration // in functions of the configuration
	detaches  bool          // and goes on over the same socket
	blocking  bool          // crypto/tls in a goroutine
	updates   int           // every so many pieces it asks for new keys; 0 is never
}

func (h *tlsHabit) String() string {
	s := fmt.Sprintf("role %d, writing %d, taking %d, pieces of %d", h.role, h.writing, h.taking, h.piece)
	if h.blocking {
		return s + ", blocking"
	}
	s += fmt.Sprintf(", watermarks %d and %d, handshake in %v, flags %d", h.low, h.high, h.handshake, h.flags)
	for _, o := range []struct {
		has  bool
		name string
	}{{h.limit != nil, "limit"}, {h.single > 0, "single"}, {h.defers, "defers"}, {h.workers, "workers"}, {h.waits > 0, "waits"}, {h.detaches, "detaches"}} {
		if o.has {
			s += ", " + o.name
		}
	}
	return s
}

func (e *tlsEnd) String() string {
	return fmt.Sprintf("connection %d, %s", e.call.number, [...]string{"client", "server"}[e.side])
}

func (e *tlsEnd) errorf(format string, args ...any) {
	e.call.world.T().Errorf("%v: %s", e, fmt.Sprintf(format, args...))
}

// begin takes a bufferevent over whose handshake begins, or has yet to be begun.
func (e *tlsEnd) begin(b *bufferevent.Bufferevent) {
	e.b, e.state = b, tlsBegun
	e.start()
	b.SetCallbacks(e.onRead, e.onWrite, e.onEvent)
	e.check(b.SetTimeouts(e.habit.idle, e.habit.idle))
	e.check(b.SetWatermark(event.Read, e.habit.low, e.habit.high))
	e.check(b.Enable(event.Read))
	e.limit()
	if e.habit.writing == writeEarly {
		e.writeAll()
	}
}

// start notes when it has begun.
func (e *tlsEnd) start() {
	e.began = time.Now()
	e.moved, e.wrote = e.began, e.began
}

// limit sets what is set at a socket, and refused without one.
func (e *tlsEnd) limit() {
	h := &e.habit
	var errs []error
	if h.limit != nil {
		errs = append(errs, e.b.SetRateLimit(h.limit))
	}
	if h.single > 0 {
		errs = append(errs, e.b.SetMaxSingleRead(h.single), e.b.SetMaxSingleWrite(h.single))
	}
	for _, err := range errs {
		if e.call.local && !errors.Is(err, errors.ErrUnsupported) {
			e.errorf("a limit without a socket: %v", err)
		} else if !e.call.local {
			e.check(err)
		}
	}
}

func (e *tlsEnd) check(err error) {
	if err != nil {
		e.errorf("%v", err)
	}
}

// enter is called at the beginning of each callback.
func (e *tlsEnd) enter(what string) (leave func()) {
	switch {
	case e.state != tlsBegun:
		e.errorf("%s callback after the end", what)
	case e.reason != "":
		e.errorf("%s callback after a failure", what)
	}
	if e.within++; e.within > 1 && e.habit.defers {
		e.errorf("%s callback within another one", what)
	}
	return func() { e.within-- }
}

func (e *tlsEnd) onRead(b *bufferevent.Bufferevent) {
	defer e.enter("read")()
	e.moved = time.Now()
	n := b.Input().Len()
	switch {
	case !e.connected:
		e.errorf("read callback before the handshake is done")
	case e.inputEnded:
		e.errorf("read callback after the end of the stream")
	case (n < e.habit.low || n == 0) && !e.habit.defers && e.habit.high == 0 && e.habit.taking != takePauses:
		// What is deferred, as after room was made or reading was enabled, may find that it
		// was taken meanwhile.
		e.errorf("read callback for %d bytes; the low watermark is %d", n, e.habit.low)
	}
	e.call.world.Note("%v: has %d bytes to read", e, n)
	e.wantBound(n)
	if e.abruptly() {
		return
	}
	e.take()
	if e.state == tlsBegun && e.habit.writing == writeReplies {
		e.writePiece()
	}
}

// wantBound checks that input does not grow without bounds.
func (e *tlsEnd) wantBound(n int) {
	if e.habit.high > 0 && n > e.habit.high {
		e.errorf("%d bytes of input; the high watermark is %d", n, e.habit.high)
	}
}

// abruptly frees the bufferevent if the time for it has come.
func (e *tlsEnd) abruptly() bool {
	if e.habit.role != roleAbrupt || e.got+e.b.Input().Len()+e.sent < e.habit.abrupt {
		return false
	}
	e.free()
	return true
}

// take takes what is there, as far as the habit is.
func (e *tlsEnd) take() {
	input := e.b.Input()
	switch e.habit.taking {
	case takeAll:
		e.accept(input.Len())
	case takeRead:
		p := make([]byte, e.habit.piece)
		for input.Len() > 0 {
			n, err := e.b.Read(p)
			e.check(err)
			e.compare(p[:n])
		}
	case takeParts:
		e.accept(min(input.Len(), e.habit.piece))
		if input.Len() > 0 {
			e.after(toTake, func() {
				if !e.inputEnded {
					e.take()
				}
			})
		}
	case takePauses:
		e.accept(input.Len())
		e.check(e.b.Disable(event.Read))
		e.after(toTake, func() {
			if !e.inputEnded {
				e.check(e.b.Enable(event.Read))
			}
		})
	}
}

// What timers are for.
const (
	toTake = iota
	toWrite
)

// after calls fn after the pause, unless there is already something to come.
func (e *tlsEnd) after(what int, fn func()) {
	if e.timers[what] != nil {
		return
	}
	ev := e.b.Base().NewTimer(func(ev *event.Event, _ event.What) {
		ev.Free()
		e.timers[what] = nil
		fn()
	})
	e.timers[what] = ev
	e.check(ev.AddTimeout(e.habit.pause))
}

// accept takes n bytes of the input.
func (e *tlsEnd) accept(n int) {
	p := make([]byte, n)
	if m, err := e.b.Input().Remove(p); err != nil || m != n {
		e.errorf("%d of %d bytes could be taken: %v", m, n, err)
	}
	e.compare(p)
}

// compare checks that p comes next.
func (e *tlsEnd) compare(p []byte) {
	end := e.got + len(p)
	if end > e.peer.sent || !bytes.Equal(p, e.in[e.got:end]) {
		e.errorf("other bytes have come from %d to %d; %d were sent", e.got, end, e.peer.sent)
	}
	e.got = end
}

func (e *tlsEnd) onWrite(b *bufferevent.Bufferevent) {
	defer e.enter("write")()
	e.wrote = time.Now()
	if n := b.Output().Len(); n > 0 && !e.habit.defers {
		e.errorf("write callback with %d bytes of output", n)
	}
	if !e.connected {
		return // what is written now waits for the handshake
	}
	if e.habit.detaches && b.Input().Len() == 0 && !e.said && !e.inputEnded && b.Unsent() == 0 {
		e.habit.detaches = false
		e.detach()
	}
	if e.habit.writing == writePieces {
		e.writePiece()
	}
}

// detach has the connection go on in another bufferevent.
func (e *tlsEnd) detach() {
	under := e.b.Underlying()
	conn, err := evtls.Detach(e.b)
	if errors.Is(err, evtls.ErrNotOpen) { // the end has come that was not told yet
		return
	}
	if err != nil {
		e.errorf("%v", err)
		return
	}
	b, err := evtls.NewFilter(under, evtls.Open, &evtls.Config{Conn: conn, Flags: e.habit.flags}, e.options())
	if err != nil {
		e.errorf("%v", err)
		return
	}
	began, moved, wrote := e.began, e.moved, e.wrote
	e.habit.limit, e.habit.single = nil, 0 // they are still set
	e.begin(b)
	e.began, e.moved, e.wrote = began, moved, wrote
}

func (e *tlsEnd) options() bufferevent.Options {
	opts := bufferevent.CloseOnFree
	if e.habit.defers {
		opts |= bufferevent.DeferCallbacks
	}
	return opts
}

// writeAll writes all that is left.
func (e *tlsEnd) writeAll() {
	for e.sent < len(e.out) && e.write(min(len(e.out)-e.sent, e.habit.piece)) {
	}
	e.written()
}

// writePiece writes some bytes.
func (e *tlsEnd) writePiece() {
	if e.said || e.state != tlsBegun {
		return
	}
	e.write(min(len(e.out)-e.sent, e.habit.piece))
	if e.habit.writing == writeTimed && e.sent < len(e.out) {
		e.after(toWrite, e.writePiece)
	}
	e.written()
}

// write writes the next bytes, and reports false if writing has failed, as an event is
// to tell: without it the end would never come.
func (e *tlsEnd) write(n int) bool {
	p := e.out[e.sent : e.sent+n]
	e.sent += n // whoever is called by Write may look
	m, err := e.b.Write(p)
	if errors.Is(err, bufferevent.ErrBroken) {
		e.sent -= n
		return false
	}
	if err != nil || m != n {
		e.errorf("write: %d of %d bytes: %v", m, n, err)
	}
	return true
}

// written ends the stream when all of it was written, as the role demands.
func (e *tlsEnd) written() {
	if e.sent < len(e.out) || e.said || e.state != tlsBegun {
		return
	}
	switch {
	case e.habit.role == roleHurry, e.inputEnded:
		e.finish()
	case e.habit.role == roleClose:
		e.said = true
		e.check(e.b.CloseWrite())
	}
}

func (e *tlsEnd) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	defer e.enter("event")()
	err := b.Err()
	e.call.world.Note("%v: %v", e, what)
	if what&bufferevent.EventConnected != 0 {
		e.establish()
		return
	}
	switch what.Outcome() {
	case bufferevent.InputEnded:
		e.endInput()
	case bufferevent.TimedOut:
		if what&bufferevent.EventWriting != 0 {
			e.moved = e.wrote
		}
		e.fail(reasonIdle, err)
	case bufferevent.OutputFailed:
		e.failOutput(err)
	case bufferevent.Failed:
		e.fail(tlsReasonOf(err), err)
	default:
		e.errorf("event callback: %v: %v", what, err)
	}
}

// establish is told that the handshake is done.
func (e *tlsEnd) establish() {
	if e.connected {
		e.errorf("connected twice")
	}
	e.connected = true
	state, ok := evtls.ConnectionState(e.b)
	if !ok {
		e.errorf("connected without a state")
	}
	e.call.wantState(e, &state)
	if e.abruptly() {
		return
	}
	switch e.habit.writing {
	case writeAtOnce:
		e.writeAll()
	case writePieces, writeTimed:
		e.writePiece()
	default:
		e.written()
	}
}

// endInput is told that the peer has ended its stream.
func (e *tlsEnd) endInput() {
	if !e.connected || e.inputEnded {
		e.errorf("the stream ends before it has begun, or twice")
	}
	e.inputEnded = true
	e.wantBound(e.b.Input().Len())
	e.accept(e.b.Input().Len())
	dirty := e.habit.flags&evtls.DirtyShutdown != 0
	switch {
	case dirty && (e.call.cut || e.call.accident || e.peer.broken() || !e.peer.said):
	case !e.peer.said:
		e.errorf("a clean end that the peer has not said")
	case e.got != len(e.in):
		e.errorf("a clean end after %d of %d bytes", e.got, len(e.in))
	case e.call.spoiled[e.side]:
		e.errorf("a clean end of a stream that was tampered with")
	}
	if e.habit.role == roleAbrupt {
		e.free()
		return
	}
	if e.said {
		e.finish()
		return
	}
	switch e.habit.writing {
	case writeReplies, writeEarly, writeAtOnce:
		e.writeAll()
	default:
		e.written()
	}
}

// failOutput is told that nothing can be written any more. What was said already may
// still be answered.
func (e *tlsEnd) failOutput(err error) {
	reason := tlsReasonOf(err)
	if errors.Is(err, io.EOF) {
		reason = reasonReset // the peer reads no more
	}
	if !e.said || e.inputEnded {
		e.fail(reason, err)
		return
	}
	e.wantReason(reason, err)
	e.call.world.Note("%v: writes no more: %s", e, reason)
	e.unwritable = true
}

// fail is told that the connection has failed.
func (e *tlsEnd) fail(reason tlsReason, err error) {
	if e.b.Input().Len() > 0 {
		e.accept(e.b.Input().Len())
	}
	e.reason = reason
	if reason == reasonTold {
		e.told = err
	}
	e.wantReason(reason, err)
	e.call.world.Note("%v: %s", e, reason)
	e.free()
}

// finish ends the stream in order.
func (e *tlsEnd) finish() {
	e.said = e.connected || len(e.out) > 0 // otherwise the handshake is given up
	e.end()
	e.b.FreeWhenWrittenFunc(e.habit.idle, func(err error) {
		if e.drained {
			e.errorf("two outcomes of FreeWhenWritten")
		}
		e.drained = true
		if err != nil && !e.peer.satisfied() {
			e.reason = tlsReasonOf(err)
			e.call.world.Note("%v: not all was written: %s", e, e.reason)
			if e.reason != reasonIdle {
				e.wantReason(e.reason, err)
			}
		}
	})
}

// satisfied reports whether the end has ended after everything that it was to read:
// what follows in the streams below is nobody's any more.
func (e *tlsEnd) satisfied() bool {
	return e.state == tlsEnded && e.inputEnded && e.got == len(e.in) && e.reason == ""
}

// free ends the connection without a word.
func (e *tlsEnd) free() {
	e.end()
	e.drained = true
	e.b.Free()
}

// end is the end for the program.
func (e *tlsEnd) end() {
	e.state = tlsEnded
	for i, ev := range e.timers {
		if ev != nil {
			ev.Free()
			e.timers[i] = nil
		}
	}
}

// drawHabit draws how an end goes about it.
func drawHabit(r *rand.Rand) tlsHabit {
	h := tlsHabit{
		writing: tlsWriting(r.IntN(4)), taking: tlsTaking(r.IntN(4)),
		piece: 1 + r.IntN(1<<(1+r.IntN(14))), pause: time.Duration(1+r.IntN(300_000_000)) + time.Millisecond,
		idle: 10*time.Minute + time.Duration(r.IntN(1e9)), handshake: evtls.DefaultHandshakeTimeout,
	}
	if r.IntN(4) == 0 {
		h.handshake = time.Duration(1+r.IntN(8000)) * time.Millisecond
	}
	if r.IntN(8) == 0 {
		h.handshake = -1
	}
	if r.IntN(4) == 0 {
		h.high = 1 + r.IntN(20000)
		if r.IntN(2) == 0 && (h.taking == takeAll || h.taking == takeRead) {
			h.low = r.IntN(min(h.high, 60) + 1)
		}
	}
	if r.IntN(5) == 0 {
		rate := 200 + r.IntN(1<<(4+r.IntN(14)))
		h.limit, _ = bufferevent.NewTokenBucketConfig(rate, rate*2, rate, rate*2, time.Duration(50+r.IntN(950))*time.Millisecond)
	}
	if r.IntN(6) == 0 {
		h.single = 20 + r.IntN(5000)
	}
	if r.IntN(3) == 0 {
		h.flags |= evtls.BatchWrite
	}
	if r.IntN(8) == 0 {
		h.flags |= evtls.DirtyShutdown
	}
	if r.IntN(3) == 0 {
		h.waits = time.Duration(1 + r.IntN(2_000_000_000))
	}
	h.defers, h.workers, h.detaches = r.IntN(3) == 0, r.IntN(4) == 0, r.IntN(6) == 0
	return h
}
