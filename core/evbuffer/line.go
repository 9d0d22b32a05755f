package evbuffer

import (
	"bytes"
	"strings"
)

// An EOL is a style of line endings (enum evbuffer_eol_style).
type EOL int

const (
	// EOLAny ends a line at any run of CR and LF. A run that arrives in two
	// parts may be taken for two endings (EVBUFFER_EOL_ANY).
	EOLAny EOL = iota
	// EOLCRLF ends a line at LF, and takes a CR before it away too. It suits
	// most text protocols of the Internet (EVBUFFER_EOL_CRLF).
	EOLCRLF
	// EOLCRLFStrict ends a line at CR followed by LF
	// (EVBUFFER_EOL_CRLF_STRICT).
	EOLCRLFStrict
	// EOLLF ends a line at LF (EVBUFFER_EOL_LF).
	EOLLF
	// EOLNUL ends a line at a zero byte (EVBUFFER_EOL_NUL).
	EOLNUL
)

// SearchEOL finds the first line ending at start or later; nil is the front. It
// returns where that begins and how many bytes it has. The error is ErrNotFound
// if there is none, ErrPosition if start is not a position of the buffer,
// ErrFlag if there is no such style (evbuffer_search_eol).
func (b *Buffer) SearchEOL(start *Ptr, style EOL) (pos Ptr, n int, err error) {
	defer b.enter().leave()
	from, err := b.locate(start)
	if err != nil {
		return Ptr{}, 0, opError("search line", err)
	}
	at, n, err := from.searchEOL(style, b.length)
	if err == ErrNotFound {
		return Ptr{}, 0, err
	}
	if err != nil {
		return Ptr{}, 0, opError("search line", err)
	}
	return b.ptr(at), n, nil
}

// ReadLine removes the first line and its ending from the buffer and returns it
// without the ending. The error is ErrNotFound if no line is complete yet,
// ErrFrozen if the front is frozen, ErrFlag if there is no such style
// (evbuffer_readln).
func (b *Buffer) ReadLine(style EOL) (string, error) {
	defer b.enter().leave()
	at, n, err := b.firstLine(style)
	if err != nil {
		return "", err
	}
	line := b.text(at.pos)
	b.drain(at.pos + n)
	return line, nil
}

// AppendLine is ReadLine that appends the line to dst and returns that, so that one
// slice serves for all lines and nothing is allocated once it is long enough. After
// an error dst comes back as it was.
func (b *Buffer) AppendLine(dst []byte, style EOL) ([]byte, error) {
	defer b.enter().leave()
	at, n, err := b.firstLine(style)
	if err != nil {
		return dst, err
	}
	for c, missing := b.first, at.pos; missing > 0; c = c.next {
		part := c.data()[:min(c.len(), missing)]
		dst = append(dst, part...)
		missing -= len(part)
	}
	b.drain(at.pos + n)
	return dst, nil
}

// firstLine returns where the first line's ending begins and how long that is. The
// line can be taken out.
func (b *Buffer) firstLine(style EOL) (eol place, n int, err error) {
	if b.frozen(Front) {
		return place{}, 0, opError("read line", ErrFrozen)
	}
	eol, n, err = place{chunk: b.first}.searchEOL(style, b.length)
	if err != nil && err != ErrNotFound {
		err = opError("read line", err)
	}
	return eol, n, err
}

// text returns the first n bytes, which are in memory, as a string. The buffer
// has more than those.
func (b *Buffer) text(n int) string {
	if n <= b.first.len() {
		return string(b.first.data()[:n])
	}
	var s strings.Builder
	s.Grow(n)
	for c := b.first; s.Len() < n; c = c.next {
		s.Write(c.data()[:min(c.len(), n-s.Len())])
	}
	return s.String()
}

// searchEOL finds the first line ending from at on, in a buffer of that length.
func (at place) searchEOL(style EOL, length int) (eol place, n int, err error) {
	switch style {
	case EOLAny:
		if eol, err = at.searchByte(indexCROrLF); err == nil {
			n, err = eol.countCROrLF()
		}
		return eol, n, err
	case EOLCRLF:
		return at.searchCRLF()
	case EOLCRLFStrict:
		eol, err = at.search([]byte("\r\n"), length)
		return eol, 2, err
	case EOLLF:
		eol, err = at.searchByte(indexLF)
		return eol, 1, err
	case EOLNUL:
		eol, err = at.searchByte(indexNUL)
		return eol, 1, err
	default:
		return place{}, 0, ErrFlag
	}
}

// searchCRLF finds the first LF, or the CR before it.
func (at place) searchCRLF() (eol place, n int, err error) {
	// before is the last byte that was passed, perhaps in an earlier chunk.
	var before place
	for {
		data, err := at.data()
		if err != nil {
			return place{}, 0, err
		}
		if len(data) == 0 {
			return place{}, 0, ErrNotFound
		}
		i := indexLF(data)
		switch {
		case i < 0:
			before = at
			before.pos += len(data) - 1
			before.off += len(data) - 1
			at = at.forward(len(data))
			continue
		case i > 0:
			before = at.forward(i - 1)
		}
		if before.chunk != nil && before.chunk.data()[before.off] == '\r' {
			return before, 2, nil
		}
		return at.forward(i), 1, nil
	}
}

// countCROrLF returns the length of the run of CR and LF that begins here.
func (at place) countCROrLF() (int, error) {
	n := 0
	for {
		data, err := at.data()
		if err != nil {
			return 0, err
		}
		run := len(data) - len(bytes.TrimLeft(data, "\r\n"))
		n += run
		if run < len(data) || run == 0 {
			return n, nil
		}
		at = at.forward(run)
	}
}

func indexLF(p []byte) int  { return bytes.IndexByte(p, '\n') }
func indexNUL(p []byte) int { return bytes.IndexByte(p, 0) }

// indexCROrLF looks for both in one short piece after another. Otherwise lines
// that all end with the one would make it search all of p for the other, every
// time.
func indexCROrLF(p []byte) int {
	const piece = 256
	for start := 0; start < len(p); start += piece {
		q := p[start:min(start+piece, len(p))]
		lf := indexLF(q)
		if lf >= 0 {
			q = q[:lf]
		}
		if cr := bytes.IndexByte(q, '\r'); cr >= 0 {
			return start + cr
		}
		if lf >= 0 {
			return start + lf
		}
	}
	return -1
}
