package wire

import (
	"bytes"

	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A ChunkDecoder takes a chunked body apart (RFC 9112, section 7.1). It reads
// what is between the pieces of data, and leaves those to its user:
//
//	for {
//		n, err := d.Parse(piece, limits)
//		... drain n bytes ...
//		if err != nil || d.Done() { break }
//		... take up to d.Data() bytes of data, as far as they have come ...
//		d.Took(taken)
//	}
//
// The zero value is ready for a body. After Reset it is ready for another one,
// and keeps its memory.
type ChunkDecoder struct {
	// Trailer has the trailer fields when the body is done. They are not part
	// of the header, and must not be merged with it.
	Trailer message.Fields

	stage      chunkStage
	digits     int   // of the size, so far
	size       int64 // of the chunk
	left       int64 // data of it that is still to come
	total      int64 // data of all chunks so far
	extensions int   // bytes of extensions so far
	at         int   // where the trailer line begins that is to come next
	err        error
}

// A chunkStage is what may come next.
type chunkStage uint8

const (
	chunkSize         chunkStage = iota
	chunkSpace                   // after the size or a value: space, ";"
	chunkName                    // after ";": space, or a name
	chunkInName                  // within the name
	chunkNameSpace               // after the name: space, "=", ";"
	chunkValue                   // after "=": space, or a value
	chunkInValue                 // within a token
	chunkInQuotes                // within a quoted string
	chunkEscape                  // after a backslash in it
	chunkUnquoted                // after a quoted string
	chunkLineFeed                // the end of the line with the size
	chunkData                    // data, of which left bytes are to come
	chunkDataLineFeed            // the end of the data
	chunkTrailer
	chunkDone
)

// maxSizeDigits is the most digits of a chunk size, zeros at the front
// included.
const maxSizeDigits = 16

// Reset makes d ready for another body.
func (d *ChunkDecoder) Reset() {
	d.Trailer.Reset()
	*d = ChunkDecoder{Trailer: d.Trailer}
}

// Data returns how many bytes of data come next, without anything in between.
func (d *ChunkDecoder) Data() int64 { return d.left }

// Took says that n bytes of data were taken, at most as many as Data returns.
func (d *ChunkDecoder) Took(n int64) {
	if n < 0 || n > d.left {
		panic("wire: took data that is not there")
	}
	d.left -= n
}

// Done reports whether the body is complete, its trailer included.
func (d *ChunkDecoder) Done() bool { return d.stage == chunkDone }

// Parse takes the part of p that precedes data or ends the body, and returns
// how many bytes that is. It takes nothing while data is next. The error is an
// [Error], and stays until Reset. A nil l means default limits.
func (d *ChunkDecoder) Parse(p []byte, l *message.Limits) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	l = l.OrDefault()
	for n < len(p) && d.left == 0 && d.stage < chunkTrailer {
		if err := d.step(p[n], l); err != nil {
			d.err = refuse(err, 0, p[n:])
			return n, d.err
		}
		n++
	}
	if d.stage == chunkTrailer && n < len(p) {
		taken, err := d.parseTrailer(p[n:], l)
		d.err = err
		return n + taken, err
	}
	return n, nil
}

// step takes a byte that is not data.
func (d *ChunkDecoder) step(c byte, l *message.Limits) error {
	switch d.stage {
	case chunkSize:
		if ascii.Is(c, ascii.Hex) {
			return d.digit(c)
		}
		if d.digits == 0 {
			return ErrChunk
		}
		return d.separator(c, l)
	case chunkLineFeed:
		if c != '\n' {
			return ErrChunk
		}
		return d.begin(l)
	case chunkData:
		if c != '\r' {
			return ErrChunk
		}
		d.stage = chunkDataLineFeed
		return nil
	case chunkDataLineFeed:
		if c != '\n' {
			return ErrChunk
		}
		d.stage, d.digits, d.size = chunkSize, 0, 0
		return nil
	}
	return d.extension(c, l)
}

// digit takes a digit of the size.
func (d *ChunkDecoder) digit(c byte) error {
	if d.digits++; d.digits > maxSizeDigits {
		return ErrChunk
	}
	if d.size > (1<<63-1)>>4 {
		return ErrBodyTooLarge
	}
	v := c - '0'
	if v > 9 {
		v = c | 0x20 - 'a' + 10
	}
	d.size = d.size<<4 | int64(v)
	return nil
}

