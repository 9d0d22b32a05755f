package evbuffer

import "bytes"

// Search finds the first occurrence of what that starts at start or later; nil
// is the front. An empty what is found at once. The error is ErrNotFound if
// there is none, ErrPosition if start is not a position of the buffer
// (evbuffer_search).
func (b *Buffer) Search(what []byte, start *Ptr) (Ptr, error) {
	return b.SearchRange(what, start, nil)
}

// SearchRange finds the first occurrence of what that lies between start and
// end; nil is the front of the buffer and its back. The errors are those of
// Search (evbuffer_search_range).
func (b *Buffer) SearchRange(what []byte, start, end *Ptr) (Ptr, error) {
	defer b.enter().leave()
	from, err := b.locate(start)
	if err != nil {
		return Ptr{}, opError("search", err)
	}
	limit := b.length
	if end != nil {
		to, err := b.locate(end)
		if err != nil {
			return Ptr{}, opError("search", err)
		}
		limit = to.pos
	}
	at, err := from.search(what, limit)
	if err == ErrNotFound {
		return Ptr{}, err
	}
	if err != nil {
		return Ptr{}, opError("search", err)
	}
	return b.ptr(at), nil
}

// search finds the first occurrence of what from at on that ends at position
// limit or before.
func (at place) search(what []byte, limit int) (place, error) {
	if len(what) == 0 {
		return at, nil
	}
	for limit-at.pos >= len(what) {
		data, err := at.data()
		if err != nil {
			return place{}, err
		}
		data = data[:min(len(data), limit-at.pos)]
		if i := bytes.Index(data, what); i >= 0 {
			return at.forward(i), nil
		}
		// What begins in this chunk may end in the next ones.
		for i := max(0, len(data)-len(what)+1); i < len(data); i++ {
			j := bytes.IndexByte(data[i:], what[0])
			if j < 0 {
				break
			}
			i += j
			candidate := at.forward(i)
			if candidate.pos+len(what) > limit {
				return place{}, ErrNotFound
			}
			found, err := candidate.startsWith(what)
			if err != nil {
				return place{}, err
			}
			if found {
				return candidate, nil
			}
		}
		at = at.forward(len(data))
	}
	return place{}, ErrNotFound
}

// startsWith reports whether what is at this place, where there must be at
// least as many bytes.
func (at place) startsWith(what []byte) (bool, error) {
	for len(what) > 0 {
		data, err := at.data()
		if err != nil {
			return false, err
		}
		n := min(len(data), len(what))
		if !bytes.Equal(data[:n], what[:n]) {
			return false, nil
		}
		what = what[n:]
		at = at.forward(n)
	}
	return true, nil
}

// searchByte finds the first of a few bytes from at on.
func (at place) searchByte(index func([]byte) int) (place, error) {
	for {
		data, err := at.data()
		if err != nil {
			return place{}, err
		}
		if len(data) == 0 {
			return place{}, ErrNotFound
		}
		if i := index(data); i >= 0 {
			return at.forward(i), nil
		}
		at = at.forward(len(data))
	}
}

// data returns what the chunk has from here on: nothing only at the end of the
// buffer.
func (at place) data() ([]byte, error) {
	if at.chunk == nil {
		return nil, nil
	}
	if err := at.chunk.load(); err != nil {
		return nil, err
	}
	return at.chunk.data()[at.off:], nil
}
