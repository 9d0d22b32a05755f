package wire

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/internal/message"
)

// parseRequest parses a head that comes at once.
func parseRequest(t testing.TB, raw string, l *message.Limits) (*RequestHead, error) {
	t.Helper()
	h := new(RequestHead)
	_, done, err := h.Parse([]byte(raw), l)
	if !done && err == nil {
		t.Fatalf("%q is not complete", raw)
	}
	return h, err
}

func TestRequestHead(t *testing.T) {
	type facts struct {
		method, target, path, host string
		form                       message.TargetForm
		framing                    Framing
		length                     int64
		keepAlive, upgrade         bool
		expect                     message.Expectation
	}
	for _, test := range []struct {
		raw  string
		want facts
	}{
		{"GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n",
			facts{method: "GET", target: "/a?b", path: "/a?b", host: "h:1", keepAlive: true}},
		{"GET / HTTP/1.0\r\n\r\n",
			facts{method: "GET", target: "/", path: "/"}},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nConnection: close\r\n\r\n",
			facts{method: "POST", target: "/", path: "/", host: "h", framing: Sized, length: 12}},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n",
			facts{method: "POST", target: "/", path: "/", host: "h", framing: Chunked, length: message.Unknown, keepAlive: true, expect: message.ExpectContinue}},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: x\r\nExpect: 100-continue\r\n\r\n",
			facts{method: "POST", target: "/", path: "/", host: "h", keepAlive: true, expect: message.ExpectOther}},
		{"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
			facts{method: "POST", target: "/", path: "/", framing: Sized, length: 1}},
		{"GET http://b:80/x?y HTTP/1.1\r\nHost: h\r\n\r\n",
			facts{method: "GET", target: "http://b:80/x?y", path: "/x?y", host: "b:80", form: message.AbsoluteForm, keepAlive: true}},
		{"GET http://b?y HTTP/1.1\r\nHost: h\r\n\r\n",
			facts{method: "GET", target: "http://b?y", path: "?y", host: "b", form: message.AbsoluteForm, keepAlive: true}},
		{"GET http://b HTTP/1.1\r\nHost: h\r\n\r\n",
			facts{method: "GET", target: "http://b", host: "b", form: message.AbsoluteForm, keepAlive: true}},
		{"CONNECT b:443 HTTP/1.1\r\nHost: h\r\n\r\n",
			facts{method: "CONNECT", target: "b:443", host: "b:443", form: message.AuthorityForm, keepAlive: true}},
		{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
			facts{method: "OPTIONS", target: "*", host: "h", form: message.AsteriskForm, keepAlive: true}},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
			facts{method: "GET", target: "/", path: "/", host: "h", keepAlive: true, upgrade: true}},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
			facts{method: "GET", target: "/", path: "/", host: "h", keepAlive: true}},
		{"GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n",
			facts{method: "GET", target: "/", path: "/", keepAlive: true}},
	} {
		h, err := parseRequest(t, test.raw, nil)
		if err != nil {
			t.Errorf("%q: %v", test.raw, err)
			continue
		}
		got := facts{string(h.Method()), string(h.Target()), string(h.Path()), string(h.Host()),
			h.Form, h.Framing, h.Length, h.KeepAlive, h.Upgrade, h.Expect}
		equal(t, test.raw, got, test.want)
	}
}

func TestResponseHead(t *testing.T) {
	type facts struct {
		status        int
		reason        string
		informational bool
		framing       Framing
		length        int64
		keepAlive     bool
	}
	for _, test := range []struct {
		method, raw string
		want        facts
	}{
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", facts{200, "OK", false, Sized, 5, true}},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", facts{200, "OK", false, Chunked, message.Unknown, true}},
		{"GET", "HTTP/1.1 200 \r\n\r\n", facts{200, "", false, UntilClose, message.Unknown, false}},
		{"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", facts{200, "OK", false, Sized, 5, false}},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", facts{200, "OK", false, NoBody, 0, true}},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", facts{304, "Not Modified", false, NoBody, 0, true}},
		{"GET", "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", facts{204, "x", false, NoBody, 0, true}},
		{"GET", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", facts{204, "x", false, NoBody, 0, false}},
		{"GET", "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n", facts{204, "x", false, NoBody, 0, false}},
		{"GET", "HTTP/1.1 100 Continue\r\n\r\n", facts{100, "Continue", true, NoBody, 0, true}},
		{"GET", "HTTP/1.1 101 x\r\n\r\n", facts{101, "x", false, Tunnel, message.Tunnel, false}},
		{"CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", facts{200, "OK", false, Tunnel, message.Tunnel, false}},
		{"CONNECT", "HTTP/1.1 407 x\r\nContent-Length: 5\r\n\r\n", facts{407, "x", false, Sized, 5, true}},
	} {
		var h ResponseHead
		h.Reset(test.method)
		if _, done, err := h.Parse([]byte(test.raw), nil); !done || err != nil {
			t.Errorf("%q: %v, %v", test.raw, done, err)
			continue
		}
		got := facts{h.Status, string(h.Reason()), h.Informational(), h.Framing, h.Length, h.KeepAlive}
		equal(t, test.method+" "+test.raw, got, test.want)
	}
}

