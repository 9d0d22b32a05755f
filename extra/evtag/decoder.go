package evtag

import (
	"strconv"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// DefaultMaxDepth is how many records may be around a record.
const DefaultMaxDepth = 64

// A Decoder has the rules by which records are decoded. Its zero value is what the
// functions of the package use: it takes what C takes. It may be used by any number
// of goroutines, once it is set.
type Decoder struct {
	strict     bool
	maxPayload int // 0 is MaxPayload
	maxDepth   int // one more than the limit; 0 is DefaultMaxDepth
}

// SetStrict says whether to refuse, with ErrNotCanonical, what C takes though it
// never writes it: numbers and tags in more bytes than they need, padding that is
// not zero, payloads that go on after their numbers. It does not by default.
func (d *Decoder) SetStrict(strict bool) { d.strict = strict }

// SetMaxPayload limits the payload of a record to n bytes; longer ones are refused
// with ErrTooLong as soon as their header is there. Zero restores the default, which
// is MaxPayload. The error is ErrRange if n is negative or more than MaxPayload.
func (d *Decoder) SetMaxPayload(n int) error {
	if n < 0 || n > MaxPayload {
		return opError("set maximum payload "+strconv.Itoa(n), ErrRange)
	}
	d.maxPayload = n
	return nil
}

// SetMaxDepth limits how many records may be around a record that a Reader comes to
// by Nested. The default is DefaultMaxDepth; zero refuses all nesting. The error is
// ErrRange if n is negative.
func (d *Decoder) SetMaxDepth(n int) error {
	if n < 0 {
		return opError("set maximum depth "+strconv.Itoa(n), ErrRange)
	}
	d.maxDepth = n + 1
	return nil
}

// payloadLimit returns the length of the longest payload.
func (d *Decoder) payloadLimit() int {
	if d.maxPayload == 0 {
		return MaxPayload
	}
	return d.maxPayload
}

// depthLimit returns how many records may be around a record.
func (d *Decoder) depthLimit() int {
	if d.maxDepth == 0 {
		return DefaultMaxDepth
	}
	return d.maxDepth - 1
}

// Reader returns a reader of the records that are in b now. It takes nothing out of
// b before its Drain. A nil b has no records.
func (d *Decoder) Reader(b *evbuffer.Buffer) Reader {
	r := Reader{rules: *d, buffer: b}
	if b != nil {
		r.left = b.Len()
		r.begin()
	}
	return r
}

// NewReader returns a reader by the default rules, as Decoder.Reader does.
func NewReader(b *evbuffer.Buffer) Reader {
	var d Decoder
	return d.Reader(b)
}
