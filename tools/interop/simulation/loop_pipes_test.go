package simulation_test

import (
	"syscall"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A loopPipe is a pair of sockets: bytes go in at one end, and an event waits at the
// other.
type loopPipe struct {
	program   *loopProgram
	in, out   int
	event     *loopEvent // reads
	peek      *loopEvent // at the same end, looks once whether there is something
	room      *loopEvent // at the other end, looks once whether there is room
	sent, got int
	edge      bool
	emptied   uint64 // the iteration in which it was read last
}

func (l *loopPipe) events() []*loopEvent { return []*loopEvent{l.event, l.peek, l.room} }

func (p *loopProgram) newPipe() {
	l := &loopPipe{program: p}
	if l.open() {
		p.pipes = append(p.pipes, l)
	}
}

// open makes the sockets and the event.
func (l *loopPipe) open() bool {
	p := l.program
	fds, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return false // there are no descriptors
	}
	l.in, l.out, l.sent, l.got = fds[0], fds[1], 0, 0
	l.event = &loopEvent{program: p, pipe: l, persist: p.rand.IntN(2) == 0}
	what := event.Read
	if l.event.persist {
		what |= event.Persist
	}
	if l.edge = p.rand.IntN(3) == 0; l.edge {
		what |= event.ET
	}
	if l.event.ev, err = p.base.NewEvent(l.out, what, l.event.fired); err != nil {
		p.errorf("new event: %v", err)
	}
	l.event.priority = l.event.ev.Priority()
	l.peek = l.look(l.out, event.Read)
	l.room = l.look(l.in, event.Write)
	return true
}

// look makes an event that looks at an end of the pipe, and neither reads nor writes.
func (l *loopPipe) look(fd int, what event.What) *loopEvent {
	e := &loopEvent{program: l.program, pipe: l, peeks: true, writes: what == event.Write}
	if l.edge {
		what |= event.ET
	}
	var err error
	if e.ev, err = l.program.base.NewEvent(fd, what, e.fired); err != nil {
		l.program.errorf("new event: %v", err)
	}
	e.priority = e.ev.Priority()
	return e
}

func (l *loopPipe) close() {
	for _, fd := range []int{l.in, l.out} {
		if err := evutil.CloseSocket(fd); err != nil {
			l.program.errorf("close: %v", err)
		}
	}
}

// ready reports whether there is something to read.
func (l *loopPipe) ready() bool { return l.sent > l.got }

// readable reads: all there is if that is told once only.
func (l *loopPipe) readable() {
	p := l.program
	l.emptied = p.iterations
	most := 1 + p.rand.IntN(3000)
	if l.edge {
		most = 1 << 20
	}
	for {
		var b evbuffer.Buffer
		n, err := b.ReadFD(l.out, most)
		for q, err := range b.Pieces() {
			if err != nil {
				p.errorf("pieces: %v", err)
			}
			for i, c := range q {
				if c != byte((l.got+i)*7) {
					p.errorf("byte %d of a pipe is another one", l.got+i)
				}
			}
			l.got += len(q)
		}
		_ = b.Free()
		if n == 0 && !evutil.IsRetriable(err) {
			p.errorf("read: %v", err)
		}
		if n == 0 || !l.edge {
			return
		}
	}
}

func (p *loopProgram) writePipe() {
	if len(p.pipes) == 0 {
		return
	}
	l := p.pipes[p.rand.IntN(len(p.pipes))]
	data := make([]byte, 1+p.rand.IntN(2000))
	for i := range data {
		data[i] = byte((l.sent + i) * 7)
	}
	var b evbuffer.Buffer
	_ = b.Add(data)
	n, err := b.WriteFD(l.in)
	if n < 0 || err != nil && !evutil.IsRetriable(err) {
		p.errorf("write: %d, %v", n, err)
	}
	l.sent += max(n, 0)
	l.room.ready = false // there may be none any more
	_ = b.Free()
}

// watchPipe adds or deletes the event of a pipe.
func (p *loopProgram) watchPipe() {
	if len(p.pipes) == 0 {
		return
	}
	l := p.pipes[p.rand.IntN(len(p.pipes))]
	e := l.events()[p.rand.IntN(3)]
	switch {
	case p.rand.IntN(4) == 0:
		p.del(e)
	case p.rand.IntN(2) == 0 && !l.edge:
		p.startTimer(e, p.duration())
	default:
		if err := e.ev.Add(); err != nil {
			p.errorf("add: %v", err)
		}
		e.watching = true
	}
}

// activateFD makes events active that wait for a descriptor.
func (p *loopProgram) activateFD() {
	if len(p.pipes) == 0 || p.activations+2 > mostActivations {
		return
	}
	l := p.pipes[p.rand.IntN(len(p.pipes))]
	fd := []int{l.in, l.out}[p.rand.IntN(2)]
	what := []event.What{event.Read, event.Write, event.Timeout, event.Read | event.Write | event.Timeout}[p.rand.IntN(4)]
	p.order++
	for _, e := range l.events() {
		if e.ev.FD() != fd || !e.watching {
			continue
		}
		got := e.ev.What() & what & (event.Read | event.Write)
		if e.armed {
			got |= what & event.Timeout
		}
		if got != 0 {
			p.activations++
			e.activated()
			e.wanted |= got
		}
	}
	p.base.ActiveByFD(fd, what)
}

// renewPipe closes a pipe, whose descriptors another one gets.
func (p *loopProgram) renewPipe() {
	if len(p.pipes) == 0 {
		return
	}
	i := p.rand.IntN(len(p.pipes))
	l := p.pipes[i]
	for _, e := range l.events() {
		e.ev.Free()
	}
	l.close()
	if !l.open() {
		p.pipes = append(p.pipes[:i], p.pipes[i+1:]...)
	}
}

// drainPipe reads what is left, and deletes the event.
func (p *loopProgram) drainPipe(l *loopPipe) {
	for _, e := range l.events() {
		p.del(e)
	}
	for l.ready() && p.world.Faults().Again == 0 {
		before := l.got
		if l.readable(); l.got == before {
			p.errorf("%d of %d bytes have come out of a pipe", l.got, l.sent)
			return
		}
	}
}