func TestFoldedValues(t *testing.T) {
	for raw, want := range map[string]string{
		"X: a\r\n b\r\n":               "a   b",
		"X: a \t\r\n \t b\r\n":         "a \t   \t b",
		"X: a\r\n b\r\n\tc\r\n":        "a   b  \tc",
		"X:\r\n b\r\n":                 "b",
		"X: a\r\n \r\n":                "a",
		"X: a\r\n \r\n b\r\n":          "a      b",
		"X:  \r\n \r\n\tb c \t\r\n":    "b c",
		"W: w\r\nX: a\r\n b\r\nY:\r\n": "a   b",
	} {
		raw = "HTTP/1.1 200 OK\r\n" + raw + "\r\n"
		for _, size := range []int{1, 5, len(raw)} {
			var h ResponseHead
			var done bool
			for _, p := range inPieces(size)([]byte(raw)) {
				var err error
				if _, done, err = h.Parse(p, nil); err != nil {
					t.Fatalf("%q: %v", raw, err)
				}
			}
			if !done {
				t.Fatalf("%q is not complete", raw)
			}
			equal(t, raw, string(h.Header.Get("X")), want)
		}
	}
}

// TestParseTakesOnlyTheHead checks that what follows a head is left alone.
func TestParseTakesOnlyTheHead(t *testing.T) {
	raw := []byte(typicalRequest + "more")
	var h RequestHead
	n, done, err := h.Parse(raw, nil)
	if n != len(typicalRequest) || !done || err != nil {
		t.Fatal(n, done, err)
	}
	equal(t, "input", string(raw), typicalRequest+"more")
	n, done, err = h.Parse([]byte("more"), nil)
	if n != 0 || !done || err != nil {
		t.Errorf("after the end: %d, %v, %v", n, done, err)
	}
	equal(t, "host", string(h.Host()), "www.example.com")
}

func TestErrorsStayUntilReset(t *testing.T) {
	var h RequestHead
	_, done, first := h.Parse([]byte("GET /x HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n"), nil)
	if done || !errors.Is(first, ErrFieldName) {
		t.Fatal(done, first)
	}
	if _, done, err := h.Parse([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), nil); done || err != first {
		t.Errorf("after an error: %v, %v", done, err)
	}
	equal(t, "what was understood", string(h.Method())+" "+string(h.Target())+" "+string(h.Host()), "GET /x h")
	h.Reset()
	if _, done, err := h.Parse([]byte(shortRequest), nil); !done || err != nil {
		t.Errorf("after Reset: %v, %v", done, err)
	}

	// A head that is refused when it is complete stays refused, too.
	h.Reset()
	_, _, first = h.Parse([]byte("GET / HTTP/1.1\r\n\r\n"), nil)
	if _, done, err := h.Parse(nil, nil); done || err != first || !errors.Is(err, ErrHost) {
		t.Errorf("without Host: %v, %v", done, err)
	}
	var d ChunkDecoder
	_, first = d.Parse([]byte("x"), nil)
	if _, err := d.Parse([]byte("0\r\n\r\n"), nil); err != first || !errors.Is(err, ErrChunk) {
		t.Errorf("chunks after an error: %v", err)
	}
	d.Reset()
	if _, err := d.Parse([]byte("0\r\n\r\n"), nil); err != nil || !d.Done() {
		t.Errorf("chunks after Reset: %v", err)
	}
}

