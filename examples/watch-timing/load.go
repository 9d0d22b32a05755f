package main

import (
	"fmt"
	"io"
	"log"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A load keeps a loop busy: each expiry of a timer sends a message through a
// socket pair, whose other end echoes it. If the pair is full, messages are
// lost, which makes the load no lighter.
type load struct {
	pair     [2]int
	timers   []event.Event
	near     event.Event     // receives what comes back
	far      event.Event     // echoes
	buf      evbuffer.Buffer // empty between callbacks
	message  [64]byte
	expiries int
	received int // bytes
}

func newLoad(base *event.Base, timers int) (*load, error) {
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	l := &load{pair: pair, timers: make([]event.Event, timers)}
	if err := l.start(base); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *load) start(base *event.Base) error {
	if err := l.near.Assign(base, l.pair[0], event.Read|event.Persist, l.onReply); err != nil {
		return err
	}
	if err := l.far.Assign(base, l.pair[1], event.Read|event.Persist, l.onMessage); err != nil {
		return err
	}
	for _, ev := range []*event.Event{&l.near, &l.far} {
		if err := ev.Add(); err != nil {
			return err
		}
	}
	return l.startTimers(base)
}

// startTimers gives each timer an interval of its own, from 10 to 50 ms.
func (l *load) startTimers(base *event.Base) error {
	const least, spread = 10 * time.Millisecond, 40 * time.Millisecond
	for i := range l.timers {
		ev := &l.timers[i]
		if err := ev.Assign(base, -1, event.Persist, l.onTimer); err != nil {
			return err
		}
		interval := least + spread*time.Duration(i)/time.Duration(len(l.timers))
		if err := ev.AddTimeout(interval); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) onTimer(*event.Event, event.What) {
	l.expiries++
	_ = l.buf.Add(l.message[:]) // in memory, at an end that is not frozen
	l.send(l.pair[0])
}

func (l *load) onMessage(*event.Event, event.What) {
	l.receive(l.pair[1])
	l.send(l.pair[1])
}

func (l *load) onReply(*event.Event, event.What) {
	l.received += l.receive(l.pair[0])
	l.buf.Drain(l.buf.Len())
}

// send writes what is in the buffer.
func (l *load) send(fd int) {
	if _, err := l.buf.WriteFD(fd); err != nil && !evutil.IsRetriable(err) {
		log.Fatal(err)
	}
	l.buf.Drain(l.buf.Len())
}

// receive reads what there is into the buffer, and returns how much that is.
func (l *load) receive(fd int) int {
	n, err := l.buf.ReadFD(fd, -1)
	if err != nil && !evutil.IsRetriable(err) {
		log.Fatal(err)
	}
	return n
}

func (l *load) report(w io.Writer) {
	_, _ = fmt.Fprintf(w, "load: %d timers expired %d times, %d bytes were echoed\n", len(l.timers), l.expiries, l.received) // output.Err has the error
}

// close deletes the events before it closes what they watch.
func (l *load) close() {
	l.near.Free()
	l.far.Free()
	evutil.CloseSocket(l.pair[0])
	evutil.CloseSocket(l.pair[1])
}
