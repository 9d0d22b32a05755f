package evhttp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// expected returns what becomes of the first answer of a row, and of what
// precedes it.
func (row *strictRow) expected() string {
	var parts []string
	for part := range strings.SplitSeq(row.want, " + ") {
		parts = append(parts, part)
		if !strings.HasPrefix(part, "HTTP/1.1 10") || strings.HasSuffix(part, "tunnel") {
			return strings.Join(parts, " + ")
		}
	}
	return strings.Join(append(parts, "more"), " + ")
}

// answerText writes an answer down as the table has it.
func answerText(r *Request, h *wire.ResponseHead) string {
	text := fmt.Sprintf("HTTP/1.%d %d", h.Proto.Minor, h.Status)
	if reason := h.Reason(); len(reason) > 0 {
		text += " " + visible(string(reason))
	}
	if r == nil {
		return text
	}
	if body, _ := io.ReadAll(r.Input()); len(body) > 60 {
		text += fmt.Sprintf(" body=(%d bytes)", len(body))
	} else if len(body) > 0 {
		text += " body=" + strconv.Quote(string(body))
	}
	for name, value := range r.InputTrailers().All() {
		text += fmt.Sprintf(" trailer=%q", name+": "+value)
	}
	if r.client.head.Framing == wire.Tunnel {
		text += " tunnel"
	}
	return text
}

// strictOutcome has a client get an answer in pieces of a size, and returns what
// it has understood.
func strictOutcome(t testing.TB, row *strictRow, size int) string {
	t.Helper()
	base := newTestBase(t)
	defer base.Free()
	ours, theirs, err := bufferevent.NewPair(base, 0)
	must(t, err)
	defer theirs.Free()
	theirs.Enable(event.Read)
	c, err := NewClientConnReuse(ours, "host.example", nil)
	must(t, err)
	defer c.Free()
	var said []string
	r := NewRequest(func(r *Request) {
		var e *Error
		var refused *wire.Error
		switch {
		case r.Err() == nil:
			said = append(said, answerText(r, &r.client.head))
		case errors.As(r.Err(), &refused):
			said = append(said, fmt.Sprintf("%d %v", wire.StatusOf(refused), refused.Err))
		case errors.Is(r.Err(), wire.ErrBodyTooLarge):
			said = append(said, fmt.Sprintf("413 %v", wire.ErrBodyTooLarge))
		case errors.As(r.Err(), &e) && e.Code == ReqEOF:
			said = append(said, "more")
		default:
			said = append(said, r.Err().Error())
		}
	})
	r.SetInformationalCallback(func(r *Request, _ int, _ *Header) { said = append(said, answerText(nil, &r.client.head)) })
	r.OutputHeaders().Add("Upgrade", "whatever")
	method, target := row.to, "/"
	if method == "" {
		method = "GET"
	} else if method == "CONNECT" {
		target = "host.example:1"
	}
	must(t, c.MakeCustomRequest(r, method, target))
	for piece := range slices.Chunk(row.raw, size) {
		if r.ex == nil {
			break
		}
		theirs.Write(piece)
		for i := 0; theirs.Output().Len() > 0 && r.ex != nil; i++ {
			base.Loop(event.LoopNonblock)
			if i > 10_000 {
				t.Fatalf("nothing is taken of %q", piece)
			}
		}
	}
	theirs.CloseWrite()
	for i := 0; r.ex != nil; i++ {
		base.Loop(event.LoopNonblock)
		if i > 10_000 {
			t.Fatalf("no end after %q", row.raw)
		}
	}
	return strings.Join(said, " + ")
}

// TestStrictnessOfClients has a client get all responses of the table, whole and
// byte by byte.
func TestStrictnessOfClients(t *testing.T) {
	rows := strictTable(t, "responses.txt")
	if len(rows) < 80 {
		t.Fatalf("the table has only %d rows", len(rows))
	}
	for _, row := range rows {
		for _, size := range []int{len(row.raw), 1} {
			if size == 1 && len(row.raw) > 20_000 {
				size = 1000
			}
			if got, want := strictOutcome(t, &row, max(size, 1)), row.expected(); got != want {
				t.Errorf("%s, in pieces of %d:\ngot  %s\nwant %s", row.name, size, got, want)
			}
		}
	}
}

// FuzzAnswers looks for an answer that is another one if it comes in pieces.
func FuzzAnswers(f *testing.F) {
	for _, row := range strictTable(f, "responses.txt") {
		if len(row.raw) < 1000 {
			f.Add(row.raw, row.to, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, to string, size uint8) {
		if len(raw) == 0 || !slices.Contains([]string{"", "HEAD", "CONNECT", "POST"}, to) {
			return
		}
		row := &strictRow{raw: raw, to: to}
		whole := strictOutcome(t, row, len(raw))
		if pieces := strictOutcome(t, row, max(int(size), 1)); pieces != whole {
			t.Errorf("in pieces %q, whole %q", pieces, whole)
		}
	})
}
