package simulation_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// webWrites is how a handler writes its answer.
type webWrites int

const (
	webWritesBytes  webWrites = iota
	webWritesString           // io.WriteString
	webWritesCopy             // io.Copy from a reader
	webWriteses
)

// write writes a part of an answer.
func (p *webPlan) write(rw http.ResponseWriter, part []byte) (n int64, err error) {
	switch p.writes {
	case webWritesString:
		n, err := io.WriteString(rw, string(part))
		return int64(n), err
	case webWritesCopy:
		return io.Copy(rw, struct{ io.Reader }{strings.NewReader(string(part))})
	}
	m, err := rw.Write(part)
	return int64(m), err
}

// flush flushes what was written, in one way or another.
func (p *webPlan) flush(rw http.ResponseWriter) {
	if f, ok := rw.(http.Flusher); ok && p.id%2 == 0 {
		f.Flush()
		return
	}
	_ = http.NewResponseController(rw).Flush() // an inline handler has none
}

// prepare sets what the plan says before a handler does anything else.
func (s *webScene) prepare(rw http.ResponseWriter, p *webPlan) {
	c := http.NewResponseController(rw)
	var err error
	if p.reads == webReadsAlong {
		err = c.EnableFullDuplex()
	}
	if p.readLimit > 0 {
		err = errors.Join(err, c.SetReadDeadline(time.Now().Add(p.readLimit)))
	}
	if p.writeLimit > 0 {
		err = errors.Join(err, c.SetWriteDeadline(time.Now().Add(p.writeLimit)))
	}
	if err != nil && s.clean && !p.inline && p.harmless() {
		s.errorf("plan %d: %v", p.id, err)
	}
	for range p.infos {
		rw.Header().Set("Link", "</a>")
		rw.WriteHeader(http.StatusEarlyHints)
	}
	if p.infos > 0 {
		rw.Header().Del("Link")
	}
}

// checkDeadline checks that what has failed by a deadline had one, which has passed.
func (s *webScene) checkDeadline(p *webPlan, err error, limit, after time.Duration) {
	if errors.Is(err, os.ErrDeadlineExceeded) && s.clean && p.cancel == 0 && p.timeout == 0 && (limit == 0 || after < limit) {
		s.errorf("plan %d: a deadline of %v after %v: %v", p.id, limit, after, err)
	}
}
