package message

import "math"

// Default limits, in bytes but for the number of fields.
const (
	DefaultMaxLine       = 16 << 10
	DefaultMaxHeader     = 64 << 10
	DefaultMaxFields     = 256
	DefaultMaxExtensions = 4 << 10
	DefaultMaxTrailer    = 16 << 10
)

// largestLimit keeps offsets into text within 32 bits.
const largestLimit = 1 << 30

// Limits are the most that is taken from a peer. A field that is 0 or less
// stands for its default; so does a nil pointer for all of them.
type Limits struct {
	// Line is the most bytes of a request line or status line, its end
	// included. More is ErrLineTooLong.
	Line int
	// Header is the most bytes of all field lines of a head, their ends and
	// the empty line included. More is ErrHeaderTooLarge.
	Header int
	// Fields is the most fields in a head, and in a trailer. More is
	// ErrTooManyFields.
	Fields int
	// Extensions is the most bytes of chunk extensions in a body. More is
	// ErrExtensions.
	Extensions int
	// Trailer is the most bytes of a trailer, as Header is of a head. More is
	// ErrTrailerTooLarge.
	Trailer int
	// Body is the most bytes of a body whose length is announced, by
	// Content-Length or chunk by chunk; there is no limit by default. More is
	// ErrBodyTooLarge. Who reads a body until the end of the connection counts
	// for himself.
	Body int64
}

// noLimits has defaults only.
var noLimits Limits

// OrDefault returns l, or limits that are all defaults if l is nil.
func (l *Limits) OrDefault() *Limits {
	if l == nil {
		return &noLimits
	}
	return l
}

// MaxLine returns Line or its default; so do the others for their fields.
func (l *Limits) MaxLine() int       { return limit(l.Line, DefaultMaxLine) }
func (l *Limits) MaxHeader() int     { return limit(l.Header, DefaultMaxHeader) }
func (l *Limits) MaxFields() int     { return limit(l.Fields, DefaultMaxFields) }
func (l *Limits) MaxExtensions() int { return limit(l.Extensions, DefaultMaxExtensions) }
func (l *Limits) MaxTrailer() int    { return limit(l.Trailer, DefaultMaxTrailer) }

func limit(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return min(n, largestLimit)
}

// MaxBody returns Body, or the largest number if that sets no limit.
func (l *Limits) MaxBody() int64 {
	if l.Body <= 0 {
		return math.MaxInt64
	}
	return l.Body
}
