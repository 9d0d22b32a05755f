//go:build unix

package loop

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// pipeBytes is how many bytes are passed at least, over all runs.
const pipeBytes = 200_000

// link is a pipe and the event that waits for its read end.
type link struct {
	event    event.Event
	all      *pipes
	index    int
	writeEnd int
}

type pipes struct {
	base    *event.Base
	links   []link
	byte    [1]byte // what is passed along
	toWrite int     // bytes that callbacks still have to write
	written int
	read    int
	err     error // what went wrong in a callback
}

// Pipes measures how writes+active bytes are passed through count pipes,
// active of which have a byte to read at the start.
func Pipes(count, active, writes int) ([]measure.Figure, error) {
	base, err := event.NewBase()
	if err != nil {
		return nil, err
	}
	p := &pipes{base: base, links: make([]link, count)}
	for i := range p.links {
		if err := p.open(i); err != nil {
			return nil, err
		}
	}
	if _, err := p.run(active, writes); err != nil {
		return nil, err
	}
	var total time.Duration
	runs := repetitions(pipeBytes, writes+active)
	for range runs {
		elapsed, err := p.run(active, writes)
		if err != nil {
			return nil, err
		}
		total += elapsed
	}
	microseconds := float64(total.Nanoseconds()) / 1000
	return []measure.Figure{{Name: "run", Value: microseconds / float64(runs)}}, nil
}

// open makes one pipe and starts to wait for its read end.
func (p *pipes) open(index int) error {
	ends, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return fmt.Errorf("%w: %w", measure.ErrUnable, err)
	}
	if err != nil {
		return err
	}
	l := &p.links[index]
	l.all, l.index, l.writeEnd = p, index, ends[1]
	l.event.Data = l
	if err := l.event.Assign(p.base, ends[0], event.Read|event.Persist, onByte); err != nil {
		return err
	}
	return l.event.Add()
}

// run passes the bytes once and returns the time from the first iteration of
// the loop to the last byte read.
func (p *pipes) run(active, writes int) (time.Duration, error) {
	p.toWrite, p.written, p.read = writes, 0, 0
	for i := range active {
		p.write(i * (len(p.links) / active))
	}
	start := time.Now()
	for p.read < p.written && p.err == nil {
		if _, err := p.base.Loop(event.LoopOnce | event.LoopNonblock); err != nil {
			return 0, err
		}
	}
	return time.Since(start), p.err
}

// onByte reads a byte and writes one to the next pipe.
func onByte(ev *event.Event, _ event.What) {
	l := ev.Data.(*link)
	p := l.all
	if _, err := unix.Read(ev.FD(), p.byte[:]); err != nil {
		p.err = fmt.Errorf("read: %w", err)
		return
	}
	p.read++
	if p.toWrite == 0 {
		return
	}
	p.toWrite--
	p.write((l.index + 1) % len(p.links))
}

// write writes a byte to one pipe.
func (p *pipes) write(index int) {
	if _, err := unix.Write(p.links[index].writeEnd, p.byte[:]); err != nil {
		p.err = fmt.Errorf("write: %w", err)
		return
	}
	p.written++
}
