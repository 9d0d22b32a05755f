package simulation_test

import (
	"bytes"
	"errors"
	"io"
	"testing/iotest"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
)

// size is how many bytes are written at once.
func (e *streamEnd) size() int {
	n := 1 + e.rand.IntN(40)
	switch e.rand.IntN(6) {
	case 0:
		n = 1 + e.rand.IntN(5000)
	case 1:
		n = 1 + e.rand.IntN(60000)
	}
	return min(n, e.bytes)
}

// write puts bytes into the output, in one of the ways that there are.
func (e *streamEnd) write() {
	e.dispatch() // which comes before
	n := e.size()
	if n == 0 || e.state > endOpen {
		return
	}
	p := e.out.Take(n)
	e.bytes -= n
	e.beginsToWait()
	before, ended := e.b.Output().Len(), e.closed || e.broken
	err := e.put(p)
	e.note("write %d: %v", n, err)
	if err != nil {
		e.bytes += n
		e.out.Return(n)
	}
	e.checkWrite(n, before, ended, err)
}

// beginsToWait notes that what is written now may be the first that waits.
func (e *streamEnd) beginsToWait() {
	if e.b.Unsent() == 0 {
		e.writeSince = time.Now()
	}
}

// checkWrite checks what has become of a write of n bytes, of which there were some before.
func (e *streamEnd) checkWrite(n, before int, ended bool, err error) {
	gone := e.kind == kindPair && e.scenario.root(e.b).Partner() == nil
	switch {
	case err == nil && ended:
		e.errorf("a write after the end is accepted")
	case err == nil && len(e.layers) == 0 && e.kind == kindSocket && e.b.Output().Len() != before+n:
		e.errorf("%d bytes of output after %d and another %d", e.b.Output().Len(), before, n)
	case err == nil, gone:
	case e.closed && !errors.Is(err, bufferevent.ErrClosed):
		e.errorf("a write after CloseWrite has the error %v", err)
	case !e.closed && !e.broken && !errors.Is(err, bufferevent.ErrBroken):
		e.errorf("write: %v", err)
	}
}

// put writes p somehow. What may fail goes through the methods that say so.
func (e *streamEnd) put(p []byte) error {
	way := e.rand.IntN(9)
	if e.closed || e.broken || e.kind == kindPair || len(e.layers) > 0 {
		way = e.rand.IntN(4)
	}
	switch way {
	case 0:
		return second(e.b.WriteString(string(p)))
	case 1, 2:
		var buf evbuffer.Buffer
		err := e.fill(&buf, p)
		if err == nil {
			err = e.b.WriteBuffer(&buf)
		}
		_ = buf.Free()
		return err
	case 4:
		return e.b.Output().Add(p)
	case 5:
		return e.addReference(e.b.Output(), p)
	case 6:
		return second(e.b.Output().AddIOVec([][]byte{p[:len(p)/2], p[len(p)/2:]}))
	case 7:
		return second(e.b.Output().Printf("%s", p))
	case 8:
		return e.commit(e.b.Output(), p)
	}
	return second(e.b.Write(p))
}

// second returns the error of two results.
func second[T any](_ T, err error) error { return err }

// fill puts p into a buffer: in pieces, as references, moved from others.
func (e *streamEnd) fill(buf *evbuffer.Buffer, p []byte) error {
	for len(p) > 0 {
		n := 1 + e.rand.IntN(len(p))
		if err := e.fillPart(buf, p[:n]); err != nil {
			return err
		}
		p = p[n:]
		if e.rand.IntN(3) == 0 {
			return buf.Add(p)
		}
	}
	return nil
}

func (e *streamEnd) fillPart(buf *evbuffer.Buffer, p []byte) error {
	switch e.rand.IntN(9) {
	case 0:
		return e.addReference(buf, p)
	case 1:
		return e.moveFrom(buf, p, len("front"))
	case 2:
		var other evbuffer.Buffer
		if err := other.Add(p); err != nil {
			return err
		}
		if err := buf.AddBufferReference(&other); err != nil {
			return err
		}
		return other.Free()
	case 3:
		return e.prepend(buf, p)
	case 4:
		return e.commit(buf, p)
	case 5:
		return second(buf.ReadFrom(iotest.HalfReader(bytes.NewReader(p))))
	case 6:
		if err := buf.Expand(len(p)); err != nil {
			return err
		}
		return errors.Join(buf.WriteByte(p[0]), buf.Add(p[1:]))
	case 7:
		third := len(p) / 3
		return second(buf.AddIOVec([][]byte{p[:third], nil, p[third : 2*third], p[2*third:]}))
	}
	return buf.Add(p)
}

