package simulation_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// An httpMessage is a request or an answer as it was read.
type httpMessage struct {
	line    string // the first one
	fields  httpFields
	body    []byte
	trailer httpFields
}

// httpFields are fields in their order, with names in lower case.
type httpFields [][2]string

func (f httpFields) get(name string) string {
	for _, field := range f {
		if field[0] == name {
			return field[1]
		}
	}
	return ""
}

// An httpReader reads messages by rules of its own, which are much stricter than those of
// HTTP: exactly what a good peer would send.
type httpReader struct {
	in       []byte
	request  bool                      // the messages are requests
	bodiless func(m *httpMessage) bool // an answer has no body, whatever its header says
	head     func(m *httpMessage)      // is called when a header has come, if it is not nil
	got      func(m *httpMessage)      // is called when a message has come
	m        *httpMessage
	state    httpReaderState
	left     int // bytes of the body, or of the chunk
}

type httpReaderState int

const (
	readerHead httpReaderState = iota
	readerSized
	readerChunkSize
	readerChunk
	readerChunkEnd
	readerTrailer
	readerUntilClose
	readerTunnel // what comes is no message
)

// feed reads what has come.
func (r *httpReader) feed(p []byte) error {
	r.in = append(r.in, p...)
	for {
		more, err := r.step()
		if err != nil || !more {
			return err
		}
	}
}

// end is called at the end of the stream.
func (r *httpReader) end() error {
	switch {
	case r.state == readerUntilClose:
		r.complete()
		return nil
	case r.state == readerTunnel, r.state == readerHead && len(r.in) == 0:
		return nil
	}
	return fmt.Errorf("the stream ends within a message, in state %d", r.state)
}

// partial reports whether some of a message has come.
func (r *httpReader) partial() bool { return r.state != readerHead || len(r.in) > 0 }

func (r *httpReader) step() (more bool, err error) {
	switch r.state {
	case readerHead:
		return r.readHead()
	case readerSized, readerChunk:
		n := min(r.left, len(r.in))
		r.body(n)
		if r.left -= n; r.left > 0 {
			return false, nil
		}
		if r.state == readerChunk {
			r.state = readerChunkEnd
		} else {
			r.complete()
		}
		return true, nil
	case readerChunkSize:
		return r.readChunkSize()
	case readerChunkEnd:
		line, ok, err := r.line()
		if !ok || err != nil {
			return false, err
		}
		if line != "" {
			return false, fmt.Errorf("%q behind a chunk", line)
		}
		r.state = readerChunkSize
		return true, nil
	case readerTrailer:
		return r.readTrailer()
	case readerUntilClose:
		r.body(len(r.in))
	}
	return false, nil
}

func (r *httpReader) body(n int) {
	r.m.body = append(r.m.body, r.in[:n]...)
	r.in = r.in[n:]
}

// line takes a line.
func (r *httpReader) line() (line string, ok bool, err error) {
	i := bytes.IndexByte(r.in, '\n')
	if i < 0 {
		return "", false, nil
	}
	if i == 0 || r.in[i-1] != '\r' {
		return "", false, fmt.Errorf("a line %q ends without a CR", r.in[:i])
	}
	line = string(r.in[:i-1])
	r.in = r.in[i+1:]
	return line, true, nil
}

func (r *httpReader) readHead() (more bool, err error) {
	i := bytes.Index(r.in, []byte("\r\n\r\n"))
	if i < 0 {
		return false, nil
	}
	lines := strings.Split(string(r.in[:i]), "\r\n")
	r.in = r.in[i+4:]
	r.m = &httpMessage{line: lines[0]}
	if r.m.fields, err = parseHTTPFields(lines[1:]); err != nil {
		return false, err
	}
	if err := r.frame(); err != nil {
		return false, err
	}
	if r.head != nil {
		r.head(r.m)
	}
	if r.state == readerHead {
		r.complete()
	}
	return true, nil
}

// frame finds out how the body ends.
func (r *httpReader) frame() error {
	length, coding := r.m.fields.get("content-length"), r.m.fields.get("transfer-encoding")
	r.left = 0
	if length != "" {
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || coding != "" {
			return fmt.Errorf("%q has the length %q and the coding %q", r.m.line, length, coding)
		}
		r.left = n
	}
	switch {
	case !r.request && r.bodiless(r.m):
	case coding == "chunked":
		r.state = readerChunkSize
	case coding != "":
		return fmt.Errorf("transfer-encoding %q", coding)
	case length != "":
		r.state = readerSized
	case !r.request:
		r.state = readerUntilClose
	}
	return nil
}

func (r *httpReader) readChunkSize() (more bool, err error) {
	line, ok, err := r.line()
	if !ok || err != nil {
		return false, err
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 31)
	if err != nil {
		return false, fmt.Errorf("a chunk of size %q", line)
	}
	r.left, r.state = int(n), readerChunk
	if n == 0 {
		r.state = readerTrailer
	}
	return true, nil
}

func (r *httpReader) readTrailer() (more bool, err error) {
	line, ok, err := r.line()
	if !ok || err != nil {
		return false, err
	}
	if line == "" {
		r.complete()
		return true, nil
	}
	field, err := parseHTTPFields([]string{line})
	r.m.trailer = append(r.m.trailer, field...)
	return err == nil, err
}

func (r *httpReader) complete() {
	m := r.m
	r.m, r.state = nil, readerHead
	r.got(m)
}

func parseHTTPFields(lines []string) (f httpFields, err error) {
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") {
			return nil, fmt.Errorf("a field %q", line)
		}
		f = append(f, [2]string{strings.ToLower(name), strings.TrimSpace(value)})
	}
	return f, nil
}

// status returns the status code of an answer, or 0.
func (m *httpMessage) status() int {
	if len(m.line) < 13 || !strings.HasPrefix(m.line, "HTTP/1.") || m.line[8] != ' ' {
		return 0
	}
	n, err := strconv.Atoi(m.line[9:12])
	if err != nil {
		return 0
	}
	return n
}

// spell writes a field name in some other case.
func (m *httpModel) spell(name string) string {
	switch m.rand.IntN(4) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.ToLower(name)
	}
	return name
}

// appendField appends a field as some peers write it.
func (m *httpModel) appendField(p []byte, name, value string) []byte {
	space := [...]string{" ", "", "\t", "   "}
	before, after := space[m.rand.IntN(len(space))], space[m.rand.IntN(2)]
	return fmt.Appendf(p, "%s:%s%s%s\r\n", m.spell(name), before, value, after)
}

// appendChunks appends a body in chunks, with a trailer if sum is not empty.
func (m *httpModel) appendChunks(p, body []byte, piece int, sum string) []byte {
	formats := [...]string{"%x", "%X", "00%x", "%x;name", "%x;a=b;c=\"d;e\""}
	for chunks := 0; len(body) > 0; chunks++ {
		n := min(1+m.rand.IntN(max(piece, 1)), len(body))
		format := formats[m.rand.IntN(len(formats))]
		if chunks > 100 {
			format = "%x" // extensions have a limit
		}
		p = append(fmt.Appendf(p, format, n), "\r\n"...)
		p = append(append(p, body[:n]...), "\r\n"...)
		body = body[n:]
	}
	p = append(p, "0\r\n"...)
	if sum != "" {
		p = m.appendField(p, httpSum, sum)
	}
	return append(p, "\r\n"...)
}
