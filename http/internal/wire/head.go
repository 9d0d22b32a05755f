package wire

import (
	"bytes"

	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A Head is what heads of requests and responses have in common: the message.Head that
// Parse fills in, the HTTP/1.1 framing of the body, and how far parsing has got.
type Head struct {
	message.Head

	// Framing says how the body is delimited.
	Framing Framing
	// Upgrade says whether the message has an Upgrade field and an option to
	// that effect in Connection.
	Upgrade bool

	stage  stage
	folded bool  // a field value has ends of lines in it
	at     int   // where the line begins that is to come next
	seen   int   // there is no line feed between at and here
	line   int   // how many lines were taken
	fields int   // where the field lines begin
	err    error // of an earlier Parse
}

type stage uint8

const (
	atStart  stage = iota // an empty line may precede a request
	atFirst               // the first line is to come
	atFields              // field lines, or the empty one
	atEnd
)

// Started reports whether some of the head has come.
func (h *Head) Started() bool { return h.seen > 0 || h.err != nil }

// reset forgets everything but the memory. It names the fields because copying
// all of them takes longer than parsing a line.
func (h *Head) reset(first stage) {
	h.Head.Reset()
	h.Framing, h.Upgrade = NoBody, false
	h.stage, h.folded, h.at, h.seen, h.line, h.fields, h.err = first, false, 0, 0, 0, 0, nil
}

// A firstLine is the part of a head that requests and responses differ in.
type firstLine interface {
	// parseFirst takes the first line, buf[begin:end].
	parseFirst(buf []byte, begin, end int) error
	// malformed is the reason to refuse what is no first line at all.
	malformed() error
	// folds reports whether a field line may continue the one before.
	folds() bool
}

// parse takes as much of p as belongs to the head. All of that ends up in
// the text of h.Header, which spans and fields refer to. If the head begins in p, lines
// are parsed where they lie and then copied at once.
func (h *Head) parse(p []byte, l *message.Limits, first firstLine) (n int, done bool, err error) {
	if h.stage == atEnd || h.err != nil {
		return 0, h.stage == atEnd, h.err
	}
	f := &h.Header
	l = l.OrDefault()
	if len(f.Text()) == 0 {
		done, err = h.scan(p, l, first)
		n = len(p)
		if done || err != nil {
			n = h.at
		}
		f.AppendText(p[:n])
	} else {
		for n < len(p) && !done && err == nil {
			line := bytes.IndexByte(p[n:], '\n') + 1
			if line == 0 {
				line = len(p) - n
			}
			f.AppendText(p[n : n+line])
			n += line
			done, err = h.scan(f.Text(), l, first)
		}
	}
	if done && h.folded {
		unfold(f)
	}
	h.err = err
	return n, done, err
}

// scan takes the complete lines of buf, which begins where the head does.
func (h *Head) scan(buf []byte, l *message.Limits, first firstLine) (done bool, err error) {
	if !plausible(buf) {
		return false, refuse(first.malformed(), 1, buf)
	}
	for h.stage != atFields {
		begin, end, err := h.nextLine(buf, h.at+l.MaxLine(), ErrLineTooLong)
		if end < 0 {
			return false, err
		}
		if err := h.takeFirst(buf, begin, end, first); err != nil {
			return false, refuse(err, h.line, buf[begin:end])
		}
	}
	most := l.MaxFields()
	for {
		begin, end, err := h.nextLine(buf, h.fields+l.MaxHeader(), ErrHeaderTooLarge)
		if end < 0 {
			return false, err
		}
		if begin == end {
			h.stage = atEnd
			return true, nil
		}
		if err := h.takeField(buf, begin, end, most, first); err != nil {
			return false, refuse(err, h.line, buf[begin:end])
		}
	}
}

// nextLine finds the next line, buf[begin:end] without its end, which must not
// reach beyond limit. If there is none, end is less than 0; either it is not
// complete yet or there is an error, which is tooLong if it is too long.
func (h *Head) nextLine(buf []byte, limit int, tooLong error) (begin, end int, err error) {
	i := bytes.IndexByte(buf[h.seen:], '\n')
	if i < 0 {
		h.seen = len(buf)
		if len(buf) >= limit {
			return 0, -1, refuse(tooLong, h.line+1, buf[h.at:])
		}
		return 0, -1, nil
	}
	begin, end = h.at, h.seen+i
	if end >= limit {
		return 0, -1, refuse(tooLong, h.line+1, buf[begin:end])
	}
	h.at, h.seen, h.line = end+1, end+1, h.line+1
	if end == begin || buf[end-1] != '\r' {
		return 0, -1, refuse(ErrLineEnd, h.line, buf[begin:end+1])
	}
	return begin, end - 1, nil
}

// plausible reports whether a message may begin like this. It lets a peer that
// speaks another protocol know at once, even if that has no lines.
func plausible(buf []byte) bool {
	return len(buf) == 0 || ascii.Is(buf[0], ascii.TokenByte) || buf[0] == '\r' || buf[0] == '\n'
}

// takeFirst takes a line before the fields, buf[begin:end].
func (h *Head) takeFirst(buf []byte, begin, end int, first firstLine) error {
	if h.stage == atStart && end == begin {
		h.stage = atFirst
		return nil
	}
	h.stage = atFields
	h.fields = h.at
	h.Header.Keep(h.at)
	return first.parseFirst(buf, begin, end)
}

// takeField takes the field line buf[begin:end], if there are not as many as
// most already.
func (h *Head) takeField(buf []byte, begin, end, most int, first firstLine) error {
	if message.IsSpace(buf[begin]) && first.folds() {
		h.folded = true
		return foldLine(&h.Header, buf, begin, end)
	}
	if h.Header.Len() >= most {
		return ErrTooManyFields
	}
	return parseLine(&h.Header, buf, begin, end)
}

// parseVersion takes an HTTP version. The error is reason if it is none.
func parseVersion(v []byte, reason error) (p message.Proto, err error) {
	if len(v) != len("HTTP/1.1") || string(v[:5]) != "HTTP/" || v[6] != '.' ||
		!ascii.Is(v[5], ascii.Digit) || !ascii.Is(v[7], ascii.Digit) {
		return p, reason
	}
	if v[5] != '1' {
		return p, ErrVersion
	}
	return message.Proto{Major: 1, Minor: v[7] - '0'}, nil
}

// parseLine adds the field line buf[begin:end], which is without its end. The
// fields' text must be, or become, buf.
func parseLine(f *message.Fields, buf []byte, begin, end int) error {
	line := buf[begin:end]
	n := 0
	for n < len(line) && ascii.Is(line[n], ascii.TokenByte) {
		n++
	}
	switch {
	case n == len(line):
		return ErrNoColon
	case n == 0 && message.IsSpace(line[0]):
		return ErrFold
	case n == 0 || line[n] != ':':
		return ErrFieldName
	}
	from, to := message.Trim(line, n+1, len(line))
	if !validBytes(line[from:to]) {
		return ErrFieldValue
	}
	f.AddParsed(message.NameOf(line[:n]), message.SpanOf(begin, begin+n), message.SpanOf(begin+from, begin+to))
	return nil
}

// foldLine appends the line buf[begin:end], which begins with space, to the
// value of the last field, the end of that line included.
func foldLine(f *message.Fields, buf []byte, begin, end int) error {
	from, to := message.Trim(buf, begin, end)
	if f.Len() == 0 {
		return ErrFold
	}
	if !validBytes(buf[from:to]) {
		return ErrFieldValue
	}
	if from < to {
		f.ExtendLast(message.SpanOf(from, to))
	}
	return nil
}

// unfold replaces the ends of lines in values by spaces.
func unfold(f *message.Fields) {
	for _, value := range f.All() {
		for i, c := range value {
			if c == '\r' || c == '\n' {
				value[i] = ' '
			}
		}
	}
}
