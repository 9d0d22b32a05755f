package wire

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-libevent/libevent/http/internal/message"
)

var update = flag.Bool("update", false, "write what others make of the tables' messages into the tables")

// A row is a message of a table in testdata.
type row struct {
	name   string
	why    []string // lines of comment
	method string   // that a response answers
	source string   // raw as it is in the file
	raw    []byte
	want   string // the outcome here
	others map[string]string
}

// Names of those whose outcomes the tables have, too, where they are different.
const (
	peerGo = "net/http"
	peerC  = "libevent"
)

// loadTable reads a table. Its head, up to the first row, is returned, too.
func loadTable(t testing.TB, file string) (intro string, table []*row) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	intro, text, _ = strings.Cut(text, "\n== ")
	for text := range strings.SplitSeq("== "+text, "\n\n") {
		text = strings.TrimPrefix(strings.TrimSpace(text), "== ")
		name, rest, _ := strings.Cut(text, "\n")
		m := &row{name: name, method: "GET", others: map[string]string{}}
		for line := range strings.SplitSeq(rest, "\n") {
			key, value, _ := strings.Cut(line, " ")
			value = strings.TrimLeft(value, " ")
			switch key {
			case "#":
				m.why = append(m.why, value)
			case "to":
				m.method = value
			case "raw":
				m.source, m.raw = value, unquote(t, value)
			case "want":
				m.want = value
			case peerGo, peerC:
				m.others[key] = value
			default:
				t.Fatalf("%s: %s: what is %q?", file, name, line)
			}
		}
		table = append(table, m)
	}
	return intro, table
}

