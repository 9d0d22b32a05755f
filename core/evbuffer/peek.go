package evbuffer

import "iter"

// Peek points vecs at the data from start on, without copying it; nil is the
// front. It stops when they show n bytes or more. It returns how many vecs that
// takes, and fills as many of them as it was given.
//
// A negative n means as much as vecs can show or, if there are none, all. So
// Peek(-1, nil, nil) returns the number of pieces that the data is in.
//
// The pieces are valid until the next change to the buffer, and must not be
// written to. The error is ErrPosition if start is not a position of the
// buffer (evbuffer_peek).
func (b *Buffer) Peek(n int, start *Ptr, vecs [][]byte) (int, error) {
	defer b.enter().leave()
	at, err := b.locate(start)
	if err != nil {
		return 0, opError("peek", err)
	}
	if n < 0 && len(vecs) == 0 {
		n = b.length
	}
	used, seen := 0, 0
	for c, off := at.chunk, at.off; at.pos+seen < b.length; c, off = c.next, 0 {
		if n >= 0 && seen >= n || n < 0 && used == len(vecs) {
			break
		}
		if used < len(vecs) {
			if err := c.load(); err != nil {
				return 0, opError("peek", err)
			}
			vecs[used] = c.data()[off:]
		}
		seen += c.len() - off
		used++
	}
	return used, nil
}

// Pieces yields the data piece by piece, where it lies. The pieces are valid until
// the next change to the buffer, and must not be written to. With a lock, the loop
// has it.
//
// The body may add to the back, which the loop does not come to, and may do anything
// to the buffer if it breaks off then. After any other change the next piece is the
// error ErrPosition. A part of a file that cannot be read is an error, too. Each is
// wrapped, comes with a nil piece, and is the last. (It is what evbuffer_peek
// is mostly used for.)
func (b *Buffer) Pieces() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		defer b.enter().leave()
		epoch, end := b.epoch, b.length
		for at := (place{chunk: b.first}); at.pos < end; {
			if err := at.chunk.load(); err != nil {
				yield(nil, opError("pieces", err))
				return
			}
			piece := at.chunk.data()[at.off:]
			piece = piece[:min(len(piece), end-at.pos)]
			if !yield(piece, nil) {
				return
			}
			if b.epoch != epoch {
				yield(nil, opError("pieces", ErrPosition))
				return
			}
			at = at.forward(len(piece))
		}
	}
}
