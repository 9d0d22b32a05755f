package evtag

import (
	"fmt"
	"unsafe"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// Defaults of the limits of a ParserConfig.
const (
	// DefaultMaxMessage is how long a message may be, in bytes.
	DefaultMaxMessage = 64 << 20
	// DefaultMaxMemory is how much memory what is decoded may take, in bytes. A message
	// may ask for more than its own length: a record of two bytes can be an empty message.
	DefaultMaxMemory = 256 << 20
)

// ParserConfig has the rules by which a Parser decodes. Its zero value is the default: what
// C takes is taken, within limits that C does not have.
type ParserConfig struct {
	// Strict refuses what C takes though it never writes it (see [Decoder.SetStrict]).
	Strict bool
	// MaxDepth is how many records may be around a record. Zero stands for
	// [DefaultMaxDepth], a negative number for none.
	MaxDepth int
	// MaxMessage is how long a message may be, in bytes. Zero stands for
	// [DefaultMaxMessage].
	MaxMessage int
	// MaxMemory is how much memory what is decoded may take, in bytes. Zero stands for
	// [DefaultMaxMemory].
	MaxMemory int
}

// A Parser decodes messages, which are records in any order, each with a tag that says
// which field it is. Generated code uses it. It looks at a message in one piece of memory,
// where a [Reader] goes through a buffer in pieces; what it gives to fields is copied.
//
// It begins in front of the message, as if that were the payload of a record. Enter goes
// into a payload, Next from record to record, the methods named by types store a payload
// in a field, and Leave goes on behind the payload. After an error it is of no further use,
// except for End.
type Parser struct {
	rest    []byte // what comes behind the record
	payload []byte // of the record
	err     error  // why Next found no more
	tag     uint32
	strict  bool
	depth   int // how many more messages may be entered
	memory  int // how many more bytes may be taken
	source  *evbuffer.Buffer
	size    int // of the message
}

// ParseBuffer returns a parser of the message that is all of b, which it brings together in
// memory. The error is ErrTooLong if that is more than the limit; cfg may be nil. Until End,
// b must not change.
func ParseBuffer(b *evbuffer.Buffer, cfg *ParserConfig) (Parser, error) {
	if b == nil {
		return Parser{}, event.ErrNil
	}
	r := newParser(nil, cfg)
	r.source, r.size = b, b.Len()
	if r.size > cfg.maxMessage() {
		return r, ErrTooLong
	}
	p, err := b.Pullup(-1)
	r.payload = p
	return r, err
}

// Parse returns a parser of the message that is all of p; cfg may be nil.
func Parse(p []byte, cfg *ParserConfig) (Parser, error) {
	if len(p) > cfg.maxMessage() {
		return Parser{}, ErrTooLong
	}
	return newParser(p, cfg), nil
}

func newParser(p []byte, cfg *ParserConfig) Parser {
	r := Parser{payload: p, depth: DefaultMaxDepth, memory: DefaultMaxMemory}
	if cfg == nil {
		r.depth++
		return r
	}
	r.strict = cfg.Strict
	if cfg.MaxDepth != 0 {
		r.depth = max(cfg.MaxDepth, 0)
	}
	if cfg.MaxMemory != 0 {
		r.memory = cfg.MaxMemory
	}
	r.depth++ // for the message itself
	return r
}

func (c *ParserConfig) maxMessage() int {
	if c == nil || c.MaxMessage == 0 {
		return DefaultMaxMessage
	}
	return c.MaxMessage
}

// End takes the message out of the buffer that it came from, whether it was good or not,
// and returns err, which is a FieldError unless the message could not even be begun.
func (r *Parser) End(err error) error {
	if r.source != nil {
		if failed := r.source.Drain(r.size); err == nil {
			err = failed
		}
	}
	if _, named := err.(*FieldError); err == nil || named {
		return err
	}
	return opError("unmarshal", err)
}

// Enter goes into the payload, which is a message. It returns what Leave needs. The error
// is ErrTooDeep if that is too deep.
func (r *Parser) Enter() (outside []byte, err error) {
	if r.depth == 0 {
		return nil, ErrTooDeep
	}
	outside, r.rest = r.rest, r.payload
	r.depth--
	return outside, nil
}

// Leave goes on behind the payload of which Enter has returned what is outside. The error
// is why Next has returned false, unless it was for the end of the payload.
func (r *Parser) Leave(outside []byte) error {
	r.rest = outside
	r.depth++
	return r.err
}

// Next goes to the next record, and reports whether there is one.
func (r *Parser) Next() bool {
	if len(r.rest) == 0 || r.err != nil {
		return false
	}
	tag, n, err := decodeTag(r.rest[:min(len(r.rest), maxTagSize)], r.strict)
	if err != nil {
		return r.stop(err)
	}
	p := r.rest[n:]
	length, m, err := decodeInt(p, 8, r.strict)
	if err != nil {
		return r.stop(err)
	}
	if length > uint64(len(p)-m) {
		return r.stop(ErrMalformed)
	}
	end := m + int(length)
	r.tag, r.payload, r.rest = tag, p[m:end:end], p[end:]
	return true
}

// stop has Next return false. What ends within a record will not be completed.
func (r *Parser) stop(err error) bool {
	if err == ErrIncomplete {
		err = ErrMalformed
	}
	r.err = err
	return false
}

// Tag returns the tag of the record.
func (r *Parser) Tag() uint32 { return r.tag }

// Payload returns the payload of the record, which is a part of the message.
func (r *Parser) Payload() []byte { return r.payload }

// Unknown returns the error for a record whose tag the message does not have.
func (r *Parser) Unknown() error { return fmt.Errorf("tag %d: %w", r.tag, ErrUnknown) }

// Int stores a number of 32 bits in a field. The error is ErrDuplicate if that is set.
func (r *Parser) Int(field *uint32, set *bool) error {
	v, err := r.once(set, 8)
	*field = uint32(v)
	return err
}

// Int64 stores a number of 64 bits in a field. The error is ErrDuplicate if that is set.
func (r *Parser) Int64(field *uint64, set *bool) (err error) {
	*field, err = r.once(set, 16)
	return err
}

// String stores a string in a field. The error is ErrDuplicate if that is set.
func (r *Parser) String(field *string, set *bool) error {
	if err := r.claim(set, len(r.payload)); err != nil {
		return err
	}
	*field = string(r.payload)
	return nil
}

// Bytes stores bytes in a field, whose memory it uses. The error is ErrDuplicate if that is
// set.
func (r *Parser) Bytes(field *[]byte, set *bool) error {
	if err := r.claim(set, len(r.payload)); err != nil {
		return err
	}
	*field = append((*field)[:0], r.payload...)
	return nil
}

// Fixed stores bytes in a field. The error is ErrDuplicate if that is set, ErrLength if the
// payload has another length.
func (r *Parser) Fixed(field []byte, set *bool) error {
	if err := r.claim(set, 0); err != nil {
		return err
	}
	if len(r.payload) != len(field) {
		return ErrLength
	}
	copy(field, r.payload)
	return nil
}

// AddInt adds a number of 32 bits to a field.
func (r *Parser) AddInt(field *[]uint32) error {
	v, err := r.number(8)
	if err != nil {
		return err
	}
	*field = append(*field, uint32(v))
	return r.take(4)
}

// AddInt64 adds a number of 64 bits to a field.
func (r *Parser) AddInt64(field *[]uint64) error {
	v, err := r.number(16)
	if err != nil {
		return err
	}
	*field = append(*field, v)
	return r.take(8)
}

// AddString adds a string to a field.
func (r *Parser) AddString(field *[]string) error {
	if err := r.take(len(r.payload) + int(unsafe.Sizeof(""))); err != nil {
		return err
	}
	*field = append(*field, string(r.payload))
	return nil
}

// NewMessage returns a new T for a field whose records r is to be entered for. The error is
// ErrDuplicate if field is a message already, which it returns.
func NewMessage[T any](r *Parser, field *T) (*T, error) {
	if field != nil {
		return field, ErrDuplicate
	}
	if err := r.take(int(unsafe.Sizeof(*field)) + int(unsafe.Sizeof(field))); err != nil {
		return nil, err
	}
	return new(T), nil
}

// once decodes the number of a field that must not be set.
func (r *Parser) once(set *bool, most int) (uint64, error) {
	if err := r.claim(set, 0); err != nil {
		return 0, err
	}
	return r.number(most)
}

// claim makes a field one that is set, with n bytes of its own.
func (r *Parser) claim(set *bool, n int) error {
	if *set {
		return ErrDuplicate
	}
	*set = true
	return r.take(n)
}

// take counts memory.
func (r *Parser) take(n int) error {
	if n > r.memory {
		return ErrMemory
	}
	r.memory -= n
	return nil
}

// number decodes the number that the payload begins with.
func (r *Parser) number(most int) (uint64, error) {
	v, n, err := decodeInt(r.payload, most, r.strict)
	switch {
	case err == ErrIncomplete:
		return 0, ErrMalformed
	case err == nil && r.strict && n < len(r.payload):
		return 0, ErrNotCanonical
	}
	return v, err
}
