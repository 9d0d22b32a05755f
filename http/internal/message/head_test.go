package message

import "testing"

// decoded returns a head as a decoder of another protocol would fill it: each part of
// the head was decompressed, and appended to the text.
func decoded(pseudo map[string]string, pairs ...string) *Head {
	h := new(Head)
	f := &h.Header
	add := func(s string) Span {
		from := len(f.Text())
		f.AppendText([]byte(s))
		return SpanOf(from, len(f.Text()))
	}
	h.At = Layout{Method: add(pseudo["method"]), Scheme: add(pseudo["scheme"]), Authority: add(pseudo["authority"])}
	h.At.Target = add(pseudo["path"])
	h.At.Path = h.At.Target
	f.Keep(len(f.Text()))
	for i := 0; i < len(pairs); i += 2 {
		name, value := add(pairs[i]), add(pairs[i+1])
		f.AddParsed(NameOf(pairs[i]), name, value)
	}
	return h
}

func TestHeadThatWasDecoded(t *testing.T) {
	h := decoded(map[string]string{"method": "GET", "scheme": "https", "authority": "a:8443", "path": "/x?y"},
		"accept", "*/*", "content-length", "5", "cookie", "")
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"method": {h.Method(), "GET"}, "scheme": {h.Scheme(), "https"}, "host": {h.Host(), "a:8443"},
		"target": {h.Target(), "/x?y"}, "path": {h.Path(), "/x?y"}, "reason": {h.Reason(), ""},
		"field": {h.Header.Get("Accept"), "*/*"}, "known field": {h.Header.GetKnown(ContentLength), "5"},
	} {
		equal(t, name, string(test.got), test.want)
	}
	equal(t, "fields", lines(&h.Header), "accept: */*\r\ncontent-length: 5\r\ncookie: \r\n")
	h.Header.Set("Accept", "text/html; and more than was there")
	h.Header.Remove("content-length")
	equal(t, "path after changes to the fields", string(h.Path()), "/x?y")
	h.Reset()
	equal(t, "method after Reset", string(h.Method()), "")
	equal(t, "fields after Reset", h.Header.Len(), 0)
}

// TestHostOfTheHeader checks that the Host field counts only without an authority.
func TestHostOfTheHeader(t *testing.T) {
	h := decoded(map[string]string{"method": "GET", "path": "/"}, "host", "b")
	equal(t, "without an authority", string(h.Host()), "b")
	h = decoded(map[string]string{"method": "GET", "authority": "a", "path": "/"}, "host", "b")
	equal(t, "with one", string(h.Host()), "a")
}

// TestExtendLast joins the lines of a folded field.
func TestExtendLast(t *testing.T) {
	const text = "X:  one\r\n two"
	for _, test := range []struct {
		first Span
		want  string
	}{{SpanOf(4, 7), "one\r\n two"}, {SpanOf(4, 4), "two"}} {
		var f Fields
		f.AppendText([]byte(text))
		f.AddParsed(Other, SpanOf(0, 1), test.first)
		f.ExtendLast(SpanOf(10, 13))
		equal(t, "value", string(f.Get("X")), test.want)
	}
}

func TestProto(t *testing.T) {
	for proto, want := range map[Proto]string{HTTP10: "HTTP/1.0", HTTP11: "HTTP/1.1", {1, 7}: "HTTP/1.7", {2, 0}: "HTTP/2.0"} {
		equal(t, "version", proto.String(), want)
	}
}
