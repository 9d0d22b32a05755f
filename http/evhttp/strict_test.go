package evhttp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// A strictRow is a row of the table of requests that the package wire is tested
// with, see there.
type strictRow struct {
	name, want string
	to         string // the method that a response answers, if not GET
	raw        []byte
}

func strictTable(t testing.TB, file string) (rows []strictRow) {
	content, err := os.ReadFile("../internal/wire/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	_, text, _ = strings.Cut(text, "\n== ")
	for part := range strings.SplitSeq(text, "\n\n") {
		var row strictRow
		row.name, part, _ = strings.Cut(strings.TrimPrefix(part, "== "), "\n")
		for line := range strings.SplitSeq(part, "\n") {
			key, value, _ := strings.Cut(line, " ")
			switch value = strings.TrimLeft(value, " "); key {
			case "raw":
				row.raw = unquoteRow(t, value)
			case "want":
				row.want = value
			case "to":
				row.to = value
			}
		}
		rows = append(rows, row)
	}
	return rows
}

var repeated = regexp.MustCompile(`<([^<>]*)\*(\d+)>`)

func unquoteRow(t testing.TB, s string) []byte {
	s = repeated.ReplaceAllStringFunc(s, func(r string) string {
		part := repeated.FindStringSubmatch(r)
		n, _ := strconv.Atoi(part[2])
		return strings.Repeat(part[1], n)
	})
	raw, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return []byte(raw)
}

// A strictServer writes down what it is asked.
type strictServer struct {
	addr string
	on   func(func())
	said []string // of the connection that there is
}

func newStrictServer(t *testing.T) *strictServer {
	h := new(strictServer)
	s, addr, on := serve(t)
	h.addr, h.on = addr, on
	on(func() { h.record(t, s) })
	return h
}

// record has a server take all that the parser does, and write it down.
func (h *strictServer) record(t testing.TB, s *Server) {
	for i, name := range []string{"get", "M-SEARCH!#$%&'*+.^_`|~", "BREW"} {
		if err := s.AddMethod(name, MethodMax<<(i+1)); err != nil {
			t.Error(err)
		}
	}
	s.SetAllowedMethods(1<<32 - 1)
	s.SetMaxBodySize(-1)
	s.SetNewRequestCallback(func(r *Request) bool {
		r.asked.Expect = message.ExpectNothing // or there would be 417
		return true
	})
	s.exact = map[string]handler{}
	s.SetGenericCallback(h.handle)
	s.SetLogCallback(func(r *Request) {
		var reason *wire.Error
		if errors.As(r.cause, &reason) {
			h.said = append(h.said, fmt.Sprintf("%d %v", r.ResponseCode(), reason.Err))
		}
	})
}

// handle writes a request down as the table has it.
func (h *strictServer) handle(r *Request) {
	text := fmt.Sprintf("%s %s HTTP/1.%d host=%q", r.Method(), visible(r.URI()), r.Minor(), r.asked.Host())
	if body, _ := io.ReadAll(r.Input()); len(body) > 60 {
		text += fmt.Sprintf(" body=(%d bytes)", len(body))
	} else if len(body) > 0 {
		text += " body=" + strconv.Quote(string(body))
	}
	for name, value := range r.InputTrailers().All() {
		text += fmt.Sprintf(" trailer=%q", name+": "+value)
	}
	h.said = append(h.said, text)
	if r.Command() == MethodHead { // or nobody could tell where the reply ends who does not know the request
		r.OutputHeaders().Set("Content-Length", "0")
	}
	r.SendReply(200, "", nil)
}

func visible(s string) string {
	if len(s) > 100 {
		return fmt.Sprintf("(%d bytes)", len(s))
	}
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

// outcome sends what is to be sent, and returns what the server has understood.
func (h *strictServer) outcome(t *testing.T, send func(c net.Conn)) string {
	t.Helper()
	h.on(func() { h.said = nil })
	c := dial(t, h.addr)
	go func() {
		send(c)
		closeWrite(c)
	}()
	replies := readAll(t, c)
	c.Close()
	var said []string
	h.on(func() { said = h.said })
	if n := strings.Count(replies, "HTTP/1.1 "); n != len(said) {
		t.Errorf("%d replies to %d requests: %q", n, len(said), replies)
	}
	return strings.Join(said, " + ")
}

// TestStrictness sends all requests of the table to a server.
func TestStrictness(t *testing.T) {
	rows := strictTable(t, "requests.txt")
	if len(rows) < 150 {
		t.Fatalf("the table has only %d rows", len(rows))
	}
	h := newStrictServer(t)
	const first = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, row := range rows {
		// That a stream ends too early is known by what does not come.
		want := strings.TrimSuffix(strings.TrimSuffix(row.want, "more"), " + ")
		ways := map[string]func(c net.Conn){
			"whole": func(c net.Conn) { c.Write(row.raw) },
			"byte by byte": func(c net.Conn) {
				for i := range row.raw {
					c.Write(row.raw[i : i+1])
				}
			},
			"after another": func(c net.Conn) { c.Write(append([]byte(first), row.raw...)) },
		}
		if len(row.raw) > 1000 {
			delete(ways, "byte by byte")
		}
		for way, send := range ways {
			expected := want
			if way == "after another" {
				expected = strings.TrimSuffix(`GET /first HTTP/1.1 host="a" + `+want, " + ")
			}
			if got := h.outcome(t, send); got != expected {
				t.Errorf("%s, %s:\ngot  %s\nwant %s", row.name, way, got, expected)
			}
		}
	}
}