// saveTable writes a table.
func saveTable(t testing.TB, file, intro string, table []*row) {
	t.Helper()
	var b strings.Builder
	b.WriteString(intro + "\n")
	for _, m := range table {
		fmt.Fprintf(&b, "\n== %s\n", m.name)
		for _, line := range m.why {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		if m.method != "GET" {
			fmt.Fprintf(&b, "to       %s\n", m.method)
		}
		fmt.Fprintf(&b, "raw      %s\nwant     %s\n", m.source, m.want)
		for _, peer := range []string{peerGo, peerC} {
			if m.others[peer] != "" {
				fmt.Fprintf(&b, "%s %s\n", peer, m.others[peer])
			}
		}
	}
	text := strings.Replace(b.String(), "\n\n== ", "\n== ", 1)
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

var repetition = regexp.MustCompile(`<(.+?)\*(\d+)>`)

// unquote reads a Go string without its quotes; <text*n> is the text n times.
func unquote(t testing.TB, s string) []byte {
	s = repetition.ReplaceAllStringFunc(s, func(r string) string {
		part := repetition.FindStringSubmatch(r)
		n, _ := strconv.Atoi(part[2])
		return strings.Repeat(part[1], n)
	})
	raw, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return []byte(raw)
}

// testRows runs a test for each row of a table.
func testRows(t *testing.T, table []*row, test func(t *testing.T, m *row)) {
	for _, m := range table {
		t.Run(m.name, func(t *testing.T) { test(t, m) })
	}
}

func TestTablesAreLarge(t *testing.T) {
	for file, least := range map[string]int{requestsFile: 150, responsesFile: 80} {
		_, table := loadTable(t, file)
		seen := map[string]bool{}
		for _, m := range table {
			if seen[m.name] || seen[string(m.raw)+m.method] {
				t.Errorf("%s: %s is there twice", file, m.name)
			}
			seen[m.name], seen[string(m.raw)+m.method] = true, true
		}
		if len(table) < least {
			t.Errorf("%s has %d rows", file, len(table))
		}
	}
}

const (
	requestsFile  = "testdata/requests.txt"
	responsesFile = "testdata/responses.txt"
)

// A reader takes a stream apart, message after message, and writes down what it
// has understood. It stands for a server or client.
type reader struct {
	limits  *message.Limits
	request RequestHead
	reply   ResponseHead
	body    ChunkDecoder
	client  bool // reads responses

	inBody bool
	left   int64
	data   []byte
	ended  bool // nothing follows
	out    []string
}

func newRequestReader() *reader { return &reader{} }

func newResponseReader(method string) *reader {
	r := &reader{client: true}
	r.reply.Reset(method)
	return r
}

func (r *reader) head() *Head {
	if r.client {
		return &r.reply.Head
	}
	return &r.request.Head
}

// feed takes the next piece of the stream, which it spoils.
func (r *reader) feed(t testing.TB, p []byte) {
	t.Helper()
	all := p
	for !r.ended {
		n, again := r.step(t, p)
		if n < 0 || n > len(p) {
			t.Fatalf("took %d bytes of %d", n, len(p))
		}
		p = p[n:]
		if !again {
			break
		}
	}
	if len(p) > 0 && !r.ended {
		t.Fatalf("%d bytes were not taken", len(p))
	}
	for i := range all {
		all[i] = '!'
	}
}

// step takes one thing off p. If it took nothing, more has to come first.
func (r *reader) step(t testing.TB, p []byte) (n int, again bool) {
	h := r.head()
	if !r.inBody {
		parse := r.request.Parse
		if r.client {
			parse = r.reply.Parse
		}
		n, done, err := parse(p, r.limits)
		if err != nil {
			return r.refuse(err)
		}
		if !done {
			if n != len(p) {
				t.Fatalf("took %d bytes of %d of a head that goes on", n, len(p))
			}
			return n, false
		}
		r.beginBody()
		return n, true
	}
	switch h.Framing {
	case Chunked:
		n, err := r.body.Parse(p, r.limits)
		if err != nil {
			return r.refuse(err)
		}
		if r.body.Done() {
			r.endBody()
			return n, true
		}
		data := min(r.body.Data(), int64(len(p)-n))
		r.body.Took(data)
		r.data = append(r.data, p[n:n+int(data)]...)
		n += int(data)
		return n, n > 0
	case Sized:
		n := min(r.left, int64(len(p)))
		r.data = append(r.data, p[:n]...)
		r.left -= n
		if r.left == 0 {
			r.endBody()
			return int(n), true
		}
		return int(n), false
	default:
		r.data = append(r.data, p...)
		return len(p), false
	}
}

func (r *reader) refuse(err error) (int, bool) {
	r.ended = true
	reason := err
	if e, ok := err.(*Error); ok {
		reason = e.Err
	}
	r.out = append(r.out, fmt.Sprintf("%d %v", StatusOf(err), reason))
	return 0, false
}

func (r *reader) beginBody() {
	h := r.head()
	r.inBody, r.left, r.data = true, h.Length, nil
	r.body.Reset()
	if h.Framing == NoBody {
		r.endBody()
	}
	if h.Framing == Tunnel {
		r.say(" tunnel")
		r.ended = true
	}
}

func (r *reader) endBody() {
	h := r.head()
	r.say("")
	r.inBody = false
	if r.client {
		if r.reply.Informational() {
			r.reply.Again()
			return
		}
		r.ended = !h.KeepAlive
		if r.ended {
			return
		}
		method := "GET"
		switch r.reply.method {
		case toHead:
			method = "HEAD"
		case toConnect:
			method = "CONNECT"
		}
		r.reply.Reset(method)
		return
	}
	if r.ended = !h.KeepAlive || r.request.Form == message.AuthorityForm; !r.ended {
		r.request.Reset()
	}
}

// say writes down the message that is complete.
func (r *reader) say(extra string) {
	h := r.head()
	var b strings.Builder
	if r.client {
		b.WriteString(responseText(fmt.Sprintf("HTTP/1.%d", h.Proto.Minor), r.reply.Status, string(r.reply.Reason()), r.data))
	} else {
		b.WriteString(requestText(string(r.request.Method()), string(r.request.Target()),
			fmt.Sprintf("HTTP/1.%d", h.Proto.Minor), string(r.request.Host()), r.data))
	}
	for name, value := range r.body.Trailer.All() {
		fmt.Fprintf(&b, " trailer=%q", fmt.Sprintf("%s: %s", name, value))
	}
	r.out = append(r.out, b.String()+extra)
}

func requestText(method, target, version, host string, body []byte) string {
	return fmt.Sprintf("%s %s %s host=%q", method, printable(target), version, host) + bodyText(body)
}

func responseText(version string, status int, reason string, body []byte) string {
	text := fmt.Sprintf("%s %d", version, status)
	if reason != "" {
		text += " " + printable(reason)
	}
	return text + bodyText(body)
}

// bodyText shows a body, or how large it is.
func bodyText(p []byte) string {
	switch {
	case len(p) == 0:
		return ""
	case len(p) > 60:
		return fmt.Sprintf(" body=(%d bytes)", len(p))
	}
	return " body=" + strconv.Quote(string(p))
}

// printable shows a target or phrase, or how large it is.
func printable(s string) string {
	if len(s) > 100 {
		return fmt.Sprintf("(%d bytes)", len(s))
	}
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

// finish says that the stream has ended, and returns the outcome.
func (r *reader) finish() string {
	h := r.head()
	switch {
	case r.ended:
	case r.inBody && h.Framing == UntilClose:
		r.say("")
	case r.inBody || h.Started():
		r.out = append(r.out, "more")
	}
	return strings.Join(r.out, " + ")
}

// A delivery is a way to cut a stream into pieces.
type delivery struct {
	name string
	cut  func(raw []byte) [][]byte
}

func inPieces(size int) func([]byte) [][]byte {
	return func(raw []byte) (pieces [][]byte) {
		for at := 0; at < len(raw); at += size {
			pieces = append(pieces, raw[at:min(at+size, len(raw))])
		}
		return pieces
	}
}

var deliveries = []delivery{
	{"whole", func(raw []byte) [][]byte { return [][]byte{raw} }},
	{"byte by byte", inPieces(1)},
	{"in pieces of 7 bytes", inPieces(7)},
	{"with nothing between the bytes", func(raw []byte) (pieces [][]byte) {
		for _, p := range inPieces(1)(raw) {
			pieces = append(pieces, nil, p)
		}
		return pieces
	}},
}

// read reads a stream that comes in these pieces.
func read(t testing.TB, r *reader, pieces [][]byte) string {
	t.Helper()
	for _, p := range pieces {
		r.feed(t, bytes.Clone(p))
	}
	return r.finish()
}

// testDeliveries checks that a stream has the wanted outcome in all deliveries
// and, if it is short, cut in two, at every so many bytes.
func testDeliveries(t *testing.T, newReader func() *reader, raw []byte, want string, every int) {
	t.Helper()
	for _, d := range deliveries {
		if got := read(t, newReader(), d.cut(raw)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", d.name, got, want)
		}
	}
	if len(raw) > 1000 {
		return
	}
	for at := 0; at < len(raw); at += every {
		if got := read(t, newReader(), [][]byte{raw[:at], raw[at:]}); got != want {
			t.Fatalf("cut at %d:\n got %s\nwant %s", at, got, want)
		}
	}
}

func TestRequests(t *testing.T) {
	_, table := loadTable(t, requestsFile)
	testRows(t, table, func(t *testing.T, m *row) {
		testDeliveries(t, newRequestReader, m.raw, m.want, 1)
	})
}

func TestResponses(t *testing.T) {
	_, table := loadTable(t, responsesFile)
	testRows(t, table, func(t *testing.T, m *row) {
		testDeliveries(t, func() *reader { return newResponseReader(m.method) }, m.raw, m.want, 1)
	})
}

// TestPipelined puts each request after a good one, and before one: neither
// must change what becomes of the other.
func TestPipelined(t *testing.T) {
	const good = "POST /good HTTP/1.1\r\nHost: good\r\nContent-Length: 4\r\n\r\ngood"
	const outcome = `POST /good HTTP/1.1 host="good" body="good"`
	_, table := loadTable(t, requestsFile)
	testRows(t, table, func(t *testing.T, m *row) {
		testDeliveries(t, newRequestReader, append([]byte(good), m.raw...), outcome+" + "+m.want, 11)
		if r := newRequestReader(); read(t, r, [][]byte{m.raw}) != "" && !r.ended && !r.inBody && !r.request.Started() {
			testDeliveries(t, newRequestReader, append(bytes.Clone(m.raw), good...), m.want+" + "+outcome, 11)
		}
	})
}

// TestPipelinedResponses does the same with responses.
func TestPipelinedResponses(t *testing.T) {
	_, table := loadTable(t, responsesFile)
	testRows(t, table, func(t *testing.T, m *row) {
		good := "HTTP/1.1 404 Good\r\nContent-Length: 4\r\n\r\n"
		outcome := "HTTP/1.1 404 Good"
		if m.method != "HEAD" {
			good, outcome = good+"good", outcome+` body="good"`
		}
		newReader := func() *reader { return newResponseReader(m.method) }
		testDeliveries(t, newReader, append([]byte(good), m.raw...), outcome+" + "+m.want, 11)
		if r := newReader(); read(t, r, [][]byte{m.raw}) != "" && !r.ended && !r.inBody && !r.reply.Started() {
			testDeliveries(t, newReader, append(bytes.Clone(m.raw), good...), m.want+" + "+outcome, 11)
		}
	})
}
