package bufferevent

import (
	"fmt"
	"io"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func init() { movers[spareEngine] = completionMover{} }

// CompleteOperations has a socket be moved by completions instead of readiness.
// Nothing must be under way.
func CompleteOperations(b *Bufferevent) error {
	s := b.transport.(*socket)
	s.engine = spareEngine
	return s.assign(s.FD())
}

// completionMover is a mover as a method that completes operations has it. An
// operation, a read into memory of its own or a write of bytes that stay in the output,
// is submitted, and completed by messages to the loop, some iterations after the kernel
// has done it. The kernel is simulated by events of the mover's own.
type completionMover struct{}

// inFlight has what is under way on sockets.
var inFlight = map[*socket]*operations{}

// OperationsInFlight returns the number of sockets that completionMover knows.
func OperationsInFlight() int { return len(inFlight) }

// operations are those of a socket and a descriptor.
type operations struct {
	s       *socket
	stopped bool

	reading  bool   // between startRead and stopRead
	readBusy bool   // a read is under way
	in       []byte // what was read, for the socket to take
	readErr  error

	waiting   bool   // between awaitRoom and stopWaiting
	writeBusy bool   // a write is under way
	out       []byte // what it writes
	writeDone bool   // it was completed with the result:
	written   int
	writeErr  error

	readable, writable, room event.Event // the kernel
	readTimer, writeTimer    event.Event
}

func (completionMover) assign(s *socket, fd int) error {
	o := &operations{s: s}
	if err := s.bev.read.Assign(s.bev.base, fd, event.Read, func(*event.Event, event.What) {}); err != nil || fd < 0 {
		return err // the event has the descriptor, and nothing else
	}
	inFlight[s] = o
	for _, e := range []struct {
		ev *event.Event
		fd int
		on event.What
		fn func()
	}{
		{&o.readable, fd, event.Read, o.doRead},
		{&o.writable, fd, event.Write, o.doWrite},
		{&o.room, fd, event.Write, func() { o.call(func() { s.writable(event.Write) }) }},
		{&o.readTimer, -1, 0, func() { o.call(s.readTimedOut) }},
		{&o.writeTimer, -1, 0, func() { o.call(func() { s.writable(event.Timeout) }) }},
	} {
		if err := e.ev.Assign(s.bev.base, e.fd, e.on, func(*event.Event, event.What) { e.fn() }); err != nil {
			return err
		}
	}
	return nil
}

// call calls the socket from the loop.
func (o *operations) call(fn func()) {
	if !o.stopped && o.s.bev.begin() {
		fn()
		o.s.bev.end()
	}
}

// complete has the result of an operation be noted some iterations later.
func (o *operations) complete(fn func()) { o.later(3, func() { o.call(fn) }) }

// later runs a function so many iterations later.
func (o *operations) later(iterations int, fn func()) {
	if iterations == 0 {
		fn()
		return
	}
	o.s.bev.base.Post(func() { o.later(iterations-1, fn) })
}

func restart(timer *event.Event, timeout time.Duration) {
	timer.Del()
	if timeout > 0 {
		timer.AddTimeout(timeout)
	}
}

func (completionMover) stop(s *socket) {
	o := inFlight[s]
	if o == nil {
		return
	}
	o.stopped = true
	delete(inFlight, s)
	for _, ev := range []*event.Event{&o.readable, &o.writable, &o.room, &o.readTimer, &o.writeTimer} {
		ev.Free()
	}
}

func (completionMover) startRead(s *socket, _ bool) error {
	o := inFlight[s]
	o.reading = true
	restart(&o.readTimer, s.bev.readTimeout)
	if o.readBusy {
		return nil
	}
	if len(o.in) > 0 || o.readErr != nil {
		o.readBusy = true
		o.complete(o.hasRead)
		return nil
	}
	o.readBusy = true
	return o.readable.Add()
}

// doRead is the kernel's part.
func (o *operations) doRead() {
	p := make([]byte, 1<<16)
	n, err := sysio.Recv(o.s.FD(), [][]byte{p})
	if n == 0 && err == nil {
		err = io.EOF
	}
	o.in = append(o.in, p[:n]...)
	if o.readErr = err; err == sysio.ErrAgain {
		o.readErr = nil
	}
	o.complete(o.hasRead)
}

// hasRead has the socket take what was read, and then reads on.
func (o *operations) hasRead() {
	o.readBusy = false
	if o.reading {
		o.s.read()
	}
	if !o.stopped && o.reading && !o.readBusy {
		completionMover{}.startRead(o.s, false)
	}
}

func (completionMover) read(s *socket, most int) (int, error) {
	o := inFlight[s]
	if len(o.in) == 0 {
		if o.readErr != nil {
			return 0, o.readErr
		}
		return 0, sysio.ErrAgain
	}
	n := min(most, len(o.in))
	input := &s.bev.input
	input.Unfreeze(evbuffer.Back)
	err := input.Add(o.in[:n])
	input.Freeze(evbuffer.Back)
	o.in = o.in[n:]
	return n, err
}

// stopRead leaves what was read already for when reading goes on.
func (completionMover) stopRead(s *socket) error {
	o := inFlight[s]
	if o == nil {
		return nil
	}
	o.reading = false
	o.readTimer.Del()
	if o.readable.Pending(event.Read) != 0 {
		o.readBusy = false
	}
	return o.readable.Del()
}

// write returns the result of the write before, and submits another one.
func (completionMover) write(s *socket, budget int) (n int, err error) {
	o := inFlight[s]
	output := &s.bev.output
	output.Unfreeze(evbuffer.Front)
	defer output.Freeze(evbuffer.Front)
	if o.writeDone {
		o.writeDone = false
		n, err = o.written, o.writeErr
		output.Drain(n)
	}
	size := min(budget-n, output.Len())
	switch {
	case err != nil || size <= 0 && !o.writeBusy:
		return n, err
	case !o.writeBusy:
		o.out = make([]byte, size)
		if got, err := output.CopyOut(o.out); err != nil || got < size {
			panic(fmt.Sprint("the output has ", got, " bytes of ", size, ": ", err))
		}
		o.writeBusy = true
		o.later(1, o.doWrite)
	}
	return n, sysio.ErrAgain
}

// doWrite is the kernel's part.
func (o *operations) doWrite() {
	if o.stopped {
		return
	}
	n, err := sysio.Send(o.s.FD(), [][]byte{o.out})
	if err == sysio.ErrAgain {
		o.writable.Add()
		return
	}
	o.complete(func() {
		o.writeBusy, o.writeDone, o.written, o.writeErr = false, true, n, err
		if o.waiting {
			restart(&o.writeTimer, o.s.bev.timeoutForWriting())
			o.s.writable(event.Write)
		}
	})
}

func (completionMover) awaitRoom(s *socket) error {
	o := inFlight[s]
	o.waiting = true
	restart(&o.writeTimer, s.bev.timeoutForWriting())
	switch {
	case o.writeBusy:
		return nil
	case o.writeDone:
		o.complete(func() {
			if o.waiting {
				s.writable(event.Write)
			}
		})
		return nil
	}
	return o.room.Add() // for a connection
}

func (completionMover) stopWaiting(s *socket) error {
	o := inFlight[s]
	o.waiting = false
	o.writeTimer.Del()
	return o.room.Del()
}

func (completionMover) retime(s *socket) {
	o := inFlight[s]
	if o == nil {
		return
	}
	if o.reading {
		restart(&o.readTimer, s.bev.readTimeout)
	}
	if o.waiting {
		restart(&o.writeTimer, s.bev.timeoutForWriting())
	}
}
