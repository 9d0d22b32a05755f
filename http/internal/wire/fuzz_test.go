package wire

import (
	"bytes"
	"testing"

	"github.com/go-libevent/libevent/http/internal/message"
)

// fuzzLimits are small enough for the fuzzer to reach.
var fuzzLimits = message.Limits{Line: 200, Header: 400, Fields: 8, Extensions: 20, Trailer: 60, Body: 1000}

// cutAt cuts raw into pieces whose sizes are the bytes of cuts, again and again.
func cutAt(raw, cuts []byte) [][]byte {
	var pieces [][]byte
	for i := 0; len(raw) > 0; i++ {
		n := len(raw)
		if len(cuts) > 0 {
			n = min(n, int(cuts[i%len(cuts)])%17+1)
		}
		pieces = append(pieces, raw[:n])
		raw = raw[n:]
	}
	return pieces
}

// checkSplitting checks that a stream has the same outcome however it is cut.
func checkSplitting(t *testing.T, newReader func() *reader, raw, cuts []byte) string {
	whole := read(t, newReader(), [][]byte{raw})
	for what, pieces := range map[string][][]byte{"byte by byte": inPieces(1)(raw), "cut": cutAt(raw, cuts)} {
		if got := read(t, newReader(), pieces); got != whole {
			t.Fatalf("%q\n%s %v: %s\nwhole: %s", raw, what, cuts, got, whole)
		}
	}
	return whole
}

// FuzzRequest reads a stream of requests.
func FuzzRequest(f *testing.F) {
	_, table := loadTable(f, requestsFile)
	for i, m := range table {
		if len(m.raw) < 500 {
			f.Add(m.raw, []byte{byte(i), byte(i / 7)})
		}
	}
	f.Fuzz(func(t *testing.T, raw, cuts []byte) {
		checkSplitting(t, func() *reader {
			r := newRequestReader()
			r.limits = &fuzzLimits
			return r
		}, raw, cuts)
		checkRewriting(t, raw)
	})
}

// FuzzResponse reads a stream of responses.
func FuzzResponse(f *testing.F) {
	_, table := loadTable(f, responsesFile)
	for i, m := range table {
		if len(m.raw) < 500 {
			f.Add(m.raw, []byte{byte(i), byte(i / 7)}, m.method)
		}
	}
	f.Fuzz(func(t *testing.T, raw, cuts []byte, method string) {
		checkSplitting(t, func() *reader {
			r := newResponseReader(method)
			r.limits = &fuzzLimits
			return r
		}, raw, cuts)
	})
}

// FuzzChunks reads a chunked body, and one that is written from data.
func FuzzChunks(f *testing.F) {
	for _, seed := range []string{
		"3\r\nabc\r\n0\r\n\r\n", "3;a=\"b\"\r\nabc\r\n0\r\nX: y\r\n\r\n", "0\r\n\r\nGET", "ffffffffffffffff\r\n", "3 ;\r\n",
	} {
		f.Add([]byte(seed), []byte{3, 1})
	}
	const head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	f.Fuzz(func(t *testing.T, raw, cuts []byte) {
		newReader := func() *reader {
			r := newRequestReader()
			r.limits = &fuzzLimits
			return r
		}
		checkSplitting(t, newReader, append([]byte(head), raw...), cuts)

		stream := []byte(head)
		data := raw[:min(len(raw), int(fuzzLimits.Body))]
		for _, p := range cutAt(data, cuts) {
			stream = AppendChunkSize(stream, int64(len(p)))
			stream = append(append(stream, p...), CRLF...)
		}
		stream, err := AppendLastChunk(stream, newFields(t, "X", "y"))
		if err != nil {
			t.Fatal(err)
		}
		want := requestText("POST", "/", "HTTP/1.1", "h", data) + ` trailer="X: y"`
		if got := checkSplitting(t, newReader, stream, cuts); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

// checkRewriting checks that a request that is understood, written again, is
// understood in the same way.
func checkRewriting(t *testing.T, raw []byte) {
	var h, again RequestHead
	_, done, err := h.Parse(bytes.Clone(raw), &fuzzLimits)
	if !done || err != nil {
		return
	}
	out, err := AppendRequestLine(nil, string(h.Method()), string(h.Target()))
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if h.Proto.Minor == 0 {
		out = bytes.Replace(out, []byte(" HTTP/1.1"), []byte(" HTTP/1.0"), 1)
	}
	copied := new(message.Fields)
	for name, value := range h.Header.All() {
		if err := copied.Add(string(name), string(value)); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
	}
	out = append(copied.AppendTo(out), CRLF...)
	n, done, err := again.Parse(out, nil)
	if n != len(out) || !done || err != nil {
		t.Fatalf("%q, written as %q: %d, %v, %v", raw, out, n, done, err)
	}
	if lines(&h.Header) != lines(&again.Header) || h.Framing != again.Framing || h.Length != again.Length ||
		h.KeepAlive != again.KeepAlive || h.Expect != again.Expect || string(h.Host()) != string(again.Host()) {
		t.Fatalf("%q, written as %q, is understood differently", raw, out)
	}
	// No value may end a line and begin another.
	if got, want := bytes.Count(out, []byte{'\n'}), copied.Len()+2; got != want {
		t.Fatalf("%q has %d lines, want %d", out, got, want)
	}
}
