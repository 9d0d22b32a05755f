package evbuffer

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
	if n < 0 || n > b.length-at.pos {
		n = b.length - at.pos
		if len(vecs) > 0 {
			return at.peekInto(vecs)
		}
	}
	_ = n
	return 0, nil
}