func TestHostIsOptionalWhereThatIsAllowed(t *testing.T) {
	for _, test := range []struct {
		raw     string
		missing bool
		err     error
	}{
		{"GET / HTTP/1.1\r\n\r\n", true, nil},
		{"GET / HTTP/1.0\r\n\r\n", false, nil},
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", false, nil},
		{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", false, ErrHost},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", false, ErrHost},
		{"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", true, ErrContentLength},
	} {
		h := RequestHead{HostOptional: true}
		_, done, err := h.Parse([]byte(test.raw), nil)
		if done != (test.err == nil) || !errors.Is(err, test.err) || h.HostMissing != test.missing {
			t.Errorf("%q: complete %v, %v, missing %v", test.raw, done, err, h.HostMissing)
		}
		if h.Reset(); !h.HostOptional || h.HostMissing {
			t.Errorf("after Reset: optional %v, missing %v", h.HostOptional, h.HostMissing)
		}
	}
}

func TestErrorsSayWhatAndWhere(t *testing.T) {
	for raw, want := range map[string]string{
		"GET / HTTP/3.0\r\n\r\n":                                   `505 line 1: unsupported HTTP version: "GET / HTTP/3.0"`,
		"GET / HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n":              `400 line 3: invalid field name: "X Y: z"`,
		"GET / HTTP/1.1\r\nHost: h\r\nX: y\n\r\n":                  `400 line 3: line does not end in CR LF: "X: y\n"`,
		"GET / HTTP/1.1\r\n\r\n":                                   `400 missing, repeated or invalid Host`,
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n":                      `400 missing, repeated or invalid Host: "a/b"`,
		"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 2\r\n\r\n": `400 invalid or repeated Content-Length: "1 2"`,
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 100) + "\x01\r\n\r\n": `400 line 2: control character in a field value: "X: ` +
			strings.Repeat("x", maxErrorText-3) + `"`,
	} {
		_, err := parseRequest(t, raw, nil)
		equal(t, raw, fmt.Sprint(StatusOf(err), " ", err), want)
	}
	equal(t, "status of another error", StatusOf(errors.New("x")), 0)
	equal(t, "status of a wrapped one", StatusOf(fmt.Errorf("read: %w", refuse(ErrChunk, 0, nil))), 400)
}

func TestStarted(t *testing.T) {
	var h RequestHead
	equal(t, "new", h.Started(), false)
	h.Parse(nil, nil)
	equal(t, "after nothing", h.Started(), false)
	h.Parse([]byte("G"), nil)
	equal(t, "after a byte", h.Started(), true)
	h.Reset()
	equal(t, "after Reset", h.Started(), false)
	var r ResponseHead
	r.Reset("GET")
	equal(t, "new response", r.Started(), false)
	r.Parse([]byte("H"), nil)
	equal(t, "response after a byte", r.Started(), true)
}

