package simulation_test

import (
	"bytes"
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// maxStash is how much an end keeps beside its stream.
const maxStash = 100_000

// A streamStash is what a program has beside a stream: what it has yet to send, what it has
// taken and not looked at, and what it keeps of what it has sent. All of it moves in parts,
// big and small, between buffers that have something else before and behind.
type streamStash struct {
	outbox, inbox evbuffer.Buffer
	kept          evbuffer.Buffer // shares memory with what was sent
	copies        []byte          // the bytes of kept
}

// stashAny does something with the stash.
func (e *streamEnd) stashAny() {
	steps := []func(){
		e.prepare, e.prepare, e.dispatchSome, e.dispatchSome, e.dispatch, e.collect, e.collect, e.inspectSome,
		e.keep, func() { e.shuffle(&e.stash.outbox) }, func() { e.shuffle(&e.stash.inbox) },
		func() { e.shuffle(&e.stash.kept) }, e.reserve,
	}
	for range 1 + e.rand.IntN(4) {
		if e.state <= endOpen { // what is sent may end the stream
			steps[e.rand.IntN(len(steps))]()
		}
	}
}

// prepare adds bytes to what is to be sent.
func (e *streamEnd) prepare() {
	n := e.size()
	if n == 0 || e.stash.outbox.Len() > maxStash || e.closed || e.broken {
		return
	}
	e.bytes -= n
	if err := e.fill(&e.stash.outbox, e.out.Take(n)); err != nil {
		e.errorf("prepare: %v", err)
	}
}

// dispatch sends all that was prepared, or gives it up.
func (e *streamEnd) dispatch() {
	for e.stash.outbox.Len() > 0 && e.state <= endOpen { // a callback may prepare more
		e.dispatchOnce()
	}
}

func (e *streamEnd) dispatchOnce() {
	box := &e.stash.outbox
	n := box.Len()
	e.beginsToWait()
	before, ended := e.b.Output().Len(), e.closed || e.broken
	err := e.b.WriteBuffer(box)
	e.note("dispatch %d: %v", n, err)
	if err != nil && box.Len() != n {
		e.errorf("%d of %d bytes are left after %v", box.Len(), n, err)
	}
	e.checkWrite(n, before, ended, err)
	switch {
	case err != nil:
		e.giveBack()
	case box.Len() != 0 && len(e.layers) == 0: // whose callbacks run from within
		e.errorf("%d of %d bytes are left that were sent", box.Len(), n)
	}
}

// giveBack gives up what was prepared.
func (e *streamEnd) giveBack() {
	box := &e.stash.outbox
	e.bytes += box.Len()
	e.out.Return(box.Len())
	if err := box.Drain(box.Len()); err != nil {
		e.errorf("drain: %v", err)
	}
}

// dispatchSome sends a part of what was prepared.
func (e *streamEnd) dispatchSome() {
	box := &e.stash.outbox
	if box.Len() == 0 {
		return
	}
	n := 1 + e.rand.IntN(box.Len())
	e.beginsToWait()
	before, ended := e.b.Output().Len(), e.closed || e.broken
	if !ended && e.kind == kindSocket && e.rand.IntN(2) == 0 { // straight into the output
		moved, err := box.RemoveBuffer(e.b.Output(), n)
		e.note("dispatch %d: %v", n, err)
		if err != nil && moved != 0 {
			e.errorf("%d of %d bytes were moved: %v", moved, n, err)
		}
		e.checkWrite(n, before, ended, err)
		return
	}
	var part evbuffer.Buffer
	if moved, err := box.RemoveBuffer(&part, n); moved != n || err != nil {
		e.errorf("%d of %d bytes were moved: %v", moved, n, err)
	}
	err := e.b.WriteBuffer(&part)
	e.note("dispatch %d: %v", n, err)
	e.checkWrite(n, before, ended, err)
	if err := box.PrependBuffer(&part); err != nil { // what was not taken is first again
		e.errorf("put back: %v", err)
	}
}

// keep shares what is to be sent with another buffer, which has it for longer.
func (e *streamEnd) keep() {
	s := &e.stash
	if s.outbox.Len() == 0 || s.kept.Len() > maxStash {
		return
	}
	p := make([]byte, s.outbox.Len())
	if _, err := s.outbox.CopyOut(p); err != nil {
		e.errorf("copy out: %v", err)
	}
	err := s.kept.AddBufferReference(&s.outbox)
	switch {
	case errors.Is(err, evbuffer.ErrNested):
	case err != nil:
		e.errorf("share: %v", err)
	default:
		s.copies = append(s.copies, p...)
	}
	if s.outbox.Len() != len(p) {
		e.errorf("%d of %d bytes are left of what is shared", s.outbox.Len(), len(p))
	}
}

// collect takes some of the input, to look at it later.
func (e *streamEnd) collect() {
	input, box := e.b.Input(), &e.stash.inbox
	n := input.Len()
	if n == 0 || box.Len() > maxStash {
		return
	}
	e.noteMoved()
	var err error
	switch e.rand.IntN(4) {
	case 0:
		err = e.b.ReadBuffer(box)
	case 1:
		err = box.AddBuffer(input)
	case 2:
		var part evbuffer.Buffer
		err = errors.Join(part.AddBuffer(input), part.PrependBuffer(box), box.AddBuffer(&part))
	default:
		n = e.rand.IntN(n + 1)
		_, err = input.RemoveBuffer(box, n)
	}
	if err != nil {
		e.errorf("collect %d bytes: %v", n, err)
	}
}

// inspect looks at all that was collected.
func (e *streamEnd) inspect() {
	if _, err := e.stash.inbox.WriteTo(e.in); err != nil {
		e.errorf("write to: %v", err)
	}
}

// inspectSome looks at some of what was collected.
func (e *streamEnd) inspectSome() {
	box := &e.stash.inbox
	n := e.rand.IntN(box.Len() + 1)
	var part evbuffer.Buffer
	if e.rand.IntN(2) == 0 {
		e.in.Check(takeBytes(box, n))
		return
	}
	if moved, err := box.RemoveBuffer(&part, n); moved != n || err != nil {
		e.errorf("%d of %d bytes were moved: %v", moved, n, err)
	}
	e.checkPieces(&part)
}

// shuffle changes how a buffer is made up, and not what is in it.
func (e *streamEnd) shuffle(b *evbuffer.Buffer) {
	for range 1 + e.rand.IntN(3) {
		e.shuffleOnce(b)
	}
}

func (e *streamEnd) shuffleOnce(b *evbuffer.Buffer) {
	n := b.Len()
	at := e.rand.IntN(n + 1)
	var front, tail evbuffer.Buffer
	var err error
	switch e.rand.IntN(7) {
	case 0, 6:
		_, err = b.Pullup(at)
	case 1:
		err = b.Expand(1 + e.rand.IntN(9000))
	case 2:
		b.Compact()
	case 3: // the front away and back
		_, err = b.RemoveBuffer(&front, at)
		err = errors.Join(err, b.PrependBuffer(&front))
	case 4: // the front away, and the rest behind it
		_, err = b.RemoveBuffer(&front, at)
		err = errors.Join(err, front.AddBuffer(b), b.AddBuffer(&front))
	default: // something small before and behind, which goes again
		between := []byte("between")
		err = errors.Join(tail.AddBuffer(b), b.Add(between), b.AddBuffer(&tail), b.Drain(len(between)))
		err = errors.Join(err, b.Prepend(between), b.Drain(len(between)))
	}
	if err != nil || b.Len() != n || front.Len()+tail.Len() > 0 {
		e.errorf("%d of %d bytes are left of a buffer: %v", b.Len(), n, err)
	}
}

// reserve fills reserved space before a change, which may take the space away: then it
// cannot be committed any more.
func (e *streamEnd) reserve() {
	box := &e.stash.outbox
	first, then := e.size(), e.size()
	if first+then > e.bytes || then == 0 || e.closed || e.broken || box.Len() > maxStash {
		return
	}
	vecs := make([][]byte, 1+e.rand.IntN(2))
	used, err := box.Reserve(then, vecs)
	if err != nil {
		e.errorf("reserve: %v", err)
		return
	}
	before := e.out.Take(first)
	reserved := fillSpace(vecs[:used], e.out.Take(then))
	givenUp := e.rand.IntN(4) == 0
	if givenUp {
		err = errors.Join(box.Commit(nil), box.AddBuffer(bufferOf(before)))
	} else {
		err = e.fill(box, before)
	}
	if err != nil {
		e.errorf("add to a buffer with reserved space: %v", err)
	}
	n := box.Len()
	err = box.Commit(reserved)
	switch {
	case givenUp && err == nil:
		e.errorf("space that was given up is committed")
	case errors.Is(err, evbuffer.ErrNotReserved) && box.Len() == n:
		e.out.Return(then)
		then = 0
	case err != nil || box.Len() != n+then:
		e.errorf("commit: %v, %d bytes after %d and another %d", err, box.Len(), n, then)
	}
	e.bytes -= first + then
}

// bufferOf returns a buffer with p.
func bufferOf(p []byte) *evbuffer.Buffer {
	b := new(evbuffer.Buffer)
	_ = b.Add(p) // nothing is frozen
	return b
}

// fillSpace copies p to reserved space, and returns what of that is used.
func fillSpace(vecs [][]byte, p []byte) [][]byte {
	for i := range vecs {
		k := copy(vecs[i], p)
		vecs[i], p = vecs[i][:k], p[k:]
	}
	return vecs
}

// emptyStash ends the stash: all that was collected is looked at, and what was kept.
func (e *streamEnd) emptyStash() {
	s := &e.stash
	e.giveBack()
	e.inspect()
	kept := takeBytes(&s.kept, -1)
	if !bytes.Equal(kept, s.copies) {
		e.errorf("%d bytes that were kept are not the %d that they were", len(kept), len(s.copies))
	}
	s.copies = nil
}
