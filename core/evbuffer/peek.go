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