func TestLimits(t *testing.T) {
	line := func(n int) string {
		return "GET /" + strings.Repeat("a", n-len("GET / HTTP/1.1\r\n")) + " HTTP/1.1\r\n"
	}
	const host = "Host: h\r\n"
	fields := func(n int) string {
		return host + "X: " + strings.Repeat("x", n-len(host)-len("X: \r\n")-2) + "\r\n\r\n"
	}
	chunked := func(rest string) string {
		return "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + rest
	}
	for _, test := range []struct {
		what   string
		limits message.Limits
		raw    string
		want   error
	}{
		{"line", message.Limits{Line: 100}, line(100) + host + "\r\n", nil},
		{"longer line", message.Limits{Line: 100}, line(101) + host + "\r\n", ErrLineTooLong},
		{"line without an end", message.Limits{Line: 100}, line(200)[:100], ErrLineTooLong},
		{"default line", message.Limits{}, line(message.DefaultMaxLine) + host + "\r\n", nil},
		{"longer than the default line", message.Limits{}, line(message.DefaultMaxLine+1) + host + "\r\n", ErrLineTooLong},
		{"header", message.Limits{Header: 100}, line(20) + fields(100), nil},
		{"larger header", message.Limits{Header: 100}, line(20) + fields(101), ErrHeaderTooLarge},
		{"header without an end", message.Limits{Header: 100}, line(20) + fields(200)[:100], ErrHeaderTooLarge},
		{"default header", message.Limits{}, line(20) + fields(message.DefaultMaxHeader), nil},
		{"larger than the default header", message.Limits{}, line(20) + fields(message.DefaultMaxHeader+1), ErrHeaderTooLarge},
		{"fields", message.Limits{Fields: 2}, line(20) + host + "X: y\r\n\r\n", nil},
		{"more fields", message.Limits{Fields: 2}, line(20) + host + "X: y\r\nX: y\r\n\r\n", ErrTooManyFields},
		{"body", message.Limits{Body: 5}, line(20) + host + "Content-Length: 5\r\n\r\nabcde", nil},
		{"larger body", message.Limits{Body: 5}, line(20) + host + "Content-Length: 6\r\n\r\nabcdef", ErrBodyTooLarge},
		{"chunk", message.Limits{Body: 5}, chunked("5\r\nabcde\r\n0\r\n\r\n"), nil},
		{"larger chunk", message.Limits{Body: 5}, chunked("6\r\nabcdef\r\n0\r\n\r\n"), ErrBodyTooLarge},
		{"chunks", message.Limits{Body: 5}, chunked("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), nil},
		{"larger chunks", message.Limits{Body: 5}, chunked("2\r\nab\r\n4\r\ncdef\r\n0\r\n\r\n"), ErrBodyTooLarge},
		{"extensions", message.Limits{Extensions: 5}, chunked("1;a\r\nx\r\n0;bc\r\n\r\n"), nil},
		{"more extensions", message.Limits{Extensions: 5}, chunked("1;a\r\nx\r\n0;bcd\r\n\r\n"), ErrExtensions},
		{"trailer", message.Limits{Trailer: 9}, chunked("0\r\nX: yz\r\n\r\n"), nil},
		{"larger trailer", message.Limits{Trailer: 9}, chunked("0\r\nX: xyz\r\n\r\n"), ErrTrailerTooLarge},
		{"trailer without an end", message.Limits{Trailer: 9}, chunked("0\r\nX: xyzxyz"), ErrTrailerTooLarge},
		{"trailer fields", message.Limits{Fields: 2}, chunked("0\r\nX:\r\nY:\r\n\r\n"), nil},
		{"more trailer fields", message.Limits{Fields: 2}, chunked("0\r\nX:\r\nY:\r\nZ:\r\n\r\n"), ErrTooManyFields},
	} {
		for _, d := range deliveries {
			r := newRequestReader()
			r.limits = &test.limits
			out := read(t, r, d.cut([]byte(test.raw)))
			switch {
			case test.want == nil && (r.request.err != nil || r.body.err != nil || strings.Contains(out, "more")):
				t.Errorf("%s, %s: %s", test.what, d.name, out)
			case test.want != nil && !strings.HasSuffix(out, test.want.Error()):
				t.Errorf("%s, %s: got %s, want %v", test.what, d.name, out, test.want)
			}
		}
	}
}

// TestLengthOfABodyThatIsTooLarge is for servers that read it nevertheless, to
// be able to answer.
func TestLengthOfABodyThatIsTooLarge(t *testing.T) {
	h, err := parseRequest(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n", &message.Limits{Body: 5})
	if !errors.Is(err, ErrBodyTooLarge) || h.Framing != Sized || h.Length != 1000 {
		t.Errorf("%v, %v, %d", err, h.Framing, h.Length)
	}
}

// TestResetForgetsEverything compares heads after Reset with new ones.
func TestResetForgetsEverything(t *testing.T) {
	var request RequestHead
	for _, raw := range []string{
		"POST http://b/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nX: y",
	} {
		request.Parse([]byte(raw), nil)
		request.Reset()
		request.Header = message.Fields{}
		if !reflect.DeepEqual(request, RequestHead{}) {
			t.Errorf("after %q: %+v", raw, request)
		}
	}
	var response, fresh ResponseHead
	fresh.Reset("GET")
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n z\r\n\r\n",
		"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 99",
		"HTTP/2.0 200 OK\r\n",
	} {
		response.Reset("HEAD")
		response.Parse([]byte(raw), nil)
		response.Again()
		if response.method != toHead {
			t.Errorf("Again after %q has forgotten the method", raw)
		}
		response.Reset("GET")
		response.Header = message.Fields{}
		if !reflect.DeepEqual(response, fresh) {
			t.Errorf("after %q: %+v", raw, response)
		}
	}
}