// moveFrom adds p, which has something before it in another buffer.
func (e *streamEnd) moveFrom(buf *evbuffer.Buffer, p []byte, front int) error {
	var other evbuffer.Buffer
	if err := other.Add(make([]byte, front)); err != nil {
		return err
	}
	if err := e.addReference(&other, p); err != nil {
		return err
	}
	if err := other.Drain(front); err != nil {
		return err
	}
	if half := e.rand.IntN(len(p) + 1); half > 0 { // which may share memory with the rest
		if n, err := other.RemoveBuffer(buf, half); n != half || err != nil {
			e.errorf("%d of %d bytes were moved: %v", n, half, err)
		}
	}
	return buf.AddBuffer(&other)
}

// prepend adds p from its end to its beginning.
func (e *streamEnd) prepend(buf *evbuffer.Buffer, p []byte) error {
	var other evbuffer.Buffer
	for len(p) > 0 {
		at := e.rand.IntN(len(p))
		if e.rand.IntN(3) == 0 {
			var part evbuffer.Buffer
			if err := errors.Join(part.Add(p[at:]), other.PrependBuffer(&part)); err != nil {
				return err
			}
		} else if err := other.Prepend(p[at:]); err != nil {
			return err
		}
		p = p[:at]
	}
	return buf.AddBuffer(&other)
}

// addReference adds p without copying. It is given back once, whatever becomes of it.
func (e *streamEnd) addReference(buf *evbuffer.Buffer, p []byte) error {
	released, was := false, bytes.Clone(p)
	e.scenario.references++
	err := buf.AddReference(p, func([]byte) {
		if !bytes.Equal(p, was) {
			e.errorf("memory that was lent is written to")
		}
		if released {
			e.errorf("a reference is given back twice")
		}
		released = true
		e.scenario.references--
		clear(p) // whoever reads on gets other bytes
	})
	if err != nil {
		e.scenario.references--
	}
	return err
}

// commit adds p by way of reserved memory.
func (e *streamEnd) commit(buf *evbuffer.Buffer, p []byte) error {
	vecs := make([][]byte, 2)
	n, err := buf.Reserve(len(p), vecs)
	if err != nil {
		return err
	}
	return buf.Commit(fillSpace(vecs[:n], p))
}

func (e *streamEnd) read() {
	n := e.b.Input().Len()
	if e.rand.IntN(2) == 0 {
		n = e.rand.IntN(n + 1)
	}
	e.take(n)
	e.touchedAt = time.Now()
}

// take reads n bytes of the input, or more, and checks them.
func (e *streamEnd) take(n int) {
	for n > 0 {
		n -= e.takeSome(n)
	}
}

// takeSome takes some of n bytes of the input, or more than those, in one of the ways
// that there are, and returns how many those were at least.
func (e *streamEnd) takeSome(n int) int {
	e.noteMoved()
	e.inspect() // which has come before
	input := e.b.Input()
	before := input.Len()
	rest := before - n
	p := make([]byte, n)
	var buf evbuffer.Buffer
	var err error
	switch e.rand.IntN(10) {
	case 0:
		n, err = e.b.Read(p)
		e.in.Check(p[:n])
	case 1:
		n, err = input.Remove(p)
		e.in.Check(p[:n])
	case 2:
		err = e.b.ReadBuffer(&buf)
		rest = 0
	case 3:
		_, err = input.RemoveBuffer(&buf, n)
	case 4:
		var q []byte
		if q, err = input.Pullup(n); err == nil {
			e.in.Check(q[:n])
			err = input.Drain(n)
		}
	case 5:
		if n, err = input.CopyOut(p); err == nil {
			e.in.Check(p[:n])
			err = input.Drain(n)
		}
	case 6:
		n = min(n, 4)
		rest, err = before-n, e.readBytes(input, n)
	case 7:
		err = e.copyPieces(input, p)
	case 8:
		n, err = e.readLine(input, n)
		rest = before - n
	default:
		err = buf.AddBuffer(input)
		rest = 0
	}
	if err != nil {
		e.errorf("take %d of %d bytes: %v", n, before, err)
	}
	e.checkPieces(&buf)
	// Taking some may let more in, from a layer or the other half of a pair.
	if len(e.layers) == 0 && e.kind == kindSocket && input.Len() != rest {
		e.errorf("%d bytes of input are left, not %d", input.Len(), rest)
	}
	if err != nil {
		return before
	}
	return n
}

// checkPieces checks what was moved to another buffer.
func (e *streamEnd) checkPieces(buf *evbuffer.Buffer) {
	if _, err := buf.WriteTo(e.in); err != nil {
		e.errorf("write to: %v", err)
	}
	if err := buf.Free(); err != nil {
		e.errorf("free: %v", err)
	}
}

// readNothing reads from an empty input.
func (e *streamEnd) readNothing() {
	if e.b.Input().Len() > 0 {
		return
	}
	_, err := e.b.Read(make([]byte, 1))
	switch {
	case err == io.EOF && (e.ended || len(e.layers) > 0 || e.kind == kindPair || e.deferred):
	case err != bufferevent.ErrNothingToRead || e.ended && e.kind == kindSocket && len(e.layers) == 0:
		e.errorf("read with nothing to read: %v (ended: %v)", err, e.ended)
	}
}
