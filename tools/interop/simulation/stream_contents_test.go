package simulation_test

import (
	"bytes"
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// maxContents is of how many bytes at the front of an input a copy is compared with
// what the buffer finds there.
const maxContents = 2048

// readBytes takes n bytes one by one.
func (e *streamEnd) readBytes(input *evbuffer.Buffer, n int) error {
	for range n {
		c, err := input.ReadByte()
		if err != nil {
			return err
		}
		e.in.Check([]byte{c})
	}
	return nil
}

// copyPieces takes as many bytes as p has, which it copies from positions.
func (e *streamEnd) copyPieces(input *evbuffer.Buffer, p []byte) error {
	var at evbuffer.Ptr
	if err := input.SetPtr(&at, 0, evbuffer.PtrSet); err != nil {
		return err
	}
	for done := 0; done < len(p); {
		size := 1 + e.rand.IntN(len(p)-done)
		n, err := input.CopyOutFrom(&at, p[done:done+size])
		if n != size || err != nil || at.Pos() != done {
			e.errorf("%d of %d bytes were copied from %d of %d: %v", n, size, at.Pos(), done, err)
			return err
		}
		if err := input.SetPtr(&at, n, evbuffer.PtrAdd); err != nil {
			return err
		}
		done += n
	}
	e.in.Check(p)
	return input.Drain(len(p))
}

// readLine takes a line with its ending, or most bytes if there is none.
func (e *streamEnd) readLine(input *evbuffer.Buffer, most int) (int, error) {
	style, ending := evbuffer.EOLLF, "\n"
	if e.rand.IntN(2) == 0 {
		style, ending = evbuffer.EOLNUL, "\x00"
	}
	var line []byte
	var err error
	if e.rand.IntN(2) == 0 {
		line, err = input.AppendLine(nil, style)
	} else {
		var s string
		s, err = input.ReadLine(style)
		line = []byte(s)
	}
	switch {
	case errors.Is(err, evbuffer.ErrNotFound):
		e.in.Check(takeBytes(input, most))
		return most, nil
	case err != nil:
		return 0, err
	case bytes.Contains(line, []byte(ending)):
		e.errorf("a line contains its ending")
	}
	line = append(line, ending...)
	e.in.Check(line)
	return len(line), nil
}

// lookInto compares what searches find in the input with a copy of its front.
func (e *streamEnd) lookInto() {
	input := e.b.Input()
	p := make([]byte, min(input.Len(), maxContents))
	if n, err := input.CopyOut(p); n != len(p) || err != nil {
		e.errorf("%d of %d bytes were copied: %v", n, len(p), err)
		return
	}
	if len(p) == 0 {
		return
	}
	from := e.rand.IntN(len(p))
	var start, end evbuffer.Ptr
	if err := errors.Join(input.SetPtr(&start, from, evbuffer.PtrSet), input.SetPtr(&end, len(p), evbuffer.PtrSet)); err != nil {
		e.errorf("set position: %v", err)
	}
	at := e.rand.IntN(len(p))
	what := p[at:min(len(p), at+1+e.rand.IntN(1<<e.rand.IntN(9)))]
	found, err := input.SearchRange(what, &start, &end)
	e.compare("a search", found, err, p, from, bytes.Index(p[from:], what))
	e.lookForLine(input, &start, p, from)
}

// lookForLine compares the ending of a line that is found with that in a copy.
func (e *streamEnd) lookForLine(input *evbuffer.Buffer, start *evbuffer.Ptr, p []byte, from int) {
	style := []evbuffer.EOL{evbuffer.EOLAny, evbuffer.EOLCRLF, evbuffer.EOLCRLFStrict, evbuffer.EOLLF, evbuffer.EOLNUL}[e.rand.IntN(5)]
	found, size, err := input.SearchEOL(start, style)
	want, wantSize := indexEOL(p[from:], style)
	if err == nil && found.Pos()+size > len(p) || err != nil && want < 0 {
		return // beyond the copy, or nowhere
	}
	e.compare("a search for a line", found, err, p, from, want)
	if err == nil && want >= 0 && size != wantSize {
		e.errorf("the ending of a line of style %d has %d bytes, not %d", style, size, wantSize)
	}
}

// compare compares a position with the index from from on, or -1.
func (e *streamEnd) compare(what string, found evbuffer.Ptr, err error, p []byte, from, want int) {
	switch {
	case want < 0 && !errors.Is(err, evbuffer.ErrNotFound):
		e.errorf("%s finds position %d of %d, where it is not: %v", what, found.Pos(), len(p), err)
	case want >= 0 && (err != nil || found.Pos() != from+want):
		e.errorf("%s finds position %d, not %d: %v", what, found.Pos(), from+want, err)
	}
}

// indexEOL finds the first ending of a line, or returns -1.
func indexEOL(p []byte, style evbuffer.EOL) (at, size int) {
	switch style {
	case evbuffer.EOLAny:
		at = bytes.IndexAny(p, "\r\n")
		if at >= 0 {
			rest := p[at:]
			size = len(rest) - len(bytes.TrimLeft(rest, "\r\n"))
		}
		return at, size
	case evbuffer.EOLCRLF:
		at = bytes.IndexByte(p, '\n')
		if at > 0 && p[at-1] == '\r' {
			return at - 1, 2
		}
		return at, 1
	case evbuffer.EOLCRLFStrict:
		return bytes.Index(p, []byte("\r\n")), 2
	case evbuffer.EOLNUL:
		return bytes.IndexByte(p, 0), 1
	}
	return bytes.IndexByte(p, '\n'), 1
}

// freeze freezes the end of a buffer that is the user's for a moment, in which nothing
// can be taken or put there, and finds the other one the owner's.
func (e *streamEnd) freeze() {
	input, output := e.b.Input(), e.b.Output()
	if err := input.Freeze(evbuffer.Front); err != nil {
		e.errorf("freeze: %v", err)
	}
	before := input.Len()
	for _, take := range []func() error{
		func() error { return input.Drain(1) },
		func() error { return second(input.Remove(make([]byte, 1))) },
		func() error { return second(input.RemoveBuffer(new(evbuffer.Buffer), 1)) },
		func() error { return new(evbuffer.Buffer).AddBuffer(input) },
	} {
		if err := take(); before > 0 && !errors.Is(err, evbuffer.ErrFrozen) {
			e.errorf("taking from a frozen input: %v", err)
		}
	}
	if input.Len() != before {
		e.errorf("%d of %d bytes of a frozen input are left", input.Len(), before)
	}
	if err := input.Unfreeze(evbuffer.Front); err != nil {
		e.errorf("unfreeze: %v", err)
	}
	for _, err := range []error{
		input.Unfreeze(evbuffer.Back), output.Unfreeze(evbuffer.Front), input.Free(), output.Free(),
	} {
		if !errors.Is(err, evbuffer.ErrOwned) {
			e.errorf("what only the owner may do to a buffer: %v", err)
		}
	}
	if err := input.Add([]byte("x")); !errors.Is(err, evbuffer.ErrFrozen) {
		e.errorf("adding to an input: %v", err)
	}
	if err := output.Drain(1); output.Len() > 0 && !errors.Is(err, evbuffer.ErrFrozen) {
		e.errorf("taking from an output: %v", err)
	}
}