// separator takes what may follow the size, a name or a value.
func (d *ChunkDecoder) separator(c byte, l *message.Limits) error {
	switch {
	case c == '\r':
		d.stage = chunkLineFeed
		return nil
	case c == ';':
		d.stage = chunkName
	case message.IsSpace(c):
		d.stage = chunkSpace
	default:
		return ErrChunk
	}
	return d.count(l)
}

// count counts a byte of an extension.
func (d *ChunkDecoder) count(l *message.Limits) error {
	if d.extensions++; d.extensions > l.MaxExtensions() {
		return ErrExtensions
	}
	return nil
}

// extension takes a byte of an extension, which is ignored but may
// hide what is no extension.
func (d *ChunkDecoder) extension(c byte, l *message.Limits) error {
	token := ascii.Is(c, ascii.TokenByte)
	next := d.stage
	switch d.stage {
	case chunkSpace:
		if c == ';' {
			next = chunkName
		} else if !message.IsSpace(c) {
			return ErrChunk
		}
	case chunkName:
		if token {
			next = chunkInName
		} else if !message.IsSpace(c) {
			return ErrChunk
		}
	case chunkInName:
		switch {
		case token:
		case c == '=':
			next = chunkValue
		case message.IsSpace(c):
			next = chunkNameSpace
		default:
			return d.separator(c, l)
		}
	case chunkNameSpace:
		switch {
		case c == '=':
			next = chunkValue
		case c == ';':
			next = chunkName
		case !message.IsSpace(c):
			return ErrChunk
		}
	case chunkValue:
		switch {
		case c == '"':
			next = chunkInQuotes
		case token:
			next = chunkInValue
		case !message.IsSpace(c):
			return ErrChunk
		}
	case chunkInValue:
		if !token {
			return d.separator(c, l)
		}
	case chunkInQuotes, chunkEscape:
		switch {
		case !ascii.Is(c, ascii.ValueByte):
			return ErrChunk
		case d.stage == chunkEscape:
			next = chunkInQuotes
		case c == '"':
			next = chunkUnquoted
		case c == '\\':
			next = chunkEscape
		}
	case chunkUnquoted:
		return d.separator(c, l)
	}
	d.stage = next
	return d.count(l)
}

// begin begins a chunk, or the trailer, when its line has ended.
func (d *ChunkDecoder) begin(l *message.Limits) error {
	if d.size == 0 {
		d.stage = chunkTrailer
		return nil
	}
	if d.size > l.MaxBody()-d.total {
		return ErrBodyTooLarge
	}
	d.total += d.size
	d.stage, d.left = chunkData, d.size
	return nil
}

// parseTrailer takes lines of the trailer, up to the empty one.
func (d *ChunkDecoder) parseTrailer(p []byte, l *message.Limits) (n int, err error) {
	f := &d.Trailer
	for n < len(p) {
		size := bytes.IndexByte(p[n:], '\n') + 1
		ended := size > 0
		if !ended {
			size = len(p) - n
		}
		// The line that has not ended has at least one more byte.
		over := len(f.Text()) + size
		if !ended {
			over++
		}
		if over > l.MaxTrailer() {
			return n, refuse(ErrTrailerTooLarge, 0, p[n:])
		}
		f.AppendText(p[n : n+size])
		n += size
		if !ended {
			return n, nil
		}
		if err := d.trailerLine(l); err != nil {
			return n, refuse(err, 0, f.Text()[d.at:])
		}
		if d.stage == chunkDone {
			return n, nil
		}
		d.at = len(f.Text())
	}
	return n, nil
}

// trailerLine takes the line at the end of the trailer's text.
func (d *ChunkDecoder) trailerLine(l *message.Limits) error {
	f := &d.Trailer
	end := len(f.Text()) - 1
	if end == d.at || f.Text()[end-1] != '\r' {
		return ErrLineEnd
	}
	if end--; end == d.at {
		d.stage = chunkDone
		return nil
	}
	if f.Len() >= l.MaxFields() {
		return ErrTooManyFields
	}
	if err := parseLine(f, f.Text(), d.at, end); err != nil {
		return err
	}
	if f.NameAt(f.Len() - 1).HeadOnly() {
		return ErrTrailer
	}
	return nil
}
